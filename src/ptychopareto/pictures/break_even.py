"""Draw after how many scans the training of a network has paid."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ptychopareto.config.columns import BREAK_EVEN, MEASURES
from ptychopareto.pictures import axis_scales, style
from ptychopareto.pictures.names import short_names
from ptychopareto.study.break_even import SCANS, in_words

ROW, FRAME = 0.2, 1.0  # inches: height of a row, and of what is around the rows
SIZE = 5.0  # pt, of the markers


def draw(
    table: pd.DataFrame,
    settings: Mapping[str, Mapping[str, Any]],
    purposes: Mapping[str, str],
    quality: str,
    path: Path,
) -> None:
    """Draw a row for each network, and for each number of passes of rPIE after it.

    Parameters
    ----------
    table : DataFrame
        ``break_even.csv``, as `break_even.break_even` returns it.
    settings : dict of dict
        The configurations to be drawn, with the values of their axes. Those that have no row are
        left out.
    purposes : dict of str
        The purposes of each configuration that has any, as `purposes.named` returns them.
    quality : str
        The measure that is equal on both sides.
    path : Path
        Where to write the picture (``.png`` or ``.svg``).
    """
    rows = table[table["configuration"].isin(settings)].reset_index(drop=True)
    with style.style():
        figure = Figure(figsize=(style.WIDTH, FRAME + ROW * len(rows)), layout="constrained")
        if len(rows):
            _draw_rows(figure.add_subplot(), rows, settings, purposes, quality)
        else:
            figure.text(0.5, 0.5, "no network has a result yet", ha="center", va="center")
        style.save(figure, path)


def _draw_rows(
    axes: Axes,
    rows: pd.DataFrame,
    settings: Mapping[str, Mapping[str, Any]],
    purposes: Mapping[str, str],
    quality: str,
) -> None:
    present = list(dict.fromkeys(rows["configuration"]))
    names = short_names([settings[name] for name in present], always=["architecture"])
    short = dict(zip(present, names, strict=True))
    colour = dict(zip(present, cycle(style.COLOURS[:-1]), strict=False))
    finite = rows[SCANS][np.isfinite(rows[SCANS])]
    low, high = (finite.min(), finite.max()) if len(finite) else (1.0, 10.0)
    axis_scales.set_log_axis(axes.xaxis, (0.5 * min(low, 1.0), 4 * high))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [_name(row, short, purposes) for row in _records(rows)])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(BREAK_EVEN[SCANS].label)
    axes.spines[["top", "right", "left"]].set_visible(False)
    for number, row in enumerate(_records(rows)):
        if present.index(row["configuration"]) % 2 == 0:
            axes.axhspan(number - 0.5, number + 0.5, color=style.SHADE, linewidth=0, zorder=0)
        if np.isfinite(row[SCANS]):
            hue = colour[row["configuration"]]
            axes.plot(row[SCANS], number, "o" if row["refine_epochs"] else "s", color=hue, ms=SIZE)
            place, transform, side = (row[SCANS], number), axes.transData, "left"
        else:
            place, transform, side = (0.99, number), axes.get_yaxis_transform(), "right"
        axes.annotate(
            in_words(row),
            place,
            (6 if side == "left" else 0, 0),
            xycoords=transform,
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=6.5,
            color=style.INK if side == "left" else style.QUIET,
        )
    title = f"against rPIE from a flat start to the same {MEASURES[quality].label.split(' [')[0]}"
    if (np.isfinite(rows[SCANS]) & (rows["refine_epochs"] == 0)).any():
        title += "; squares: a network alone"
    axes.set_title(title, loc="left", color=style.QUIET)


def _records(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    return rows.to_dict("records")


def _name(row: Mapping[Any, Any], short: Mapping[str, str], purposes: Mapping[str, str]) -> str:
    """Return the name of a row; the first one of a configuration says its purposes."""
    name, epochs = row["configuration"], row["refine_epochs"]
    if epochs:
        return f"+ {epochs} pass{'' if epochs == 1 else 'es'} of rPIE"
    return short[name] + (f" ({purposes[name]})" if name in purposes else "")
