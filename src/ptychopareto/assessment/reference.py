"""Reconstruct a whole measured scan classically: the reference that stands in for the truth."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.assessment.comparison import similarity
from ptychopareto.assessment.half_sets import frc50_halves
from ptychopareto.config import Joint
from ptychopareto.files import Dataset
from ptychopareto.reconstruction.found_probe import REPORT_SECONDS, side_by_side
from ptychopareto.reconstruction.object_scan import ObjectScan

log = logging.getLogger(__name__)

ENGINE = "lsqml"
HALF_EPOCHS = 30  # the halves begin with the probe of the whole

Image = NDArray[np.complex64]


def reconstruct_reference(
    train: Dataset | None,
    test: Dataset,
    settings: Joint,
    epochs: Sequence[int],
    device: torch.device,
) -> tuple[Image, list[dict[str, Any]]]:
    """Reconstruct object and probe from all patterns but the free ones.

    Parameters
    ----------
    train : Dataset or None
        The training part, if it belongs to the same object as the scored one.
    test : Dataset
        The scored part, with the prepared probe, from which the engine sets out.
    settings : Joint
        The settings of the joint reconstruction.
    epochs : sequence of int
        Numbers of epochs after which the reconstruction is scored; the last is the reference.
    device : torch.device
        Where the engine runs.

    Returns
    -------
    (H, W) complex64, list of dict
        The scored region of the reference, and for each number of epochs the engine, the seconds
        and all measures. The similarity is that to the reference itself.
    """
    whole = test.scored() if train is None else joined(train, test.scored())
    scan = ObjectScan.of(side_by_side(whole), device)
    parts = {"r_work": test.scored(), "r_free": test.left_out()}
    judges = {name: ObjectScan.of(part, device) for name, part in parts.items()}
    region, rows = test.scored_region(), test.object_shape[0]
    found: list[tuple[dict[str, Any], Image]] = []
    spent, began, reported = 0.0, time.perf_counter(), time.perf_counter()
    wanted = sorted(epoch for epoch in epochs if epoch > 0)
    for epoch, state in enumerate(islice(scan.joint(settings), wanted[-1]), start=1):
        spent += time.perf_counter() - began
        if time.perf_counter() - reported > REPORT_SECONDS:
            reported = time.perf_counter()
            log.info("pass %d of %d: R %.4f", epoch, wanted[-1], state.misfit)
        if epoch in wanted:
            image = state.image[:rows]
            row = {
                name: judge.with_probe(state.probe).r_factor(image)
                for name, judge in judges.items()
            }
            log.info("pass %d: R-free %.4f", epoch, row["r_free"])
            step: dict[str, Any] = {"epochs": epoch, "engine": ENGINE, "seconds": spent, **row}
            found.append((step, image[region].cpu().numpy().copy()))  # the next epoch changes it
        began = time.perf_counter()
    reference = found[-1][1]
    steps = [step | similarity(image, test, reference) for step, image in found]
    steps[-1]["frc50_halves"] = _halves(whole, test, state.probe, settings, device)
    return reference, steps


def joined(train: Dataset, test: Dataset) -> Dataset:
    """Join two parts of one scan, which lie on the same object.

    Parameters
    ----------
    train : Dataset
        The training part.
    test : Dataset
        The scored part, whose object and metadata the result has.

    Returns
    -------
    Dataset
        All patterns, those of `train` first; none of them is free.
    """

    def both(name: str) -> Any:
        parts = [getattr(train, name), getattr(test, name)]
        return None if parts[0] is None or parts[1] is None else np.concatenate(parts)

    arrays = {name: both(name) for name in ("diffraction", "corners", "object_index")}
    positions = [
        np.zeros(part.corners.shape, np.float32) if part.fractions is None else part.fractions
        for part in (train, test)
    ]
    masks = [np.broadcast_to(_mask(part), part.diffraction.shape) for part in (train, test)]
    masked = train.valid is not None or test.valid is not None
    return replace(
        test,
        **arrays,
        fractions=np.concatenate(positions),
        valid=np.concatenate(masks) if masked else None,
        free=np.zeros(len(arrays["corners"]), bool),
        patches=None,
    )


def _mask(scan: Dataset) -> NDArray[np.bool_]:
    return np.ones((1, scan.N, scan.N), bool) if scan.valid is None else np.asarray(scan.valid)


def _halves(
    whole: Dataset, test: Dataset, probe: Tensor, settings: Joint, device: torch.device
) -> float:
    """Measure how far reconstructions of every other pattern agree, each with its own probe."""
    halves = []
    region, rows = test.scored_region(), test.object_shape[0]
    for first in (0, 1):
        part = side_by_side(whole.part(np.arange(len(whole.corners))[first::2]))
        scan = ObjectScan.of(part, device).with_probe(probe)
        for state in islice(scan.joint(settings), HALF_EPOCHS):
            image = state.image
        halves.append(image[:rows][region].cpu().numpy().copy())
    even, odd = halves
    return frc50_halves(even, odd, test.covered())
