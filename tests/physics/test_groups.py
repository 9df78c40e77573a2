import numpy as np
import pytest
import torch

from ptychopareto.config import ConfigError
from ptychopareto.physics import scan
from ptychopareto.physics.groups import group, neighbours, single_patterns

CPU = torch.device("cpu")


def test_a_grid_is_grouped_into_all_its_squares() -> None:
    corners = scan.grid(32, 16, 4)  # 5 × 5
    found = neighbours(corners, np.zeros(25, int), 2)
    expected = [[5 * r + c + k for k in (0, 1, 5, 6)] for r in range(4) for c in range(4)]
    assert found.tolist() == expected
    assert len(neighbours(corners, np.zeros(25, int), 3)) == 9


def test_groups_stay_inside_an_object() -> None:
    corners = np.tile(scan.grid(24, 16, 4), (2, 1))  # 3 × 3, twice
    index = np.repeat([0, 1], 9)
    found = neighbours(corners, index, 2)
    assert len(found) == 8
    assert all(len(set(index[members])) == 1 for members in found)


@pytest.mark.parametrize("seed", range(5))
def test_positions_off_a_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = scan.grid(96, 32, 8) + rng.integers(-3, 4, (81, 2))
    found = neighbours(corners, np.zeros(81, int), 2)
    assert set(found.ravel()) == set(range(81))
    assert len(np.unique(found, axis=0)) == len(found)
    assert all(len(set(members)) == 4 for members in found)
    first, second, third, fourth = corners[found].transpose(1, 0, 2)
    assert (first[:, 1] <= second[:, 1]).all()
    assert (third[:, 1] <= fourth[:, 1]).all()
    assert (np.maximum(first[:, 0], second[:, 0]) <= np.minimum(third[:, 0], fourth[:, 0])).all()
    spread = corners[found].max(axis=1) - corners[found].min(axis=1)
    assert np.median(spread) <= 14


def test_too_few_positions() -> None:
    corners = np.array([[0, 0], [0, 8], [8, 0]])
    with pytest.raises(ConfigError, match=r"dataset\.gridsize: 2 is too large for a scan of 3 pos"):
        neighbours(corners, np.zeros(3, int), 2)


def test_patches_of_one_object_are_merged_unchanged() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(40, 40)) + 1j * rng.normal(size=(40, 40))
    corners = scan.grid(40, 16, 6)
    groups = group(corners, np.zeros(len(corners), int), 16, 2, CPU)
    patches = torch.from_numpy(scan.patches(image, corners, 16))[groups.members]
    probe = torch.from_numpy(rng.normal(size=(16, 16)) + 0j)
    merged = groups.merge(patches, probe, torch.arange(len(groups)))
    torch.testing.assert_close(merged, patches)


def test_merged_patches_agree_and_are_the_weighted_mean() -> None:
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    groups = group(corners, np.zeros(4, int), 2, 2, CPU)
    patches = torch.randn(1, 4, 2, 2, dtype=torch.complex128)
    probe = torch.tensor([[1.0, 2.0], [3.0, 1.0]], dtype=torch.complex128)
    merged = groups.merge(patches, probe, torch.tensor([0]))[0]
    centre = [merged[0, 1, 1], merged[1, 1, 0], merged[2, 0, 1], merged[3, 0, 0]]
    weights = [1.0, 9.0, 4.0, 1.0]
    values = [patches[0, 0, 1, 1], patches[0, 1, 1, 0], patches[0, 2, 0, 1], patches[0, 3, 0, 0]]
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    for value in centre:
        torch.testing.assert_close(value, mean, rtol=1e-5, atol=0)


def test_gradients_reach_the_overlapping_patches() -> None:
    groups = group(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.zeros(4, int), 3, 2, CPU)
    patches = torch.randn(2, 4, 3, 3, dtype=torch.complex128, requires_grad=True)
    probe, which = torch.ones(3, 3, dtype=torch.complex128), torch.tensor([0, 0])
    assert torch.autograd.gradcheck(lambda x: groups.merge(x, probe, which), patches)


def test_a_pattern_alone_is_left_as_it_is() -> None:
    patches = torch.randn(3, 1, 4, 4, dtype=torch.complex64)
    groups = single_patterns(5, CPU)
    assert groups.merge(patches, torch.ones(4, 4), torch.tensor([0, 2, 4])) is patches
    assert len(groups.first(2)) == 2


def test_patches_between_pixels_of_one_object_are_merged_almost_unchanged() -> None:
    y, x = np.mgrid[:60, :60]
    image = np.exp(1j * np.sin(0.2 * y + 0.1 * x)).astype(np.complex64)
    corners = scan.grid(58, 32, 8) + 1
    fractions = np.random.default_rng(0).uniform(-0.5, 0.5, corners.shape).astype(np.float32)
    groups = group(corners, np.zeros(len(corners), int), 32, 2, CPU, fractions)
    whole = group(corners, np.zeros(len(corners), int), 32, 2, CPU)
    patches = torch.from_numpy(scan.patches_at(image, corners, fractions, 32))[groups.members]
    distance = torch.hypot(*torch.meshgrid(*2 * [torch.arange(32.0) - 16], indexing="ij"))
    probe = torch.exp(-((distance / 7) ** 2)) + 0j
    which = torch.arange(len(groups))
    lit = probe.abs() > 0.1
    known = (groups.merge(patches, probe, which) - patches).abs()[..., lit].max()
    ignored = (whole.merge(patches, probe, which) - patches).abs()[..., lit].max()
    assert known < 0.01 < 0.1 < ignored
