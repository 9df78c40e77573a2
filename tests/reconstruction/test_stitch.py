import numpy as np
import torch
from torch import nn

from ptychopareto.files import Dataset
from ptychopareto.physics import scan
from ptychopareto.physics.groups import single_patterns
from ptychopareto.reconstruction.predict import predict
from ptychopareto.reconstruction.stitch import stitch


def test_true_patches_return_the_object(small_scan: tuple[Dataset, Dataset]) -> None:
    data = small_scan[1]
    assert data.objects is not None
    probe, patches = torch.from_numpy(data.probe), torch.from_numpy(data.patches)
    image = stitch(patches, probe, data.corners, (96, 96)).numpy()
    region = data.scored_region()
    np.testing.assert_allclose(image[region], data.objects[0][region], atol=1e-6)


def test_true_patches_of_a_spiral_return_the_object(round_scan: Dataset) -> None:
    assert round_scan.objects is not None
    probe, patches = torch.from_numpy(round_scan.probe), torch.from_numpy(round_scan.patches)
    image = stitch(patches, probe, round_scan.corners, (96, 96)).numpy()
    region = round_scan.scored_region()
    np.testing.assert_allclose(image[region], round_scan.objects[0][region], atol=1e-6)
    assert min(image[region].shape) > 35


def test_overlaps_are_weighted_by_the_probe() -> None:
    probe = torch.tensor([[1.0, 2.0], [0.0, 1.0]], dtype=torch.complex128)
    patches = torch.stack([torch.full((2, 2), v, dtype=torch.complex128) for v in (1.0, 3.0j)])
    image = stitch(patches, probe, np.array([[0, 0], [0, 1]]), (3, 3))
    expected = [[1, (4 * 1 + 1 * 3j) / 5, 3j], [0, 1, 3j], [0, 0, 0]]
    torch.testing.assert_close(image, torch.tensor(expected, dtype=torch.complex128))


def test_prediction_keeps_the_order() -> None:
    class Offset(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.to(torch.complex64) + 1

    patterns = torch.arange(70.0)[:, None, None].expand(70, 4, 4)
    out = predict(Offset(), patterns, torch.ones(4, 4), single_patterns(70, patterns.device))
    torch.testing.assert_close(out[:, 0], patterns.to(torch.complex64) + 1)


def test_cut_and_stitch_on_a_rectangle() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(20, 30)) + 1j * rng.normal(size=(20, 30))
    corners = np.array([[r, c] for r in (0, 5, 12) for c in (0, 6, 14, 22)])
    patches = torch.from_numpy(scan.patches(image, corners, 8))
    again = stitch(patches, torch.ones(8, 8, dtype=torch.complex128), corners, (20, 30)).numpy()
    np.testing.assert_allclose(again[:20, :30], image, atol=1e-12)


def test_true_patches_between_pixels_return_the_object(
    measured_scan: tuple[Dataset, np.ndarray],
) -> None:
    data, image = measured_scan
    patches = scan.patches_at(image, data.corners, data.fractions, data.N)
    again = stitch(
        torch.from_numpy(patches),
        torch.from_numpy(data.modes),
        data.corners,
        data.object_shape,
        data.fractions,
    ).numpy()
    region = data.scored_region()
    known = np.abs(again[region] - image[region]).mean()
    ignored = stitch(
        torch.from_numpy(patches), torch.from_numpy(data.modes), data.corners, data.object_shape
    ).numpy()
    assert known < 0.2 * np.abs(ignored[region] - image[region]).mean()
