"""The probe of the config: all modes of a file, as bright beside each other as they stand there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptychopareto.files import write_npz
from ptychopareto.physics.probe import make_probe
from ptychopareto.preparation.guess import orthogonal_modes
from ptychopareto.preparation.prepare import Prepared, prepare
from ptychopareto.readers import MeasuredScan

from .conftest import N, settings


@pytest.fixture
def modes(measured: MeasuredScan) -> np.ndarray:
    """Three orthogonal modes with 70, 20 and 10 % of the light, in units of their own."""
    assert measured.probe is not None
    rng = np.random.default_rng(0)
    axis = 0.01 * (np.arange(N) - N // 2)
    first = measured.probe[0]
    more = [first * axis, first * axis[:, None] + 0.001 * rng.standard_normal((N, N))]
    found = orthogonal_modes(np.stack([first, *more]).astype(np.complex128))
    light = (np.abs(found) ** 2).sum(axis=(1, 2))
    return found * (np.sqrt(np.array([0.7, 0.2, 0.1]) / light) * 12.5)[:, None, None]


def prepared_with(measured: MeasuredScan, file: Path, modes: np.ndarray, **more: Any) -> Prepared:
    write_npz(
        file, probeGuess=modes[0].astype(np.complex64), further_modes=modes[1:].astype(np.complex64)
    )
    return prepare([measured], settings(probe={"kind": "npz", "path": str(file), **more}))


def shares(probe: np.ndarray) -> np.ndarray:
    light = (np.abs(probe.astype(np.complex128)) ** 2).sum(axis=(1, 2))
    return light / light.sum()


def test_all_modes_of_the_file_are_used(
    measured: MeasuredScan, modes: np.ndarray, tmp_path: Path
) -> None:
    prepared = prepared_with(measured, tmp_path / "study.npz", modes)
    for part in (prepared.train, prepared.test):
        np.testing.assert_allclose(shares(part.modes), [0.7, 0.2, 0.1], rtol=1e-4)
        for mode, stored in zip(part.modes, modes, strict=True):
            overlap = np.abs(np.vdot(mode, stored))
            assert overlap == pytest.approx(np.linalg.norm(mode) * np.linalg.norm(stored), rel=1e-4)
    mean = (prepared.train.diffraction.astype(np.float64) ** 2).sum(axis=(1, 2)).mean()
    assert (np.abs(prepared.train.modes) ** 2).sum() == pytest.approx(mean, rel=1e-5)
    told = {entry["what"]: entry for entry in prepared.record["assumptions"]}
    assert told["modes of the probe"]["value"] == pytest.approx([0.7, 0.2, 0.1], rel=1e-4)
    assert told["modes of the probe"]["from"] == "the config"


def test_what_changes_the_strongest_alone_leaves_the_others_out_and_says_so(
    measured: MeasuredScan, modes: np.ndarray, tmp_path: Path
) -> None:
    prepared = prepared_with(measured, tmp_path / "study.npz", modes, mask_radius=14)
    assert prepared.train.further_modes is None
    (said,) = (c for c in prepared.record["checks"] if c["name"] == "modes of the probe")
    assert said["passed"] is False
    assert "the others are left out" in said["said"]


def test_a_file_with_one_mode_is_taken_as_it_is(measured: MeasuredScan, tmp_path: Path) -> None:
    assert measured.probe is not None
    file = tmp_path / "probe.npz"
    write_npz(file, probeGuess=measured.probe[0])
    section = settings(probe={"kind": "npz", "path": str(file)})
    prepared = prepare([measured], section)
    assert prepared.train.further_modes is None
    assert section.probe is not None
    wanted = make_probe(section.probe, N)
    ratio = prepared.train.probe[N // 2, N // 2] / wanted[N // 2, N // 2]
    np.testing.assert_allclose(prepared.train.probe, ratio * wanted, rtol=1e-4, atol=1e-3)
