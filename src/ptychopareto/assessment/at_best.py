"""rPIE at its best on a scan: its regularisation and its number of passes by free patterns.

After a fixed number of passes rPIE fits the noise of a weak scan and the errors of a wrong model,
and nobody would run it so. Patterns that take no part in the object say when to stop.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.assessment.comparison import similarity
from ptychopareto.assessment.evaluation import evaluate_run
from ptychopareto.assessment.free_patterns import free_patterns
from ptychopareto.assessment.wholes import Wholes, r_factors
from ptychopareto.config import AtBest
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.object_scan import ObjectScan
from ptychopareto.reconstruction.refining import (
    Refined,
    refine,
    refine_until_free_patterns_object,
)
from ptychopareto.reconstruction.rpie import flat_start

# A larger regularisation must lower R-free by this part: it is slower, and a scan without noise to
# speak of has differences below it.
LEAST_GAIN = 0.05


class Stopped(NamedTuple):
    """An object where free patterns stopped rPIE.

    Attributes
    ----------
    epochs : int
        Passes over the scan; 0 is the start itself.
    alpha : float
        The regularisation.
    wholes : Wholes
        The whole object.
    """

    epochs: int
    alpha: float
    wholes: Wholes


def stopped(test: Dataset, start: Wholes, alphas: Sequence[float], most_epochs: int) -> Stopped:
    """Continue an object by rPIE for as long as free patterns fit better.

    Free patterns choose the regularisation and the number of passes in a reconstruction without
    them. The object is then made once more so, of a simulated scan from all patterns.

    Parameters
    ----------
    test : Dataset
        The scan.
    start : Wholes
        The object to start from.
    alphas : sequence of float
        Regularisations to choose from. They are tried from the smallest on, and a larger one only
        where free patterns stopped the last one: where they do not, there is nothing to damp, and
        the smallest is the fastest. A larger one is taken if it lowers R-free by a twentieth.
    most_epochs : int
        The most passes.

    Returns
    -------
    Stopped
    """
    free, scored = free_patterns(test), test.object_index == 0
    device = start.every.device
    seen, unseen = (ObjectScan.of(test.part(which), device) for which in (scored & ~free, free))
    best: tuple[float, float, Refined] | None = None
    for alpha in sorted(alphas):
        passes = refine_until_free_patterns_object(
            seen, unseen, start.without_free, alpha, most_epochs
        )
        last = deque(passes, maxlen=1).pop()  # the best of them
        if best is None or min(last.r_free) < (1 - LEAST_GAIN) * best[0]:
            best = (min(last.r_free), alpha, last)
        if last.epochs == most_epochs:
            break
    assert best is not None
    _, alpha, chosen = best
    every = chosen.image if test.measured else _made_from_all(test, scored, start, chosen, alpha)
    return Stopped(chosen.epochs, alpha, Wholes(every, chosen.image))


def _made_from_all(
    test: Dataset, scored: NDArray[np.bool_], start: Wholes, chosen: Refined, alpha: float
) -> Tensor:
    """Make the object with as many passes over all patterns."""
    image = start.every
    scan = ObjectScan.of(test.part(scored), image.device)
    for step in refine(scan, start.every, chosen.epochs, alpha):
        image = step.image
    return image


def evaluate_at_best(
    models: Mapping[str, Path], test: Dataset, settings: AtBest, device: torch.device
) -> dict[str, Any]:
    """Score rPIE at its best on one scan, from a flat start and after each of some networks.

    Parameters
    ----------
    models : dict of Path
        The model file of each network by its name.
    test : Dataset
        The scan.
    settings : AtBest
        What to choose from.
    device : torch.device
        Where networks and rPIE run.

    Returns
    -------
    dict
        `classical`: passes, regularisation and measures of rPIE from a flat start; `networks`: the
        same, and a status, for each network by its name (no measures where the training failed).

    Raises
    ------
    FileError
        A model file is damaged.
    """
    flat = flat_start(test.object_shape, device)
    found = stopped(test, Wholes(flat, flat), settings.alphas, settings.most_passes)
    networks: dict[str, dict[str, Any]] = {}
    for name, model in models.items():
        metrics, _, wholes = evaluate_run(model, test, device)
        networks[name] = {key: metrics[key] for key in ("status", "error") if key in metrics}
        if wholes is not None:
            after = stopped(test, wholes, settings.alphas, settings.most_passes_after_network)
            networks[name] |= _scores(after, test)
    return {"networks": networks, "classical": _scores(found, test)}


def _scores(found: Stopped, test: Dataset) -> dict[str, Any]:
    image = found.wholes.every[test.scored_region()].cpu().numpy()
    chosen = {"epochs": found.epochs, "alpha": found.alpha}
    return chosen | r_factors(found.wholes.without_free, test) | similarity(image, test)
