"""Find the probe of a measured scan, and with it the object of its training part."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ptychopareto.config import Joint
from ptychopareto.files import Dataset
from ptychopareto.physics.subpixel import split_positions
from ptychopareto.reconstruction.joint_model import JointState
from ptychopareto.reconstruction.object_scan import ObjectScan

log = logging.getLogger(__name__)

HELD_OUT_PART, HELD_OUT_SEED = 0.05, 0
CHECKED = 5  # epochs between two looks at the patterns that are held out
PATIENCE = 15  # epochs without a better look
REPORT_SECONDS = 5.0


@dataclass(frozen=True)
class FoundProbe:
    """The probe that the joint reconstruction of the training part found.

    Attributes
    ----------
    before : (N, N) complex64
        The first guess of the probe.
    modes : (M, N, N) complex64
        The modes of the probe, the strongest first.
    objects : (n, rows, columns) complex64
        The objects of the training part.
    positions : (B, 2) float64
        First pixel of each patch [px], as they were corrected.
    history : list of dict of float
        For each look the epoch, `r_work`, `r_held_out` and the seconds since the start.
    epochs : int
        The number of epochs after which the probe was taken.
    """

    before: NDArray[np.complex64]
    modes: NDArray[np.complex64]
    objects: NDArray[np.complex64]
    positions: NDArray[np.float64]
    history: list[dict[str, float]]
    epochs: int

    def record(self) -> dict[str, Any]:
        """Return the content of `probe.json`."""
        power = (np.abs(self.modes.astype(np.complex128)) ** 2).sum(axis=(1, 2))
        return {
            "epochs": self.epochs,
            "modes": [float(part) for part in power / power.sum()],
            "photons": float(power.sum()),
            "history": self.history,
        }


def find_probe(train: Dataset, settings: Joint, device: torch.device) -> FoundProbe:
    """Reconstruct probe and objects of the training part together.

    Where the number of epochs is open, some patterns of the training part are held out, and the
    state that predicts them best is taken.

    Parameters
    ----------
    train : Dataset
        The training part; no pattern of the scored part has a say in the probe.
    settings : Joint
        The settings of the joint reconstruction.
    device : torch.device
        Where it runs.

    Returns
    -------
    FoundProbe
    """
    one = side_by_side(train)
    count = int(train.object_index.max()) + 1
    held_out = _held_out(len(one.corners), settings)
    seen, unseen = (ObjectScan.of(one.part(which), device) for which in (~held_out, held_out))
    history: list[dict[str, float]] = []
    best: tuple[int, JointState] | None = None
    for epoch, state, row in _looks(seen, unseen, settings):
        history.append(row)
        if best is None or settings.epochs is not None or _is_best(history):
            best = epoch, copied(state)
        elif epoch - best[0] >= PATIENCE:
            break
    assert best is not None  # the last epoch is always looked at
    epochs, state = best
    stated = positions_of(one)
    positions = stated.copy()
    positions[~held_out] = state.corners + state.fractions
    if settings.refine_positions:
        found = stated[~held_out], positions[~held_out]
        positions[held_out] = carried_over(stated[held_out], *found)
    rows = train.object_shape[0]
    return FoundProbe(
        before=train.probe,
        modes=_sorted(state.probe.cpu().numpy()),
        objects=state.image.cpu().numpy().reshape(count, *train.object_shape),
        positions=positions - np.outer(train.object_index, [rows, 0]),
        history=history,
        epochs=epochs,
    )


def side_by_side(scan: Dataset) -> Dataset:
    """Lay the objects of several scans below each other: one object, whose patterns share a probe.

    Parameters
    ----------
    scan : Dataset
        Patterns of n objects (rows, columns).

    Returns
    -------
    Dataset
        The same patterns on one object (n · rows, columns).
    """
    rows, columns = scan.object_shape
    count = int(scan.object_index.max()) + 1
    return replace(
        scan,
        corners=scan.corners + np.outer(scan.object_index, [rows, 0]).astype(np.int64),
        object_index=np.zeros_like(scan.object_index),
        objects=None,
        ground_truth=None,
        patches=None,
        shape=(count * rows, columns),
    )


def _held_out(count: int, settings: Joint) -> NDArray[np.bool_]:
    """Choose the patterns that say when to stop; none if the number of epochs is fixed."""
    held_out = np.zeros(count, bool)
    if settings.epochs is None:
        order = np.random.default_rng(HELD_OUT_SEED).permutation(count)
        held_out[order[: max(1, round(HELD_OUT_PART * count))]] = True
    return held_out


def _is_best(history: list[dict[str, float]]) -> bool:
    values = [row["r_held_out"] for row in history]
    return values[-1] == min(values)


def _looks(
    seen: ObjectScan, unseen: ObjectScan, settings: Joint
) -> Iterator[tuple[int, JointState, dict[str, float]]]:
    """Yield the state after every `CHECKED` epochs and after the last one, and how good it is."""
    last = settings.epochs or settings.most_epochs
    began = reported = time.perf_counter()
    for epoch, state in enumerate(islice(seen.joint(settings), last), start=1):
        now = time.perf_counter()
        if now - reported > REPORT_SECONDS:
            reported = now
            log.info("epoch %d of at most %d: R %.4f", epoch, last, state.misfit)
        if epoch % CHECKED == 0 or epoch == last:
            held_out = unseen.with_probe(state.probe).r_factor(state.image)
            row = {"epoch": epoch, "r_work": state.misfit, "r_held_out": held_out}
            log.info("epoch %d: R %.4f, of patterns held out %.4f", epoch, state.misfit, held_out)
            reported = time.perf_counter()
            yield epoch, state, row | {"seconds": time.perf_counter() - began}


def copied(state: JointState) -> JointState:
    """Return a copy of a state, which later epochs do not change."""
    return replace(state, image=state.image.clone(), probe=state.probe.clone())


def _sorted(modes: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Sort the modes, the strongest first."""
    power = (np.abs(modes) ** 2).sum(axis=(1, 2))
    return np.ascontiguousarray(modes[np.argsort(-power, kind="stable")])


def with_probe(scan: Dataset, found: FoundProbe) -> Dataset:
    """Give a scan the probe that was found.

    Parameters
    ----------
    scan : Dataset
        The training or the scored part.
    found : FoundProbe
        What the training part says.

    Returns
    -------
    Dataset
        The scan with that probe.
    """
    further = found.modes[1:] if len(found.modes) > 1 else None
    return replace(scan, probe=found.modes[0], further_modes=further)


def with_positions(scan: Dataset, positions: NDArray[np.float64]) -> Dataset:
    """Give a scan other positions, inside its object.

    Parameters
    ----------
    scan : Dataset
        A part of the measured scan.
    positions : (B, 2) float64
        First pixel of each patch [px].

    Returns
    -------
    Dataset
        The scan at these positions, clipped to its object.
    """
    room = np.array(scan.object_shape) - scan.N
    corners, fractions = split_positions(np.clip(positions, 0, room))
    return replace(scan, corners=corners, fractions=fractions)


def carried_over(
    positions: NDArray[np.float64], stated: NDArray[np.float64], corrected: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Correct positions by what the corrections of other ones have in common.

    A wrong scale, rotation or skew of all positions shows in each part of a scan, and is carried
    over. Random errors are not: only the patterns themselves show them.

    Parameters
    ----------
    positions : (b, 2) float64
        Positions of other patterns of the scan [px].
    stated, corrected : (B, 2) float64
        Positions [px] before and after their correction.

    Returns
    -------
    (b, 2) float64
        The positions with the least-squares fit of an affine map to the corrections.
    """
    middle = stated.mean(axis=0)
    known, asked = (
        np.column_stack([np.ones(len(where)), where - middle]) for where in (stated, positions)
    )
    fitted = np.linalg.lstsq(known, corrected - stated, rcond=None)[0]
    return np.asarray(positions + asked @ fitted, np.float64)


def positions_of(scan: Dataset) -> NDArray[np.float64]:
    """Return the first pixel of each patch (B, 2) [px], as the scan has them."""
    positions = scan.corners.astype(np.float64)
    return positions if scan.fractions is None else positions + scan.fractions
