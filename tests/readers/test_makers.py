"""Files that the makers of a format wrote are read as their makers understand them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ptychopareto.readers import read_scan
from ptychopareto.readers.finished import read_reconstruction_of

MAKERS = Path(__file__).with_name("makers")


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    with np.load(MAKERS / "expected.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize(
    ("name", "format", "probe", "sample", "pixel"),
    [
        ("ptychodus/product.npz", "ptychodus", (2, 16, 16), (29, 34), 2e-8),
        ("ptychodus/product.h5", "ptychodus", (2, 16, 16), (29, 34), 2e-8),
        ("cdtools_result.h5", "cdtools", (2, 16, 16), (26, 32), 3.40909e-7),
        ("ptychi_result.npz", "ptychi", (1, 16, 16), (33, 37), None),
    ],
)
def test_results(
    name: str,
    format: str,
    probe: tuple[int, ...],
    sample: tuple[int, int],
    pixel: float | None,
    expected: dict[str, np.ndarray],
) -> None:
    found = read_reconstruction_of(MAKERS / name)
    assert found.format == format
    assert found.probe.shape == probe
    assert found.object is not None
    assert found.object.shape == sample
    np.testing.assert_allclose(found.corners_on_object, expected[format], atol=1e-4)
    assert found.positions is not None
    if pixel is None:
        assert found.object_pixel is None
    else:
        assert found.object_pixel == pytest.approx((pixel, pixel), rel=1e-5)
    step = pixel if pixel and found.position_unit == "m" else 1
    steps = (found.positions - found.positions[0]) / step
    np.testing.assert_allclose(steps, expected[format] - expected[format][0], atol=1e-4)


@pytest.mark.parametrize("product", ["product.npz", "product.h5"])
def test_patterns_of_ptychodus(
    product: str, expected: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """The patterns lie in another order than the positions of the product beside them."""
    for name in ("patterns.npz", product):
        shutil.copy(MAKERS / "ptychodus" / name, tmp_path)
    found = read_scan(tmp_path / "patterns.npz")
    frames = found.frames[0:9]
    assert found.corners_on_object is not None
    with np.load(tmp_path / "patterns.npz") as arrays:
        numbers = arrays["indexes"].tolist()
    order = [sorted(numbers).index(number) for number in numbers]
    assert order != sorted(order)
    np.testing.assert_array_equal(frames, expected["ptychodus_patterns"][order])
    np.testing.assert_allclose(found.corners_on_object, expected["ptychodus"][order], atol=1e-4)
    assert found.valid is not None
    assert np.argwhere(~found.valid).tolist() == [[3, 4]]


@pytest.fixture(scope="module")
def written() -> dict[str, np.ndarray]:
    with np.load(MAKERS / "expected_scans.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("cdtools_default.cxi", "cxi"),
        ("cdtools_turned.cxi", "cxi"),
        ("ptychodus_hdf5/diffraction.h5", "ptychodus_hdf5"),
        ("ptychodus_hdf5/training.h5", "ptychodus_hdf5"),
    ],
)
def test_scans(name: str, format: str, written: dict[str, np.ndarray]) -> None:
    found = read_scan(MAKERS / name)
    assert found.format == format
    frames, valid = found.frames[0:12], written["valid"]
    np.testing.assert_array_equal(frames[:, valid], written["frames"][:, valid])
    assert found.valid is not None
    np.testing.assert_array_equal(found.valid, valid)
    assert found.positions is not None
    object_pixel = written["wavelength"] * written["distance"] / (16 * written["pixel"])
    steps = found.positions - found.positions[0]
    steps /= object_pixel if found.position_unit == "m" else 1
    corners = written["corners"]
    np.testing.assert_allclose(steps, corners - corners[0], atol=1e-4)
    assert found.wavelength == pytest.approx(written["wavelength"], rel=1e-6)
    assert found.distance == pytest.approx(written["distance"])
    if format == "cxi":
        np.testing.assert_allclose(found.detector_pixel, [written["pixel"]] * 2, rtol=1e-6)
        return
    assert found.probe is not None
    np.testing.assert_array_equal(found.probe, written["probe"][None])
    assert found.object is not None
    np.testing.assert_allclose(found.corners_on_object, written["corners_on_object"], atol=1e-9)
    np.testing.assert_allclose(found.object_pixel, [object_pixel] * 2, rtol=1e-6)
