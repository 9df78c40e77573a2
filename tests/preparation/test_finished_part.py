"""Probe and positions of a finished reconstruction take the place of the file's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ptychopareto.preparation.finished_part import with_reconstruction
from ptychopareto.preparation.overrides import apply_config
from ptychopareto.preparation.prepare import prepare
from ptychopareto.readers import MeasuredScan
from ptychopareto.readers.finished_reconstruction import FinishedReconstruction

from .conftest import PIXEL, settings


@pytest.fixture
def found(measured: MeasuredScan) -> FinishedReconstruction:
    """Positions in pixels, 2 px off in one frame; a probe of two modes on another scale."""
    assert measured.positions is not None
    assert measured.probe is not None
    positions = measured.positions / PIXEL + (100, -50)
    positions[7] += (2, -1)
    probe = np.concatenate([measured.probe, 0.2 * np.roll(measured.probe, 3, axis=1)]) / 1000
    return FinishedReconstruction(
        "folder/result.h5",
        "ptychi",
        probe,
        positions=positions,
        position_unit="px",
        object_pixel=(PIXEL, PIXEL),
        origins={"probe": "probe", "positions": "positions_px", "object_pixel": "pixel"},
    )


def test_probe_and_positions_are_used(
    measured: MeasuredScan, found: FinishedReconstruction, tmp_path: Path
) -> None:
    """The file that the config names is read by the preparation itself."""
    scan = with_reconstruction(replace(measured, probe=None), found)
    np.testing.assert_array_equal(scan.probe, found.probe)
    assert scan.origins["positions"] == "positions_px of result.h5"
    path = tmp_path / "result.npz"
    image = np.ones((300, 300), np.complex64)
    np.savez(path, probe=found.probe, object=image, probe_positions=found.positions)
    prepared = prepare([replace(measured, probe=None)], settings(reconstruction=path))
    both = [prepared.train, prepared.test]
    frames = np.concatenate([prepared.train_frames, prepared.test_frames])
    placed = np.concatenate([part.corners + part.fractions.astype(float) for part in both])
    assert found.positions is not None
    wanted = found.positions - found.positions.min(axis=0)
    np.testing.assert_allclose(placed, wanted[frames], atol=1e-3)
    assert prepared.train.further_modes is not None
    assert len(prepared.train.further_modes) == 1
    remarks = " ".join(prepared.record["scans"][0]["remarks"])
    assert "r_free of what uses its probe and positions is a little optimistic" in remarks


def test_what_the_config_says_of_the_scans_positions_leaves_these_alone(
    measured: MeasuredScan, found: FinishedReconstruction
) -> None:
    scan = with_reconstruction(measured, found)
    said = {"unit": "um", "order": "x_y", "sign": ["row"]}
    used = apply_config(scan, settings(positions=said))
    np.testing.assert_array_equal(used.positions, scan.positions)
    assert used.position_unit == "m"
    assert used.origins["positions"] == "positions_px of result.h5"


def test_positions_go_by_their_numbers(
    measured: MeasuredScan, found: FinishedReconstruction
) -> None:
    assert found.positions is not None
    order = np.random.default_rng(0).permutation(240)
    mixed = replace(found, positions=found.positions[order], indexes=5 + 3 * order)
    scan = with_reconstruction(measured, mixed)
    np.testing.assert_allclose(scan.positions, found.positions * PIXEL)


def test_of_another_scan_only_the_probe_is_used(
    measured: MeasuredScan, found: FinishedReconstruction
) -> None:
    assert found.positions is not None
    for other in (found.positions[:92], None):
        scan = with_reconstruction(measured, replace(found, positions=other))
        np.testing.assert_array_equal(scan.probe, found.probe)
        np.testing.assert_array_equal(scan.positions, measured.positions)
        count = 0 if other is None else 92
        assert f"result.h5 has {count} positions for 240 patterns: only its probe is used." in (
            scan.remarks
        )
