"""PtychoPINN's grid-lines files hold centres of patches, ours their corners."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.config import SimulatedDataset, Teacher
from ptychopareto.files import Dataset, read_dataset, read_npz, write_dataset
from ptychopareto.files.grid_lines import as_corners
from ptychopareto.physics.scan import patches
from ptychopareto.physics.simulation import expected_amplitude
from ptychopareto.reconstruction.teacher import teach
from readers.writers_npz import write_grid_lines


def odd(scan: Dataset) -> Dataset:
    """The same scan with patterns of one pixel less a side."""
    assert scan.objects is not None
    n = scan.N - 1
    cut = patches(scan.objects[0], scan.corners, n)
    probe = np.ascontiguousarray(scan.probe[:n, :n])
    return replace(scan, probe=probe, patches=cut, diffraction=expected_amplitude([cut], probe))


@pytest.mark.parametrize("n", [32, 31])
def test_a_grid_lines_file_is_the_scan_that_ours_is(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path, n: int
) -> None:
    scan = small_scan[0] if n == 32 else odd(small_scan[0])
    ours, theirs = tmp_path / "ours.npz", tmp_path / "theirs.npz"
    write_dataset(ours, scan)
    write_grid_lines(theirs, scan)
    read = [read_dataset(path, patches=True) for path in (ours, theirs)]
    for dataset in read:
        np.testing.assert_array_equal(dataset.corners, scan.corners)
        assert dataset.fractions is None
        np.testing.assert_array_equal(dataset.truth, scan.truth)
    found = [
        evaluate(teach(dataset, Teacher(epochs=3), torch.device("cpu"))[0], dataset.objects[0])
        for dataset in read
    ]
    assert found[0]["ssim_phase"] > 0.2
    assert found[1] == pytest.approx(found[0], abs=1e-4, nan_ok=True)


def test_several_objects_of_a_grid_lines_file(
    small_config: SimulatedDataset, tmp_path: Path
) -> None:
    from ptychopareto.physics.simulation import simulate

    scan = simulate(small_config.model_copy(update={"images_train": 2}))[0]
    write_grid_lines(tmp_path / "two.npz", scan)
    dataset = read_dataset(tmp_path / "two.npz")
    np.testing.assert_array_equal(dataset.corners, scan.corners)
    np.testing.assert_array_equal(dataset.object_index, scan.object_index)


@pytest.mark.parametrize("n", [32, 31])
def test_without_an_object_positions_begin_at_0(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path, n: int
) -> None:
    scan = small_scan[0] if n == 32 else odd(small_scan[0])
    arrays = write_grid_lines(tmp_path / "scan.npz", scan)
    del arrays["YY_full"], arrays["YY_ground_truth"]
    np.savez(tmp_path / "scan.npz", **arrays)
    dataset = read_dataset(tmp_path / "scan.npz")
    np.testing.assert_array_equal(dataset.corners, scan.corners)
    assert dataset.fractions is None


def test_our_own_files_hold_corners_whatever_they_look_like(
    small_scan: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    """A scan of ours may lie half a pixel from whole ones throughout."""
    inner = np.flatnonzero((small_scan[0].corners < 64).all(axis=1))
    scan = small_scan[0].part(inner)
    scan = replace(scan, fractions=np.full((len(inner), 2), 0.5, np.float32))
    write_dataset(tmp_path / "scan.npz", scan)
    back = read_dataset(tmp_path / "scan.npz")
    np.testing.assert_array_equal(back.corners + back.fractions, scan.corners + scan.fractions)
    arrays = read_npz(tmp_path / "scan.npz")
    del arrays["_metadata"]
    arrays["coords_offsets"] += 15
    np.savez(tmp_path / "scan.npz", **arrays)
    centres = read_dataset(tmp_path / "scan.npz")
    assert centres.fractions is None


def test_which_point_of_a_patch_a_position_is() -> None:
    """For 9² patterns of a 40² object; centres lie 4 px beyond corners."""
    corners = np.array([[0, 0], [12, 24], [31, 31]], float)

    def found(positions: np.ndarray, n: int = 9, **metadata: object) -> np.ndarray:
        return as_corners(positions, n, (40, 40), metadata)

    np.testing.assert_array_equal(found(corners), corners)
    np.testing.assert_array_equal(found(corners + 4), corners)
    np.testing.assert_array_equal(found(corners[1:2]), corners[1:2])  # fits as both
    name = {"creation_info": {"script": "grid_lines_workflow"}}
    np.testing.assert_array_equal(found(corners[1:2], **name), corners[1:2] - 4)
    np.testing.assert_array_equal(found(corners + 3.5, n=8), corners)
    np.testing.assert_array_equal(found(corners + 3.25, n=8), corners + 3.25)
    hashes = {"sha256": {"diffraction": "0"}}
    np.testing.assert_array_equal(found(corners + 3.5, n=8, **hashes), corners + 3.5)
