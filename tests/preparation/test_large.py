"""Patterns of a large scan wait in a file, as counts of the detector's type."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ptychopareto.files import (
    Dataset,
    StoredArray,
    StoredPatterns,
    read_dataset,
    read_npz,
    stored,
    write_dataset,
)
from ptychopareto.pictures.scan import draw
from ptychopareto.preparation.prepare import Prepared, prepare
from ptychopareto.readers import MeasuredScan

from .conftest import N, settings


def large(
    scans: list[MeasuredScan], folder: Path, monkeypatch: pytest.MonkeyPatch, **given: object
) -> tuple[Prepared, Prepared]:
    """What is prepared in memory, and by way of a file."""
    small = prepare(scans, settings(**given))
    monkeypatch.setattr(stored, "LARGE", 0)
    monkeypatch.setattr(stored, "PIECE", 10 * 4 * N**2)
    found = prepare(scans, settings(**given), folder=folder)
    assert not any(folder.iterdir())
    return small, found


def assert_same(one: Dataset, other: Dataset) -> None:
    """All but the fills of bad pixels, which are whole counts in a file."""
    assert isinstance(other.diffraction, StoredPatterns)
    whole, there = np.asarray(one.diffraction), np.asarray(other.diffraction)
    valid = np.ones((1, N, N), bool) if one.valid is None else np.asarray(one.valid)
    if one.valid is None:
        assert other.valid is None
    else:
        np.testing.assert_array_equal(np.asarray(other.valid), valid)
    np.testing.assert_array_equal(np.where(valid, whole, 0), np.where(valid, there, 0))
    assert np.abs(whole**2 - there**2).max() < 0.51
    np.testing.assert_array_equal(one.corners, other.corners)
    np.testing.assert_allclose(one.modes, other.modes, rtol=1e-5, atol=1e-6)


def test_counts_keep_their_type(
    measured: MeasuredScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, found = large([measured], tmp_path, monkeypatch)
    for name in ("train", "test"):
        part = getattr(found, name)
        assert_same(getattr(small, name), part)
        write_dataset(tmp_path / f"{name}.npz", part)
        assert read_npz(tmp_path / f"{name}.npz")["counts"].dtype == np.uint16
        assert_same(getattr(small, name), read_dataset(tmp_path / f"{name}.npz"))
    draw(found, tmp_path / "scan.png")


def test_bad_pixels_of_some_frames(
    measured: MeasuredScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = np.array(measured.frames[:]).astype(np.int32)
    frames[::3, 7, 9] = -1
    frames[:, 20, 3] = -1
    small, found = large([replace(measured, frames=frames)], tmp_path, monkeypatch)
    assert isinstance(found.train.valid, StoredArray)
    assert_same(small.train, found.train)
    assert_same(small.test, found.test)
    draw(found, tmp_path / "scan.png")


def test_two_scans_one_after_the_other(
    measured: MeasuredScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measured.positions is not None
    other = replace(
        measured, frames=measured.frames[::-1], positions=measured.positions[::-1].copy()
    )
    given = {"scan": ["scan.h5", "other.h5"]}
    small, found = large([measured, other], tmp_path, monkeypatch, **given)
    assert_same(small.train, found.train)
    assert_same(small.test, found.test)


def test_numbers_that_are_no_counts_stay_amplitudes(
    measured: MeasuredScan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaled = replace(measured, frames=measured.frames[:] * np.float32(0.3))
    small, found = large([scaled], tmp_path, monkeypatch)
    np.testing.assert_array_equal(np.asarray(found.train.diffraction), small.train.diffraction)
    write_dataset(tmp_path / "train.npz", found.train)
    assert read_npz(tmp_path / "train.npz")["diffraction"].dtype == np.float32
