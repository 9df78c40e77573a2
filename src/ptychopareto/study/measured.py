"""Set the reconstructions of a measured scan side by side, as a table in Markdown.

Run it as ``python -m ptychopareto.study.measured results``.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ptychopareto.files import FileError
from ptychopareto.study.against_time import ENGINES, read_classical, read_refinement
from ptychopareto.study.configurations import half_width, read_configurations

UNKNOWN = "–"
MEASURES = ("r_work", "r_free", "frc50_halves", "ssim_phase")
HEADINGS = (
    *("reconstruction", "seeds", "time [s]", "R-work", "R-free", "half-set FRC½"),
    "phase SSIM to classical",
)


def comparison(
    configurations: pd.DataFrame, classical: pd.DataFrame, refinement: pd.DataFrame
) -> str:
    """Set the networks of a study of a measured scan beside the classical engines.

    Parameters
    ----------
    configurations : DataFrame
        As `configurations.configurations` returns them.
    classical : DataFrame
        As `against_time.classical_table` returns it.
    refinement : DataFrame
        As `against_time.refinement_table` returns it.

    Returns
    -------
    str
        A table in Markdown: a flat object, each classical engine at its least R-free (and where
        early stopping ends it), then the configurations, that of least R-free first, each alone and
        after rPIE. A figure is the mean over the seeds ± half the width of the 95 % interval of the
        mean, which one seed does not have.
    """
    lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS))]
    flat = configurations["r_free_flat"].mean()
    lines.append(_line(["flat object", "", "", "", _figure(flat), "", ""]))
    lines += _classical_lines(classical)
    for row in configurations.sort_values("r_free", kind="stable").to_dict("records"):
        lines += _lines_of_configuration(row, refinement)
    return "\n".join(lines)


def _classical_lines(classical: pd.DataFrame) -> list[str]:
    lines = []
    for engine, name in ENGINES.items():
        own = classical[(classical["engine"] == engine) & classical["r_free"].notna()]
        if own.empty:
            continue
        least = own["r_free"] == own["r_free"].min()
        for row in own[own["early_stop"] | least].to_dict("records"):
            notes = ["early stopping"] if row["early_stop"] else []
            notes += ["least R-free"] if row["r_free"] == own["r_free"].min() else []
            title = f"{name}, {_passes(row['epochs'])} ({', '.join(notes)})"
            figures = [_figure(row[measure]) for measure in MEASURES]
            lines.append(_line([title, "", _seconds(row["seconds"]), *figures]))
    return lines


def _lines_of_configuration(row: dict[Any, Any], refinement: pd.DataFrame) -> list[str]:
    name = f"`{row['configuration']}`"
    n_ok, n_failed = row["n_ok"], row["n_failed"]
    seeds = str(n_ok) if not n_failed else f"{n_ok} of {n_ok + n_failed}"
    own = refinement[refinement["configuration"] == row["configuration"]]
    seconds = own.loc[own["refine_epochs"] == 0, "total_s"].mean()
    figures = [_figure(row[measure], row[f"{measure}_ci95"]) for measure in MEASURES]
    lines = [_line([name, seeds, _seconds(seconds), *figures])]
    for epochs, rows in own[own["refine_epochs"] > 0].groupby("refine_epochs", sort=True):
        values = rows[list(MEASURES)]
        interval = half_width(values.std().to_frame().T, values.count().to_frame().T)
        means = values.mean()
        figures = [_figure(means[m], interval[m].to_numpy()[0]) for m in MEASURES]
        title = f"{name} + {_passes(epochs)} of rPIE"
        lines.append(_line([title, str(len(rows)), _seconds(rows["total_s"].mean()), *figures]))
    return lines


def _figure(mean: Any, interval: float = math.nan) -> str:
    if pd.isna(mean):
        return UNKNOWN
    return f"{mean:.4f}" if math.isnan(interval) else f"{mean:.4f} ± {interval:.4f}"


def _seconds(seconds: float) -> str:
    return UNKNOWN if pd.isna(seconds) else f"{seconds:.3g}"


def _passes(number: Any) -> str:
    return f"{number:.0f} pass{'' if number == 1 else 'es'}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> str | None:
    """Print the table of a folder of results; return what is wrong with it, in one line."""
    if len(arguments) != 1:
        return "the path of the results of a study is wanted, and nothing else"
    folder = Path(arguments[0])
    try:
        configurations = read_configurations(folder / "configurations.csv")
        classical = read_classical(folder / "classical.csv")
        refinement = read_refinement(folder / "refinement.csv")
    except FileError as error:
        return str(error)
    print(comparison(configurations, classical, refinement))
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
