from itertools import islice

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.config import Teacher
from ptychopareto.files import Dataset
from ptychopareto.physics import scan
from ptychopareto.reconstruction.patches import (
    IndexedWindows,
    SlicedWindows,
    disjoint_batches,
)
from ptychopareto.reconstruction.rpie import flat_start, rpie
from ptychopareto.reconstruction.teacher import teach


def sequential_rpie(
    diffraction: NDArray,
    probe: NDArray,
    corners: NDArray,
    start: NDArray,
    order: list[int],
    alpha: float,
) -> NDArray:
    """One pattern after the other, as Maiden, Johnson & Li (2017) write it."""
    image, N = start.copy(), len(probe)
    power = np.abs(probe) ** 2
    for n in order:
        window = np.s_[corners[n, 0] : corners[n, 0] + N, corners[n, 1] : corners[n, 1] + N]
        wave = probe * image[window]
        far = np.fft.fftshift(np.fft.fft2(wave, norm="ortho"))
        far = diffraction[n] * np.exp(1j * np.angle(far))
        revised = np.fft.ifft2(np.fft.ifftshift(far), norm="ortho")
        image[window] += (
            probe.conj() * (revised - wave) / ((1 - alpha) * power + alpha * power.max())
        )
    return image


@pytest.mark.parametrize("alpha", [0.1, 1.0])
@pytest.mark.parametrize("positions", ["grid", "spiral"])
def test_equals_the_sequential_update(
    small_scan: tuple[Dataset, Dataset], round_scan: Dataset, alpha: float, positions: str
) -> None:
    data = small_scan[1] if positions == "grid" else round_scan
    diffraction, probe = data.diffraction.astype(np.float64), data.probe.astype(np.complex128)
    start = flat_start((96, 96), torch.device("cpu")).to(torch.complex128)
    epochs = rpie(
        torch.from_numpy(diffraction), torch.from_numpy(probe), data.corners, start, alpha, seed=3
    )
    _, (got, _) = islice(epochs, 2)

    batches, rng = disjoint_batches(data.corners, 32), np.random.default_rng(3)
    order = [
        n for _ in range(2) for chosen in rng.permutation(len(batches)) for n in batches[chosen]
    ]
    expected = sequential_rpie(diffraction, probe, data.corners, start.numpy(), order, alpha)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-10)
    torch.testing.assert_close(start, torch.ones_like(start))  # not changed


def sequential_measured_rpie(
    diffraction: NDArray,
    modes: NDArray,
    corners: NDArray,
    fractions: NDArray,
    valid: NDArray,
    order: list[int],
    alpha: float,
) -> NDArray:
    """As `sequential_rpie`, for modes, positions between pixels and a mask, from a flat start."""
    image, N = np.ones((48, 48), complex), modes.shape[-1]
    frequency = np.fft.fftfreq(N)
    for n in order:
        window = np.s_[corners[n, 0] : corners[n, 0] + N, corners[n, 1] : corners[n, 1] + N]
        angle = fractions[n, 0] * frequency[:, None] + fractions[n, 1] * frequency
        lights = np.fft.ifft2(np.fft.fft2(modes) * np.exp(-2j * np.pi * angle))
        waves = lights * image[window]
        far = np.fft.fftshift(np.fft.fft2(waves, norm="ortho"), axes=(-2, -1))
        model = np.sqrt((np.abs(far) ** 2).sum(0))
        far = np.where(valid[n], diffraction[n] / model, 1) * far
        revised = np.fft.ifft2(np.fft.ifftshift(far, axes=(-2, -1)), norm="ortho")
        power = (np.abs(lights) ** 2).sum(0)
        gain = (1 - alpha) * power + alpha * power.max()
        image[window] += (lights.conj() * (revised - waves)).sum(0) / gain
    return image


def test_equals_the_sequential_update_of_a_measured_scan() -> None:
    rng, N = np.random.default_rng(0), 16
    corners = rng.integers(0, 32, (20, 2), endpoint=True)
    fractions = rng.uniform(-0.5, 0.5, (20, 2))
    modes = rng.normal(size=(2, N, N)) + 1j * rng.normal(size=(2, N, N))
    diffraction = rng.uniform(0, 3, (20, N, N))
    valid = rng.random((20, N, N)) > 0.1
    start = flat_start((48, 48), torch.device("cpu")).to(torch.complex128)
    epochs = rpie(
        torch.from_numpy(np.where(valid, diffraction, np.nan)),
        torch.from_numpy(modes),
        corners,
        start,
        0.3,
        seed=3,
        fractions=fractions,
        valid=torch.from_numpy(valid),
    )
    _, (got, misfit) = islice(epochs, 2)

    batches, order = disjoint_batches(corners, N), np.random.default_rng(3)
    numbers = [
        n for _ in range(2) for chosen in order.permutation(len(batches)) for n in batches[chosen]
    ]
    expected = sequential_measured_rpie(diffraction, modes, corners, fractions, valid, numbers, 0.3)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-10)
    assert 0 < misfit < 3


def test_two_runs_are_the_same_to_the_bit(small_scan: tuple[Dataset, Dataset]) -> None:
    data = small_scan[0]
    arguments = torch.from_numpy(data.diffraction), torch.from_numpy(data.probe), data.corners
    start = flat_start(data.object_shape, torch.device("cpu"))
    one, other = (next(rpie(*arguments, start, 0.1))[0] for _ in range(2))
    assert torch.equal(one, other)


@pytest.mark.parametrize("kind", [SlicedWindows, IndexedWindows])
def test_windows_read_and_add_patches_that_overlap(kind: type) -> None:
    rng = np.random.default_rng(0)
    image, changes = rng.normal(size=(20, 23)), rng.normal(size=(6, 8, 8))
    corners = rng.integers(0, 12, (6, 2), endpoint=True)
    pixels = torch.from_numpy(image.copy())
    windows = kind(pixels, corners, 8)
    parts = [np.s_[row : row + 8, column : column + 8] for row, column in corners]
    np.testing.assert_array_equal(windows.read(), [image[part] for part in parts])
    windows.add(torch.from_numpy(changes))
    for part, change in zip(parts, changes, strict=True):
        image[part] += change
    np.testing.assert_allclose(pixels, image, atol=1e-14)


def first_fit(corners: NDArray, N: int) -> list[list[int]]:
    """Each patch into the first batch where it overlaps none, one after the other."""
    batches: list[list[int]] = []
    for index, corner in enumerate(corners):
        for batch in batches:
            if np.all(np.abs(corners[batch] - corner).max(axis=1) >= N):
                batch.append(index)
                break
        else:
            batches.append([index])
    return batches


RANDOM = np.random.default_rng(0).integers(0, 168, (300, 2), endpoint=True)
SCANS = [scan.grid(200, 32, 8), scan.grid(392, 64, 24), RANDOM, RANDOM[:1]]


@pytest.mark.parametrize("corners", SCANS, ids=["grid", "large grid", "random", "one"])
def test_batches_are_those_of_first_fit(corners: NDArray) -> None:
    N = 64 if corners.max() > 168 else 32
    batches = [batch.tolist() for batch in disjoint_batches(corners, N)]
    assert batches == first_fit(corners, N)


def test_batches_hold_each_pattern_once_and_do_not_overlap() -> None:
    corners = np.concatenate([scan.grid(200, 32, 7), np.array([[0, 0], [3, 5]]), RANDOM])
    batches = disjoint_batches(corners, 32)
    assert sorted(np.concatenate(batches)) == list(range(len(corners)))
    for batch in batches:
        cover = np.zeros((200, 200), int)
        for row, col in corners[batch]:
            cover[row : row + 32, col : col + 32] += 1
        assert cover.max() == 1


def test_recovers_the_object(small_scan: tuple[Dataset, Dataset]) -> None:
    data = small_scan[0]
    image = teach(data, Teacher(epochs=60), torch.device("cpu"))[0]
    region = data.scored_region()
    assert data.objects is not None
    measures = evaluate(image[region], data.objects[0][region])
    assert measures["ssim_phase"] > 0.97
    assert measures["ssim_amp"] > 0.97
    assert np.angle(image[region].mean()) == pytest.approx(0, abs=1e-5)


def test_recovers_the_object_of_a_spiral(round_scan: Dataset) -> None:
    image = teach(round_scan, Teacher(epochs=60), torch.device("cpu"))[0]
    region = round_scan.scored_region()
    truth = round_scan.truth
    assert truth is not None
    measures = evaluate(image[region], truth)
    assert measures["ssim_phase"] > 0.97
    assert measures["ssim_amp"] > 0.97


def test_misfit_falls(small_scan: tuple[Dataset, Dataset]) -> None:
    data = small_scan[0]
    epochs = rpie(
        torch.from_numpy(data.diffraction),
        torch.from_numpy(data.probe),
        data.corners,
        flat_start((96, 96), torch.device("cpu")),
        0.1,
    )
    misfits = [misfit for _, misfit in islice(epochs, 10)]
    assert misfits[-1] < 0.2 * misfits[0]
