"""What a network's file says of its training scan."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptychopareto.files import Dataset, FileError
from ptychopareto.learning.scales import trained_on
from ptychopareto.models.registry import NetworkConfig, build, load_model, save_model
from ptychopareto.models.trained_on import TrainedOn
from ptychopareto.physics.beam_errors import defocused
from ptychopareto.physics.registration import magnification

CONFIG = NetworkConfig("fno", "sqrt", modes=4, width=4, N=32)


def transmission(scan: Dataset) -> float:
    light = np.square(scan.diffraction, dtype=np.float64).sum((1, 2)).mean()
    return float(np.sqrt(light / np.square(np.abs(scan.modes), dtype=np.float64).sum()))


def test_counts_and_shadow_of_a_scan(
    small_scan: tuple[Dataset, Dataset], measured_scan: tuple[Dataset, np.ndarray]
) -> None:
    for scan in (small_scan[0], replace(measured_scan[0], intensity_scale=3.0)):
        scale = scan.intensity_scale
        assert scale is not None
        counts = np.square(scale * scan.diffraction.astype(np.float64)).sum((1, 2)).mean()
        found = trained_on(scan, transmission(scan))
        assert found.counts == pytest.approx(counts, rel=1e-5)
    unknown = replace(scan, intensity_scale=None)
    assert trained_on(unknown, transmission(unknown)).counts is None
    curved = replace(scan, probe=defocused(scan.probe, -10.0))
    assert trained_on(curved, 1.0).shadow == magnification(curved.probe)


def test_it_comes_back_from_a_file(tmp_path: Path) -> None:
    path, known = tmp_path / "model.safetensors", TrainedOn(1.5e5, -1.25)
    for record in (known.record(), {}):
        save_model(path, build(CONFIG), CONFIG, {"status": "ok", **record})
        found = TrainedOn.in_record(load_model(path)[2])
        assert found == (known if record else TrainedOn())


@pytest.mark.parametrize("bad", [{"counts": -1.0}, {"counts": "many"}, {"shadow": "large"}, 3])
def test_a_record_that_cannot_be(bad: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, build(CONFIG), CONFIG, {"status": "ok", "trained_on": bad})
    with pytest.raises(FileError, match="trained_on"):
        load_model(path)
