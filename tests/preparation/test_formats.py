"""The same scan in the file of any format becomes the same training and test part."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from ptychopareto.assessment.evaluation import evaluate_run
from ptychopareto.config import Joint, Training
from ptychopareto.files import FileError
from ptychopareto.learning.scales import input_scale, transmission
from ptychopareto.learning.scan_data import scan_data
from ptychopareto.learning.training import train
from ptychopareto.models.registry import NetworkConfig, save_model
from ptychopareto.preparation.overrides import apply_config
from ptychopareto.preparation.prepare import Prepared, prepare
from ptychopareto.readers import MeasuredScan, read_scan
from ptychopareto.reconstruction.found_probe import find_probe, with_probe
from readers import writers, writers_npz
from readers.writers import Scan, a_scan

from .conftest import settings

ROWS, COLUMNS = 14, 10

WRITERS: dict[str, Callable[[Path, Scan], Any]] = {
    **writers.WRITERS,
    "nxcxi_ptycho": partial(writers.write_nxcxi_ptycho, raster=(ROWS, COLUMNS)),
    "tike": writers_npz.write_tike,
    "ptychopinn_raw": writers_npz.write_ptychopinn_raw,
    "ptychodus_npz": writers_npz.write_ptychodus_npz,
}
NPZ = {"tike", "ptychopinn_raw", "ptychodus_npz"}
OTHER_PROBE = {"ptyd", "ptychodus_npz"}  # the first has none, the product has a second mode


@pytest.fixture(scope="module")
def scan() -> Scan:
    """No pixel is bad: not every format has a mask."""
    return replace(a_scan(rows=ROWS, columns=COLUMNS), valid=np.ones((32, 32), bool))


@pytest.fixture(scope="module")
def reference(scan: Scan) -> Prepared:
    """What the arrays give that were written."""
    return prepare(
        [
            MeasuredScan(
                path="written",
                format="none",
                frames=scan.frames,
                positions=scan.positions,
                probe=scan.probe[None],
                wavelength=scan.wavelength,
                distance=scan.distance,
                detector_pixel=(scan.pixel, scan.pixel),
            )
        ],
        settings(),
    )


TRANSLATION = "entry_1/instrument_1/detector_1/translation"
MOTORS = "entry_1/sample_1/transformations/"


@pytest.mark.parametrize(
    ("name", "unit", "places"),
    [
        ("keys", "nm", ["measurement/where"]),
        ("nxcxi_ptycho", "um", [TRANSLATION]),
        ("nxcxi_ptycho", "um", [MOTORS + "y", MOTORS + "x"]),
    ],
)
def test_a_named_unit_takes_the_place_of_the_files(
    name: str, unit: str, places: list[str], scan: Scan, tmp_path: Path
) -> None:
    """The same unit changes nothing, to the bit; a wrong one in the file, or none, is mended."""
    path, keys = tmp_path / "scan.h5", writers.KEYS if name == "keys" else None
    WRITERS[name](path, scan)
    with h5py.File(path, "r+") as file:
        if len(places) == 2:
            x, y, _ = file[TRANSLATION][:].T
            del file[TRANSLATION], file["entry_1/data_1/translation"]
            for place, values in zip(places, (y, x), strict=True):
                file[place] = values
                file[place].attrs["units"] = unit
    read = read_scan(path, keys=keys)
    named = settings(positions={"unit": unit})
    np.testing.assert_array_equal(apply_config(read, named).positions, read.positions)
    with h5py.File(path, "r+") as file:
        file[places[0]].attrs["units"] = "mm"
    wrong = read_scan(path, keys=keys)
    assert np.ptp(wrong.positions[:, 0]) > 500 * np.ptp(read.positions[:, 0])
    mended = apply_config(wrong, named)
    assert mended.position_unit == "m"
    np.testing.assert_allclose(mended.positions, read.positions, rtol=1e-12)
    with h5py.File(path, "r+") as file:
        for place in places:
            file[place].attrs["units"] = "steps"
    counted = read_scan(path, keys=keys)
    with pytest.raises(FileError, match=r"no unit of length: .*steps.*positions\.unit: m,"):
        apply_config(counted, settings())
    np.testing.assert_array_equal(apply_config(counted, named).positions, read.positions)


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_each_format_gives_the_same_parts(
    name: str, scan: Scan, reference: Prepared, tmp_path: Path
) -> None:
    path = tmp_path / ("scan.npz" if name in NPZ else "scan")
    WRITERS[name](path, scan)
    found = prepare([read_scan(path, keys=writers.KEYS if name == "keys" else None)], settings())
    for ours, theirs in ((found.train, reference.train), (found.test, reference.test)):
        np.testing.assert_array_equal(ours.diffraction, theirs.diffraction)
        assert ours.fractions is not None
        assert theirs.fractions is not None
        places = ours.corners + ours.fractions.astype(np.float64)
        wanted = theirs.corners + theirs.fractions.astype(np.float64)
        np.testing.assert_allclose(places, wanted, atol=1e-3)
        assert ours.valid is None
        assert theirs.valid is None
        if name in OTHER_PROBE:
            continue  # the choice of free patterns depends on the beam
        np.testing.assert_array_equal(ours.free, theirs.free)
        overlap = np.vdot(ours.probe, theirs.probe)
        lengths = np.linalg.norm(ours.probe) * np.linalg.norm(theirs.probe)
        assert abs(overlap) / lengths == pytest.approx(1, abs=1e-5)


def row_of(prepared: Prepared, folder: Path) -> dict[str, float]:
    """R-factors of one small network, with the probe that the training part says."""
    device = torch.device("cpu")
    found = find_probe(prepared.train, Joint(epochs=4), device)
    data = scan_data(with_probe(prepared.train, found), found.objects, device)
    config = NetworkConfig("fno", "sqrt", modes=4, width=4, N=32)
    config = replace(config, input_scale=input_scale(config, data), transmission=transmission(data))
    trained = train(config, "teacher", 0, Training(epochs=2), data, folder / "checkpoint.pt")
    model = folder / "model.safetensors"
    save_model(model, trained.network, config, {"status": "ok", "error": ""})
    metrics = evaluate_run(model, with_probe(prepared.test, found), device).metrics
    return {name: metrics[name] for name in ("r_work", "r_free", "r_free_flat")}


@pytest.fixture(scope="module")
def reference_row(
    reference: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, float]:
    return row_of(reference, tmp_path_factory.mktemp("reference"))


@pytest.mark.parametrize("name", sorted(WRITERS.keys() - OTHER_PROBE))
def test_each_format_gives_the_same_row(
    name: str, scan: Scan, reference_row: dict[str, float], tmp_path: Path
) -> None:
    path = tmp_path / ("scan.npz" if name in NPZ else "scan")
    WRITERS[name](path, scan)
    found = prepare([read_scan(path, keys=writers.KEYS if name == "keys" else None)], settings())
    assert row_of(found, tmp_path) == pytest.approx(reference_row, abs=1e-3)
