"""The matrix of trained here, used there, as tables and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.evidence.means import in_words, over_seeds
from benchmarks.evidence.transfer import BEAMS, OBJECTS
from benchmarks.measuring import table as markdown
from ptychopareto.config.columns import MEASURES
from ptychopareto.pictures import style
from ptychopareto.study.against_time import read_classical

QUALITY = "ssim_phase"
RPIE_COLUMN = "rPIE"
WORDS = {
    "lines": "lines",
    "grf": "random field",
    "siemens": "Siemens star",
    "independent": "independent phase",
    "mixture": "mixture",
    "down": "defocus reversed",
    "aberrated": "twice the aberrations",
    "measured_probe": "measured beam",
}
HOME_BEAM = "beam of the light study"  # of the study that is called lines among the objects
AXES = {"objects": OBJECTS, "beams": BEAMS}
# The mixture has the test scan of lines: another scan of one kind is no row of its own.
UNUSED = ("mixture",)


def label(name: str, names: Sequence[str]) -> str:
    """What a study is called beside other objects, or beside other beams."""
    return HOME_BEAM if name == "lines" and names == BEAMS else WORDS[name]


def cells(scores: pd.DataFrame, architecture: str, names: Sequence[str]) -> pd.DataFrame:
    """Mean and ci95 of each pair, indexed by (used, trained)."""
    own = scores[scores["architecture"] == architecture]
    own = own[own["trained"].isin(names) & own["used"].isin(names)]
    return over_seeds(own, ["used", "trained"], QUALITY).set_index(["used", "trained"])


def rpie(results: Mapping[str, Path], name: str) -> float:
    """What rPIE reaches on a test scan, at its best pass."""
    steps = read_classical(results[name] / "classical.csv")
    return float(steps.loc[steps["engine"] == "rpie", QUALITY].max())


def table(
    scores: pd.DataFrame, results: Mapping[str, Path], architecture: str, names: Sequence[str]
) -> str:
    """Rows of test scans, columns of training scans, at home in bold; the last column is rPIE."""
    values = cells(scores, architecture, names)
    means, widths = (values[key].to_dict() for key in ("mean", "ci95"))
    trained = [name for name in names if name in results]
    rows = []
    for used in (name for name in trained if name not in UNUSED):
        row = [label(used, names)]
        for name in trained:
            words = in_words(means[(used, name)], widths[(used, name)])
            row.append(f"**{words}**" if name == used else words)
        rows.append([*row, f"{rpie(results, used):.3f}"])
    columns = [*(label(name, names) for name in trained), RPIE_COLUMN]
    return markdown(["used on ↓, trained on →", *columns], rows)


def draw(scores: pd.DataFrame, results: Mapping[str, Path], path: Path) -> None:
    """A panel for each architecture (rows) and for objects and beams (columns)."""
    architectures = list(scores["architecture"].unique())
    with style.style():
        figure = Figure(figsize=(style.WIDTH, 2.9 * len(architectures)), layout="constrained")
        panels = figure.subplots(len(architectures), len(AXES), squeeze=False)
        for row, architecture in zip(panels, architectures, strict=True):
            for axes, (title, names) in zip(row, AXES.items(), strict=True):
                _panel(axes, cells(scores, architecture, names), results, names)
                axes.set_title(f"{architecture}: {title}", loc="left")
        figure.supxlabel(f"trained on; numbers: {MEASURES[QUALITY].label}, mean over seeds")
        figure.supylabel("used on")
        style.save(figure, path)


def _panel(
    axes: Axes, values: pd.DataFrame, results: Mapping[str, Path], names: Sequence[str]
) -> None:
    trained = [name for name in names if name in results]
    used = [name for name in trained if name not in UNUSED]
    grid: NDArray[np.float64] = np.array(
        [
            [*(values.loc[(row, name), "mean"] for name in trained), rpie(results, row)]
            for row in used
        ]
    )
    axes.imshow(grid, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    for (row, column), value in np.ndenumerate(grid):
        ink = "white" if value < 0.5 else style.INK
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=7)
    axes.axvline(len(trained) - 0.5, color="white", linewidth=3)
    labels = [*(label(name, names) for name in trained), RPIE_COLUMN]
    axes.set_xticks(range(len(labels)), labels, rotation=35, ha="right")
    axes.set_yticks(range(len(used)), [label(name, names) for name in used])
    axes.tick_params(length=0)
