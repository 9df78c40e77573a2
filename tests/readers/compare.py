"""What tests of HDF5 formats share: a scan as it was written, and a change of a file."""

import h5py
import numpy as np

from ptychopareto.readers import MeasuredScan
from readers.writers import Scan


def differences(positions: np.ndarray) -> np.ndarray:
    return positions - positions[0]


def check(
    found: MeasuredScan, scan: Scan, *, has_mask: bool = True, has_probe: bool = True
) -> None:
    frames = found.frames[0 : found.frames.shape[0]]
    assert found.frames.shape == scan.frames.shape == frames.shape
    assert (frames == scan.frames).all()
    assert frames.dtype == found.frames.dtype
    assert found.positions is not None
    assert found.position_unit == "m"
    expected = differences(scan.positions)
    np.testing.assert_allclose(
        differences(found.positions), expected, atol=1e-4 * scan.object_pixel
    )
    if has_mask:
        assert (found.valid == scan.valid).all()
    if has_probe:
        assert (found.probe == scan.probe[None]).all()
        assert "probe" in found.origins
    np.testing.assert_allclose(found.wavelength, scan.wavelength, rtol=1e-6)
    np.testing.assert_allclose(found.distance, scan.distance, rtol=1e-6)
    np.testing.assert_allclose(found.detector_pixel, (scan.pixel, scan.pixel), rtol=1e-6)
    known = {"frames", "positions", "position_unit", "wavelength", "distance"}
    assert known <= set(found.origins)


def replace(file: h5py.File, name: str, value: object) -> None:
    del file[name]
    file[name] = value
