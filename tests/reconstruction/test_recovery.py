"""A scan about which nearly everything is known wrongly."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import torch
from skimage.registration import phase_cross_correlation

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.config import GrfObject, LinesObject, ProbeZonePlate
from ptychopareto.physics import objects
from ptychopareto.physics.probe import make_probe
from ptychopareto.physics.subpixel import shifted, split_positions
from ptychopareto.reconstruction.joint import JointSettings, joint
from ptychopareto.reconstruction.joint_model import JointState
from ptychopareto.reconstruction.rpie import flat_start

N, SIZE, MARGIN, STEP = 64, 190, 6, 8
PHOTONS, SHARES = 1e7, (0.8, 0.12, 0.08)


@dataclass(frozen=True)
class Scan:
    """The truth, and what a file would say of it."""

    truth: np.ndarray
    positions: np.ndarray
    said_positions: np.ndarray
    said_probe: np.ndarray
    diffraction: np.ndarray
    valid: np.ndarray


@pytest.fixture(scope="module")
def wrong_scan() -> Scan:
    """Three modes, positions 1.5 px rms off, defocus 10 % off, 0.5 % of the pixels dead."""
    rng = np.random.default_rng(0)
    amplitude = np.abs(objects.generate(GrfObject(), 1, SIZE, rng, rng)[0])
    lines = objects.generate(LinesObject(), 1, SIZE, *(np.random.default_rng(n) for n in (1, 2)))[0]
    truth = (0.5 + 0.5 * amplitude / amplitude.max()) * np.exp(0.5j * np.angle(lines))
    beam = make_probe(ProbeZonePlate(beam_radius=0.39), N).astype(np.complex128)
    rows, columns = np.indices((N, N)) / N - 0.5
    modes = np.stack([beam, beam * rows, beam * columns])
    power = (np.abs(modes) ** 2).sum((1, 2))
    modes *= np.sqrt(PHOTONS * np.array(SHARES) / power)[:, None, None]
    axis = np.arange(MARGIN, SIZE - N - MARGIN + 1, STEP)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    positions = grid + rng.uniform(-2, 2, grid.shape)
    corners, fractions = split_positions(positions)
    lights = shifted(torch.from_numpy(modes), torch.from_numpy(fractions)[:, None].double())
    patches = np.stack([truth[r : r + N, c : c + N] for r, c in corners])[:, None]
    far = np.fft.fftshift(np.fft.fft2(lights.numpy() * patches, norm="ortho"), axes=(-2, -1))
    diffraction = np.sqrt(rng.poisson((np.abs(far) ** 2).sum(1))).astype(np.float32)
    valid = rng.random((1, N, N)) > 0.005
    diffraction[:, ~valid[0]] = 65535
    wrong = make_probe(ProbeZonePlate(beam_radius=1.1 * 0.39), N)
    said = np.clip(positions + rng.normal(0, 1.5, positions.shape), 0, SIZE - N)
    return Scan(truth, positions, said, 50 * np.roll(wrong, 2, axis=0), diffraction, valid)


def reconstruct(scan: Scan, epochs: int, settings: JointSettings) -> JointState:
    corners, fractions = split_positions(scan.said_positions)
    states = joint(
        torch.from_numpy(scan.diffraction),
        torch.from_numpy(scan.said_probe),
        corners,
        flat_start(scan.truth.shape, torch.device("cpu")),
        settings,
        fractions=fractions,
        valid=torch.from_numpy(scan.valid),
    )
    *_, last = islice(states, epochs)
    return last


def position_error(scan: Scan, positions: np.ndarray) -> float:
    """The rms error [px] but for an offset of all."""
    error = positions - scan.positions
    return float(np.sqrt(((error - error.mean(axis=0)) ** 2).mean()))


def phase_similarity(scan: Scan, image: np.ndarray) -> float:
    """SSIM of the phase where the scan is dense; a shift of object and probe together is free."""
    shift, _, _ = phase_cross_correlation(scan.truth, image, upsample_factor=50, normalization=None)
    moved = shifted(torch.from_numpy(image), torch.from_numpy(shift).float()).numpy()
    inside = slice(MARGIN + 3 * N // 8, SIZE - MARGIN - 3 * N // 8)
    return evaluate(moved[inside, inside], scan.truth[inside, inside])["ssim_phase"]


def test_everything_is_recovered(wrong_scan: Scan) -> None:
    assert position_error(wrong_scan, wrong_scan.said_positions) > 1.4
    state = reconstruct(wrong_scan, 16, JointSettings(modes=3, positions=True))
    assert position_error(wrong_scan, state.corners + state.fractions) < 0.3
    assert phase_similarity(wrong_scan, state.image.numpy()) > 0.95


@pytest.mark.long
def test_none_of_it_goes_by_itself(wrong_scan: Scan) -> None:
    """Without the search for positions, or for the defocus, the scan is not recovered."""
    kept = reconstruct(wrong_scan, 8, JointSettings(modes=3))
    assert phase_similarity(wrong_scan, kept.image.numpy()) < 0.9
    blurred = reconstruct(wrong_scan, 8, JointSettings(modes=3, positions=True, focus=False))
    assert position_error(wrong_scan, blurred.corners + blurred.fractions) > 0.3
