"""Explain R-free: what it is, whether refinement helps, what others reach."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ptychopareto.config.columns import FLOORS
from ptychopareto.study.against_time import ENGINES
from ptychopareto.study.configurations import half_width

R_FREE = "r_free"
DIGITS = 3


@dataclass(frozen=True)
class Refinement:
    """The change of R-free by rPIE after a network, as the mean over its seeds.

    Attributes
    ----------
    epochs : int
        Passes of rPIE.
    r_free : float
        R-free after them.
    change : float
        That less R-free of the network alone, seed by seed.
    half_width : float
        Half the width of the 95 % interval of the mean change; NaN for one seed.
    """

    epochs: int
    r_free: float
    change: float
    half_width: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval of the change excludes 0; one seed has no interval."""
        return math.isnan(self.half_width) or abs(self.change) > self.half_width


def refinements(refinement: pd.DataFrame, configuration: str) -> list[Refinement]:
    """Compare a configuration after rPIE with the configuration alone, for each number of epochs.

    Parameters
    ----------
    refinement : DataFrame
        RPIE after each network, as `against_time.refinement_table` returns it.
    configuration : str
        The name of the configuration.

    Returns
    -------
    list of Refinement
        By rising number of epochs, the network alone (0) first. It is empty where the network alone
        was not scored.
    """
    own = refinement[refinement["configuration"] == configuration]
    own = own[own[R_FREE].notna()] if R_FREE in own else own.iloc[:0]
    alone = own[own["refine_epochs"] == 0].set_index("seed")[R_FREE]
    if alone.empty:
        return []
    found = []
    for epochs, rows in own.groupby("refine_epochs", sort=True)[["seed", R_FREE]]:
        after = rows.set_index("seed")[R_FREE]
        seeds = after.index.intersection(alone.index)
        if len(seeds):
            change = (after[seeds] - alone[seeds]).to_frame("change")
            interval = half_width(change.std().to_frame(), change.count().to_frame())
            mean, width = float(change["change"].mean()), float(interval.to_numpy()[0, 0])
            found.append(Refinement(int(str(epochs)), float(after[seeds].mean()), mean, width))
    return found


def epochs_to_refine(found: Iterable[Refinement]) -> int:
    """Choose how many epochs of rPIE should follow a network: 0 unless they surely help.

    Parameters
    ----------
    found : iterable of Refinement
        What `refinements` returns.

    Returns
    -------
    int
        The number of epochs with the least R-free among those that surely help.
    """
    helps = [one for one in found if one.change < 0 and one.is_sure]
    return min(helps, key=lambda one: one.r_free).epochs if helps else 0


def classical_best(classical: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Choose one row of each classical engine: where early stopping ends, or that of least R-free.

    Parameters
    ----------
    classical : DataFrame
        The classical engines, as `against_time.classical_table` returns them.

    Returns
    -------
    dict
        The row by the engine; engines without R-free are left out.
    """
    known = classical[classical[R_FREE].notna()]
    best = {}
    for engine in ENGINES:
        own = known[known["engine"] == engine]
        stopped = own[own["early_stop"]]
        if len(own):
            row = (stopped if len(stopped) else own).sort_values(R_FREE, kind="stable").iloc[0]
            best[engine] = {str(name): value for name, value in row.items()}
    return best


def in_words(
    table: pd.DataFrame,
    configuration: str,
    refinement: pd.DataFrame | None,
    classical: pd.DataFrame | None,
) -> str:
    """Explain in words what R-free is, what the other engines reach, and whether to refine.

    Parameters
    ----------
    table : DataFrame
        The runs, as `table.gather` returns them.
    configuration : str
        The name of the recommended configuration.
    refinement : DataFrame or None
        RPIE after each network, if it is known.
    classical : DataFrame or None
        The classical engines, if they are known.

    Returns
    -------
    str
        Sentences, one after the other.
    """
    sentences = [_what_it_is(table)]
    if classical is not None:
        sentences.append(_beside(classical_best(classical)))
    if refinement is not None:
        sentences.append(_advice(refinements(refinement, configuration)))
    if classical is not None and refinement is not None:
        sentences.append(_verdict(refinement, configuration, classical_best(classical)))
    return " ".join(filter(None, sentences))


def _what_it_is(table: pd.DataFrame) -> str:
    flat = table.loc[table["status"] == "ok", FLOORS[R_FREE]].mean()
    beside = "" if pd.isna(flat) else f"; a flat object has {_shown(flat)}"
    return (
        "r_free is the R-factor of patterns that no reconstruction has used, "
        f"smaller is better{beside}."
    )


def _beside(best: dict[str, dict[str, Any]]) -> str:
    if not best:
        return ""
    named = [
        f"{ENGINES[engine]} {_shown(row[R_FREE])} after {_passes(row['epochs'])}"
        + (" (early stopping)" if row["early_stop"] else "")
        for engine, row in best.items()
    ]
    joint = (
        " LSQML finds the probe too, from all patterns but the free ones."
        if "lsqml" in best
        else ""
    )
    return f"The classical engines reach {', '.join(named)}.{joint}"


def _advice(found: list[Refinement]) -> str:
    """Say whether to refine; nothing where there is nothing to compare."""
    if len(found) < 2:
        return ""
    alone, others = found[0], found[1:]
    after = ", ".join(
        f"{_shown(one.r_free)} after {_passes(one.epochs)} ({_signed(one)})" for one in others
    )
    figures = f"{_shown(alone.r_free)} alone, {after}"
    if epochs_to_refine(found):
        return f"Refining it by rPIE makes r_free better: {figures}."
    if all(one.change > 0 and one.is_sure for one in others):
        verdict = "makes r_free worse"
    elif all(one.change > 0 for one in others):
        verdict = "makes r_free no better"
    else:
        verdict = "does not surely make r_free better"
    return f"Refining it by rPIE {verdict}: {figures}."


def _verdict(refinement: pd.DataFrame, configuration: str, best: dict[str, dict[str, Any]]) -> str:
    """Say who predicts best: the recommended network, a classical engine, or another network."""
    found = refinements(refinement, configuration)
    if not found or not best:
        return ""
    own = next(one.r_free for one in found if one.epochs == epochs_to_refine(found))
    engine = min(best, key=lambda name: best[name][R_FREE])
    theirs = best[engine][R_FREE]
    if own < theirs:
        return "It predicts better than the classical engines."
    alone = refinement[refinement["refine_epochs"] == 0].groupby("configuration")[R_FREE].mean()
    first = str(alone.idxmin())
    better = f"; {first} predicts better than both, {_shown(alone[first])}"
    return f"{ENGINES[engine]} predicts better than it{better if alone[first] < theirs else ''}."


def _signed(one: Refinement) -> str:
    change = f"{one.change:+.2g}".replace("-", "−")
    return change if math.isnan(one.half_width) else f"{change} ± {one.half_width:.2g}"


def _passes(number: float) -> str:
    return f"{number:.0f} pass{'' if number == 1 else 'es'}"


def _shown(value: float) -> str:
    return f"{value:.{DIGITS}f}"
