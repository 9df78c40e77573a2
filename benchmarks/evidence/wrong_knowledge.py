"""Who uses the probe: what networks and rPIE lose where what is assumed, or measured, is wrong."""

from pathlib import Path

import pandas as pd

from benchmarks.evidence.means import in_words
from benchmarks.measuring import table as markdown
from ptychopareto.config import AS_TRAINED
from ptychopareto.study.scenario_table import RPIE, by_scenario, read_scenarios

NAMES = {
    "fno_tnone_m12_w16_teacher": "`fno`, width 16",
    "hybrid_tnone_m12_w4_teacher": "`hybrid`, width 4",
}


def table(results: Path, quality: str = "ssim_phase") -> str:
    """Rows of scenarios, columns of networks and rPIE, each the mean and its change.

    Behind each network, and behind rPIE after a fixed number of passes, follows the same with rPIE
    that free patterns stop.
    """
    scores = read_scenarios(results / "scenarios.csv")
    fixed, at_best = (by_scenario(scores, quality, best) for best in (False, True))
    names = [name for name in fixed["configuration"].unique() if name != RPIE]
    shown = {name: NAMES.get(name, f"`{name}`") for name in names}
    columns: dict[str, pd.DataFrame] = {}
    for name in [*names, RPIE]:
        title = shown.get(name, "rPIE, all passes")
        best = f"{title}, then rPIE at its best" if name != RPIE else "rPIE at its best"
        for words, means in ((title, fixed), (best, at_best)):
            own = means[means["configuration"] == name].set_index("scenario")
            if len(own):
                columns[words] = own
    rows = []
    for scenario in fixed["scenario"].unique():
        row = [str(scenario).replace("_", " ")]
        for own in columns.values():
            value, width = (float(own[key][scenario]) for key in ("mean", "ci95"))
            change = value - float(own["mean"][AS_TRAINED])
            words = in_words(value, width)
            row.append(words if scenario == AS_TRAINED else f"{words} ({_signed(change)})")
        rows.append(row)
    return markdown(["", *columns], rows)


def _signed(change: float) -> str:
    return f"{change:+.3f}".replace("-", "−")
