"""Who uses the probe: what networks and rPIE lose where what is assumed, or measured, is wrong."""

from pathlib import Path

from benchmarks.evidence.means import in_words
from benchmarks.measuring import table as markdown
from ptychopareto.config import AS_TRAINED
from ptychopareto.study.scenario_table import RPIE, by_scenario, read_scenarios


def table(results: Path, quality: str = "ssim_phase") -> str:
    """Rows of scenarios, columns of networks and rPIE, each the mean and its change."""
    means = by_scenario(read_scenarios(results / "scenarios.csv"), quality)
    by = means.set_index(["configuration", "scenario"])
    names = [name for name in means["configuration"].unique() if name != RPIE]
    order = [*names, *(name for name in means["configuration"].unique() if name == RPIE)]
    rows = []
    for scenario in means["scenario"].unique():
        row = [str(scenario).replace("_", " ")]
        for name in order:
            value, width = (float(by.loc[(name, scenario), key]) for key in ("mean", "ci95"))
            change = value - float(by.loc[(name, AS_TRAINED), "mean"])
            words = in_words(value, width)
            row.append(words if scenario == AS_TRAINED else f"{words} ({_signed(change)})")
        rows.append(row)
    return markdown(["", *(f"`{name}`" if name != RPIE else "rPIE" for name in order)], rows)


def _signed(change: float) -> str:
    return f"{change:+.3f}".replace("-", "−")
