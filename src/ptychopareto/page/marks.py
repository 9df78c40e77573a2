"""Choose the marks of the plot, and make the legend that explains them."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any, get_args

import pandas as pd

from ptychopareto.config import Architecture, InputTransform, Supervision
from ptychopareto.page import columns
from ptychopareto.page.columns import Row

# Marks as in the Pareto picture, in the order of the config: plotly's name, and for the legend
# the same shape as an SVG path in a square from -6 to 6. Then they come again.
SYMBOLS = (
    ("circle", "M5,0A5,5 0 1 1 -5,0A5,5 0 1 1 5,0Z"),
    ("square", "M-4.5,-4.5H4.5V4.5H-4.5Z"),
    ("triangle-up", "M0,-5L5,4H-5Z"),
    ("diamond", "M0,-6L6,0L0,6L-6,0Z"),
    ("triangle-down", "M0,5L5,-4H-5Z"),
    ("cross", "M-2,-5H2V-2H5V2H2V5H-2V2H-5V-2H-2Z"),
    ("x", "M0,2L-3,5L-5,3L-2,0L-5,-3L-3,-5L0,-2L3,-5L5,-3L2,0L5,3L3,5Z"),
    ("pentagon", "M0,-5L4.8,-1.5L2.9,4H-2.9L-4.8,-1.5Z"),
    ("star", "M0,-6L1.5,-2L5.7,-1.9L2.4,0.8L3.5,4.9L0,2.5L-3.5,4.9L-2.4,0.8L-5.7,-1.9L-1.5,-2Z"),
    ("hexagon", "M0,-5L4.3,-2.5V2.5L0,5L-4.3,2.5V-2.5Z"),
)
FILLS = ("-open", "", "-open-dot")  # plotly's endings of a symbol's name

SYMBOL_OF = dict(zip(get_args(Architecture), cycle(SYMBOLS), strict=False))
COLOUR_OF = {name: i for i, name in enumerate(get_args(InputTransform))}
FILL_OF = dict(zip(get_args(Supervision), FILLS, strict=False))


def mark(row: Mapping[Any, Any]) -> Row:
    """Return the symbol and the number of the colour of a run or configuration."""
    symbol, _ = SYMBOL_OF[row["architecture"]]
    return {
        "symbol": symbol + FILL_OF[row["supervision"]],
        "colour": COLOUR_OF[row["input_transform"]],
    }


def legend(table: pd.DataFrame) -> list[Row]:
    """Explain the marks, for the values that the study has."""
    round_mark = SYMBOLS[0][1]
    entries: dict[str, list[Row]] = {"architecture": [], "input_transform": [], "supervision": []}
    for name, (_, path) in SYMBOL_OF.items():
        entries["architecture"].append({"name": name, "path": path, "colour": None, "fill": ""})
    for name, colour in COLOUR_OF.items():
        entries["input_transform"].append(
            {"name": name, "path": round_mark, "colour": colour, "fill": ""}
        )
    for name, fill in FILL_OF.items():
        entries["supervision"].append(
            {"name": name, "path": round_mark, "colour": None, "fill": fill}
        )
    return [
        {
            "heading": columns.heading(axis),
            "entries": [entry for entry in marks if entry["name"] in set(table[axis])],
        }
        for axis, marks in entries.items()
    ]
