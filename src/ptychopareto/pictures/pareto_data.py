"""What of a study the Pareto picture can show."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ptychopareto.study.configurations import names_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ParetoData:
    """The part of a study that can be drawn: rows with a quality and a cost above 0.

    Attributes
    ----------
    cost, quality : str
        The columns of the horizontal and the vertical axis.
    runs : DataFrame
        The runs that are ok.
    means : DataFrame
        The configurations.
    front : DataFrame
        Those on the front.
    purposes : dict of str
        The purposes of each configuration that has any.
    stopped : DataFrame
        The configurations that a search stopped, with their cost and their loss there.
    """

    cost: str
    quality: str
    runs: pd.DataFrame
    means: pd.DataFrame
    front: pd.DataFrame
    purposes: Mapping[str, str]
    stopped: pd.DataFrame

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        configurations: pd.DataFrame,
        front: pd.DataFrame,
        purposes: Mapping[str, str],
        axes: Mapping[str, str],
    ) -> "ParetoData":
        """Select what can be drawn.

        Parameters
        ----------
        table, configurations, front, purposes, axes
            As `pareto.draw` takes them.

        Returns
        -------
        ParetoData
        """
        cost, quality = axes["cost"], axes["quality"]

        def drawable(rows: pd.DataFrame) -> pd.DataFrame:
            numbers = rows[[cost, quality]].astype("float64")
            finite = pd.Series(np.isfinite(numbers).all(axis=1), index=rows.index)
            return rows[finite & (numbers[cost] > 0)]

        runs = drawable(table[table["status"] == "ok"])
        stopped = stopped_configurations(table, cost)
        return cls(cost, quality, runs, drawable(configurations), front, purposes, stopped)

    @property
    def beside(self) -> pd.DataFrame:
        """The configurations that have a purpose, and are not on the front."""
        others = ~self.means["configuration"].isin(self.front["configuration"])
        return self.means[others & self.means["configuration"].isin(self.purposes)]

    def points(self, rows: pd.DataFrame) -> Array:
        """Return the cost and the quality (n, 2) of rows."""
        return rows[[self.cost, self.quality]].to_numpy(dtype=np.float64)

    @property
    def half_widths(self) -> "pd.Series[float]":
        """Half the widths of the intervals of the means; missing where there is none."""
        return self.means[f"{self.quality}_ci95"].astype("float64")

    @property
    def several_seeds(self) -> bool:
        """Whether there is any interval."""
        return bool(self.half_widths.notna().any())

    def intervals(self, chosen: "pd.Series[bool] | slice" = slice(None)) -> Array:
        """Return the ends (n, 2, 2) of the intervals of the means, or of some of them."""
        points, half_widths = self.points(self.means[chosen]), self.half_widths[chosen].to_numpy()
        steps = np.outer(half_widths, (-1, 1))[..., None] * (0, 1)
        return (points[:, None] + steps)[half_widths > 0]


def stopped_configurations(table: pd.DataFrame, cost: str) -> pd.DataFrame:
    """Select the configurations that a search stopped.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    cost : str
        The column of the cost.

    Returns
    -------
    DataFrame
        Their settings, their rung, and the means of their cost and of their loss there.
    """
    if "rung_loss" not in table:
        return table.iloc[:0]
    rows = table[(table["status"] == "stopped") & table["rung_loss"].notna()]
    costs = rows[cost].astype("float64")
    if cost == "train_time_s":  # the row has the part of the training that was done
        epochs = rows["epochs"].astype("float64")
        costs *= epochs / rows["rung"].astype("float64").clip(upper=epochs)
    rows = rows.assign(configuration=names_of(rows), **{cost: costs})[costs > 0]
    groups = rows.groupby("configuration", sort=False)
    means = {name: groups[name].mean() for name in (cost, "rung_loss")}
    return groups.first().assign(**means)
