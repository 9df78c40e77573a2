from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from ptychopareto.files import Dataset
from ptychopareto.reconstruction.joint import JointSettings, joint
from ptychopareto.reconstruction.joint_model import JointState
from ptychopareto.reconstruction.modes import orthogonal, start_modes
from ptychopareto.reconstruction.r_factor import r_factor
from ptychopareto.reconstruction.rpie import flat_start

Measured = tuple[Dataset, np.ndarray]


def run(
    data: Dataset, epochs: int, settings: JointSettings | None = None, scale: float = 1.0
) -> JointState:
    """The joint reconstruction of the patterns that are not free, from a flat object."""
    seen = np.ones(len(data.corners), bool) if data.free is None else ~data.free
    assert data.valid is not None
    assert data.fractions is not None
    epochs_of = joint(
        torch.from_numpy(data.diffraction[seen]),
        torch.from_numpy(data.probe * np.complex64(scale)),
        data.corners[seen],
        flat_start(data.object_shape, torch.device("cpu")),
        settings or JointSettings(modes=2),
        fractions=data.fractions[seen],
        valid=torch.from_numpy(data.valid),
    )
    *_, last = islice(epochs_of, epochs)
    return last


def r_free(data: Dataset, state: JointState) -> float:
    assert data.free is not None
    assert data.valid is not None
    assert data.fractions is not None
    return r_factor(
        state.image,
        state.probe,
        data.corners[data.free],
        data.fractions[data.free],
        torch.from_numpy(data.diffraction[data.free]),
        torch.from_numpy(data.valid),
    )


def test_patterns_that_took_no_part_are_predicted(measured_scan: Measured) -> None:
    data, _ = measured_scan
    first, state = run(data, 1, scale=50), run(data, 10, scale=50)
    assert r_free(data, state) < 0.02 < r_free(data, first)
    assert state.misfit < 0.02
    # The mask hides pixels that are far off.
    assert data.valid is not None
    naive = replace(data, valid=np.ones_like(data.valid))
    assert run(naive, 10).misfit > 2 * state.misfit


def test_the_scale_of_the_first_probe_does_not_matter(measured_scan: Measured) -> None:
    data, _ = measured_scan
    one, other = run(data, 3), run(data, 3, scale=50)
    torch.testing.assert_close(one.image, other.image, rtol=0, atol=2e-3)
    torch.testing.assert_close(one.probe, other.probe, rtol=0, atol=2e-3)


def test_two_runs_are_the_same_to_the_bit(measured_scan: Measured) -> None:
    data, _ = measured_scan
    one, other = run(data, 3), run(data, 3)
    assert torch.equal(one.image, other.image)
    assert torch.equal(one.probe, other.probe)


def test_a_batch_steps_to_its_least_squares_solution() -> None:
    """One batch with two chunks of patterns, against explicit NumPy."""
    rng, N, count = np.random.default_rng(0), 8, 20
    corners = rng.integers(0, 8, (count, 2), endpoint=True)
    fractions = rng.uniform(-0.5, 0.5, (count, 2)).astype(np.float32)
    modes = rng.normal(size=(2, N, N)) + 1j * rng.normal(size=(2, N, N))
    start = rng.normal(size=(16, 16)) + 1j * rng.normal(size=(16, 16))
    diffraction = rng.uniform(0, 3, (count, N, N))
    settings = JointSettings(modes=2, batch=count, step=0.7, damping=0.2, focus=False)
    state = next(
        joint(
            torch.from_numpy(diffraction),
            torch.from_numpy(modes),
            corners,
            torch.from_numpy(start),
            settings,
            fractions=fractions,
        )
    )
    frequency = np.fft.fftfreq(N)
    down, across = fractions[:, 0, None, None], fractions[:, 1, None, None]
    factors = np.exp(-2j * np.pi * (down * frequency[:, None] + across * frequency))
    windows = [np.s_[r : r + N, c : c + N] for r, c in corners]
    scale = np.sqrt(
        (diffraction**2).sum()
        / sum((np.abs(modes * start[window]) ** 2).sum() for window in windows)
    )
    probe = scale * modes
    numerator, light = np.zeros_like(start), np.zeros(start.shape)
    probe_sum, cover, apart = np.zeros_like(probe), np.zeros((N, N)), 0.0
    for window, factor, measured in zip(windows, factors, diffraction, strict=True):
        lights = np.fft.ifft2(np.fft.fft2(probe) * factor)
        far = np.fft.fft2(lights * start[window], norm="ortho")
        target = np.fft.ifftshift(measured)
        model = np.sqrt((np.abs(far) ** 2).sum(0))
        change = np.fft.ifft2((target / model - 1) * far, norm="ortho")
        numerator[window] += (lights.conj() * change).sum(0)
        light[window] += (np.abs(probe) ** 2).sum(0)
        back = np.fft.fft2(start[window].conj() * change) * factor.conj()
        probe_sum += np.fft.ifft2(back)
        cover += np.abs(start[window]) ** 2
        apart += np.abs(model - target).sum()
    weight = 0.8 * np.maximum(light, (np.abs(probe) ** 2).sum(0).max()) + 0.2 * light.max()
    image = start + 0.7 * numerator / weight
    found = probe + 0.7 * probe_sum / (0.8 * cover + 0.2 * cover.max())
    factor = np.sqrt((np.abs(probe) ** 2).sum() / (np.abs(found) ** 2).sum())
    np.testing.assert_allclose(state.image, image / factor, rtol=1e-6)
    np.testing.assert_allclose(
        state.probe, orthogonal(torch.from_numpy(found * factor)), rtol=1e-6, atol=1e-6
    )
    assert state.misfit == pytest.approx(apart / diffraction.sum(), rel=1e-6)


def test_modes_are_orthogonal_and_give_the_same_patterns() -> None:
    generator = torch.Generator().manual_seed(0)
    modes = torch.randn(3, 16, 16, dtype=torch.complex64, generator=generator)
    patch = torch.randn(16, 16, dtype=torch.complex64, generator=generator)
    made = orthogonal(modes)
    flat = made.flatten(1)
    gram = flat.conj() @ flat.mT
    power = gram.diagonal().real
    torch.testing.assert_close(gram, torch.diag(power).to(gram.dtype), atol=1e-3, rtol=0)
    assert power.tolist() == sorted(power.tolist(), reverse=True)
    intensities = [torch.fft.fft2(p * patch).abs().square().sum(0) for p in (modes, made)]
    torch.testing.assert_close(*intensities)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_first_modes_have_the_power_of_the_probe(count: int) -> None:
    probe = torch.randn(1, 16, 16, dtype=torch.complex64)
    modes = start_modes(probe, count)
    assert modes.shape == (count, 16, 16)
    torch.testing.assert_close(modes.abs().square().sum(), probe.abs().square().sum())
    power = orthogonal(modes).abs().square().sum((1, 2))
    assert power.min() > 1e-3 * power.max()  # none is a sum of others
    assert torch.equal(start_modes(modes, 1), modes)  # known modes are kept
