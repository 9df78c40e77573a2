from dataclasses import replace
from itertools import islice

import numpy as np
import torch

from ptychopareto.files import Dataset
from ptychopareto.reconstruction.joint_model import JointState
from ptychopareto.reconstruction.joint_rpie import PROBE_FROM, joint_rpie
from ptychopareto.reconstruction.rpie import flat_start, rpie

Measured = tuple[Dataset, np.ndarray]


def run(data: Dataset, epochs: int, positions: bool = False) -> JointState:
    """Object and probe of all patterns, from a flat object and the main mode of the probe."""
    assert data.valid is not None
    assert data.fractions is not None
    states = joint_rpie(
        torch.from_numpy(data.diffraction),
        torch.from_numpy(data.probe * np.complex64(50)),
        data.corners,
        flat_start(data.object_shape, torch.device("cpu")),
        modes=2,
        positions=positions,
        fractions=data.fractions,
        valid=torch.from_numpy(data.valid),
    )
    *_, last = islice(states, epochs)
    return last


def test_it_is_rpie_until_the_probe_follows(small_scan: tuple[Dataset, Dataset]) -> None:
    data = small_scan[0]
    diffraction, probe = torch.from_numpy(data.diffraction), torch.from_numpy(data.probe)
    start = flat_start(data.object_shape, torch.device("cpu"))
    states = joint_rpie(diffraction, 7 * probe, data.corners, start, alpha=0.5)
    _, state = islice(states, PROBE_FROM)
    _, (image, misfit) = islice(
        rpie(diffraction, state.probe[0], data.corners, start, alpha=0.5), PROBE_FROM
    )
    torch.testing.assert_close(state.image, image, rtol=0, atol=1e-4)
    assert abs(state.misfit - misfit * diffraction.numel() / float(diffraction.sum())) < 1e-4
    known = state.probe.clone()  # the next epoch changes it in place
    assert (next(states).probe - known).norm() > 1e-3 * known.norm()


def test_the_probe_is_found(measured_scan: Measured) -> None:
    data, _ = measured_scan
    known, found = run(data, PROBE_FROM), run(data, 15)
    assert found.misfit < 0.03 < known.misfit
    again = run(data, 15)
    assert torch.equal(again.image, found.image)
    assert torch.equal(again.probe, found.probe)


def test_positions_are_corrected(measured_scan: Measured) -> None:
    data, _ = measured_scan
    assert data.fractions is not None
    truth = data.corners + data.fractions
    wrong = np.random.default_rng(1).normal(0, 0.4, data.corners.shape).astype(np.float32)
    state = run(replace(data, fractions=data.fractions + wrong), 20, positions=True)
    error = state.corners + state.fractions - truth

    def rms(move: np.ndarray) -> float:
        return float(np.sqrt(((move - move.mean(axis=0)) ** 2).mean()))

    assert rms(error) < 0.5 * rms(wrong)
