"""Set the published figures of the lines benchmark beside those of a study, in Markdown.

Run it as ``python -m benchmarks.published results/configurations.csv``.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ptychopareto.config import Supervision
from ptychopareto.files import FileError, read_csv

# In the published convention, and in ours.
THEIRS = (
    "published_mae_amp",
    "published_mae_phase",
    "published_ssim_amp",
    "published_ssim_phase",
)
OURS = ("mae_amp", "mae_phase", "ssim_amp", "ssim_phase")
HEADINGS = ("amp. MAE", "phase MAE", "amp. SSIM", "phase SSIM")
UNKNOWN = "–"

TYPES: dict[str, str] = {
    "configuration": "string",
    "architecture": "string",
    "supervision": "string",
    "blocks": "Int64",
    **dict.fromkeys(("n_ok", "n_failed", "n_missing"), "int64"),
    **{f"{name}{end}": "float64" for name in (*THEIRS, *OURS) for end in ("", "_ci95")},
}


@dataclass(frozen=True)
class PublishedRow:
    """A row of the published table, and which of our configurations stand beside it.

    Attributes
    ----------
    name : str
        Its name there.
    architecture : str
        Our architecture that is built like it.
    supervision : {"physics", "teacher", "truth"}
        How it was trained.
    figures : tuple of float
        Amplitude MAE, phase MAE [rad], amplitude SSIM, phase SSIM, of one seed.
    blocks : int, optional
        Its depth; None where our architecture has no choice of it.
    """

    name: str
    architecture: str
    supervision: Supervision
    figures: tuple[float, float, float, float]
    blocks: int | None = None


# The PtychoPINN repository on its own benchmark: N = 128, the contract of studies/lines128.yaml.
# Its first FFNO row (0.063, 0.083, 0.935, 0.982) was withdrawn there in May 2026.
PUBLISHED = (
    PublishedRow("CNN, supervised", "cnn", "truth", (0.4027, 0.7862, 0.2772, 0.4964)),
    PublishedRow("CNN, physics-informed", "cnn", "physics", (0.1232, 0.7863, 0.7326, 0.2638)),
    PublishedRow(
        "FNO, constant resolution, no refiner",
        "fno_vanilla",
        "physics",
        (0.1248, 0.1435, 0.7409, 0.9335),
    ),
    PublishedRow("U-NO", "uno", "physics", (0.0932, 0.0683, 0.8280, 0.9569)),
    PublishedRow("FFNO, 4 blocks", "ffno", "physics", (0.0820, 0.1380, 0.8903, 0.9596), 4),
    PublishedRow("FFNO, 24 blocks", "ffno", "physics", (0.0565, 0.1217, 0.9445, 0.9745), 24),
    PublishedRow("Hybrid ResNet", "hybrid_resnet", "physics", (0.0269, 0.0721, 0.9881, 0.9947)),
)


def comparison(configurations: pd.DataFrame) -> str:
    """Set the configurations of a study below the published rows that they are built like.

    Those that are like none follow at the end.

    Parameters
    ----------
    configurations : DataFrame
        As `configurations.configurations` returns them; the columns of `TYPES`.

    Returns
    -------
    str
        A table in Markdown: figures in the published convention, then in ours, each the mean over
        the seeds ± half the width of the 95 % interval of the mean, which one seed does not have.
    """
    lines = _head()
    left = configurations
    for row in PUBLISHED:
        alike = (left["architecture"] == row.architecture) & (
            left["supervision"] == row.supervision
        )
        if row.blocks is not None:
            alike &= (left["blocks"] == row.blocks).fillna(False).astype(bool)
        published = [f"{figure:.4f}" for figure in row.figures]
        lines.append(_line([f"**{row.name}**", "published", *published, *[UNKNOWN] * len(OURS)]))
        lines += _lines(left[alike])
        left = left[~alike]
    if not left.empty:
        lines.append(_line(["**not published**", *[""] * (1 + len(THEIRS) + len(OURS))]))
        lines += _lines(left)
    return "\n".join(lines)


def _head() -> list[str]:
    headings = [
        *("", "seeds"),
        *(f"{heading}, published convention" for heading in HEADINGS),
        *(f"{heading}, ours" for heading in HEADINGS),
    ]
    return [_line(headings), _line(["---"] * len(headings))]


def _lines(configurations: pd.DataFrame) -> list[str]:
    return [
        _line(
            [
                f"`{row['configuration']}`",
                _seeds(row),
                *(_figure(row[name], row[f"{name}_ci95"]) for name in (*THEIRS, *OURS)),
            ]
        )
        for row in configurations.to_dict("records")
    ]


def _seeds(row: dict[Any, Any]) -> str:
    """Say how many runs the means are over, and of how many if some failed or are missing."""
    ok, configured = row["n_ok"], row["n_ok"] + row["n_failed"] + row["n_missing"]
    return str(ok) if ok == configured else f"{ok} of {configured}"


def _figure(mean: float, half_width: float) -> str:
    if math.isnan(mean):
        return UNKNOWN
    return f"{mean:.3f}" if math.isnan(half_width) else f"{mean:.3f} ± {half_width:.3f}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> str | None:
    """Print the table of the file that is named; return what is wrong with it, in one line."""
    if len(arguments) != 1:
        return "the path of a configurations.csv is wanted, and nothing else"
    try:
        print(comparison(read_csv(Path(arguments[0]), TYPES)))
    except FileError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
