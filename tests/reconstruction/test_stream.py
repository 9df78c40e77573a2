"""What is added to an object a chunk at a time gives the bits of what is added at once."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptychopareto.files import Dataset
from ptychopareto.reconstruction import stream
from ptychopareto.reconstruction.predictor import TorchPredictor
from ptychopareto.reconstruction.reconstruct import Predictions, reconstruct
from ptychopareto.reconstruction.stitch import Stitcher, stitch

CPU = torch.device("cpu")


class Blurred(nn.Module):
    """Patches of which each pixel depends on the pattern, and on the others of its group."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.complex(x + x.mean(dim=1, keepdim=True), x.roll(1, -1))


class Counted:
    """Patterns that can be read only in parts, as those of a file."""

    def __init__(self, array: NDArray[np.float32]) -> None:
        self.array, self.read = array, 0

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, which: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        found = self.array[which]
        found.flags.writeable = False
        self.read = max(self.read, len(found))
        return found


def predictor(scan: Dataset, gridsize: int = 1) -> TorchPredictor:
    return TorchPredictor(Blurred(), scan.N, gridsize, CPU)


def at_once(scan: Dataset, gridsize: int) -> NDArray[np.complex64]:
    predictions = Predictions(scan.scored(), gridsize, CPU)
    patches = predictions.patches(Blurred())
    return predictions.stitched(patches, predictions.of_object(0)).numpy()


@pytest.mark.parametrize("gridsize", [1, 2])
def test_small_chunks_give_the_bits_of_one(
    small_scan: tuple[Dataset, Dataset], gridsize: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = small_scan[1]
    monkeypatch.setattr(stream, "CHUNK_BYTES", 1)
    image = reconstruct(Blurred(), scan, gridsize)
    np.testing.assert_array_equal(image, at_once(scan, gridsize))


@pytest.mark.parametrize("gridsize", [1, 2])
def test_free_patterns_and_positions_between_pixels(
    measured_scan: tuple[Dataset, np.ndarray], gridsize: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = measured_scan[0]
    assert scan.free is not None
    assert scan.free.any()
    monkeypatch.setattr(stream, "CHUNK_BYTES", 1)
    image = reconstruct(Blurred(), scan, gridsize)
    np.testing.assert_array_equal(image, at_once(scan, gridsize))
    dark = replace(scan, diffraction=np.where(scan.free[:, None, None], 0, scan.diffraction))
    np.testing.assert_array_equal(image, reconstruct(Blurred(), dark, gridsize))


def test_no_more_than_a_chunk_is_read(
    small_scan: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = small_scan[1]
    monkeypatch.setattr(stream, "CHUNK_BYTES", 1)
    patterns = Counted(scan.diffraction)
    grown = stream.ObjectStream(predictor(scan), scan.probe, scan.object_shape)
    done = list(grown.add_scan(patterns, scan.corners, scan.fractions))
    assert done == [32, 64, 81]
    assert patterns.read == 32
    np.testing.assert_array_equal(grown.object(), at_once(scan, 1))


def test_patterns_that_come_one_after_the_other(small_scan: tuple[Dataset, Dataset]) -> None:
    scan = small_scan[1]
    grown = stream.ObjectStream(predictor(scan), scan.probe, scan.object_shape)
    for first in range(0, len(scan.corners), 10):
        part = slice(first, first + 10)
        grown.add(scan.diffraction[part], scan.corners[part])
    np.testing.assert_allclose(grown.object(), at_once(scan, 1), rtol=1e-5, atol=1e-6)


def test_patches_may_be_added_in_any_number_of_calls(
    measured_scan: tuple[Dataset, np.ndarray],
) -> None:
    scan = measured_scan[0]
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(scan.diffraction.shape, generator=generator, dtype=torch.complex64)
    probe = torch.from_numpy(scan.modes)
    for fractions in (None, scan.fractions):
        stitcher = Stitcher(probe, scan.object_shape)
        for part in (slice(0, 1), slice(1, 70), slice(70, None)):
            own = None if fractions is None else fractions[part]
            stitcher.add(patches[part], scan.corners[part], own)
        whole = stitch(patches, probe, scan.corners, scan.object_shape, fractions)
        assert torch.equal(stitcher.object(), whole)
