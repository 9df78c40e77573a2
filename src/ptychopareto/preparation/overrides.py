"""Let the config overrule what the file of a scan says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychopareto.config import ConfigError, MeasuredDataset
from ptychopareto.files import read_npz
from ptychopareto.files.errors import reading, refusal
from ptychopareto.readers.measured_scan import MeasuredScan

_METRES = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "nm": 1e-9}
_CONFIG = "the config"


def apply_config(scan: MeasuredScan, settings: MeasuredDataset) -> MeasuredScan:
    """Put what the config says in the place of what the file says.

    Parameters
    ----------
    scan : MeasuredScan
        A scan as its file describes it.
    settings : MeasuredDataset
        The section `dataset` of the config.

    Returns
    -------
    MeasuredScan
        The scan with units, signs and order of positions, geometry, mask, meaning of the values and
        orientation as the config wants them; `origins` names the config where it decided.

    Raises
    ------
    FileError
        The file of the mask will not do, or the scan has no positions, or positions in a unit that
        is no length and that the config does not name.
    ConfigError
        The mask is no .npy or .npz file.
    """
    changes: dict[str, Any] = {"origins": dict(scan.origins)}
    if settings.pixel_size is not None:
        _set(changes, "detector_pixel", (settings.pixel_size, settings.pixel_size))
    if settings.known_wavelength is not None:
        _set(changes, "wavelength", settings.known_wavelength)
    if settings.distance is not None:
        _set(changes, "distance", settings.distance)
    if settings.counts is not None:
        _set(changes, "values", settings.counts)
    if settings.mask is not None:
        mask = read_mask(settings.mask, scan.frames.shape[1:])
        _set(changes, "valid", mask if scan.valid is None else scan.valid & mask)
    changes |= _positions(scan, settings, changes["origins"])
    changes["orientation"] = _orientation(scan, settings, changes["origins"])
    return replace(scan, **changes)


def _set(changes: dict[str, Any], name: str, value: Any) -> None:
    changes[name] = value
    changes["origins"][name] = _CONFIG


def _positions(
    scan: MeasuredScan, settings: MeasuredDataset, origins: dict[str, str]
) -> dict[str, Any]:
    path, wanted = Path(scan.path), settings.positions
    count = scan.frames.shape[0]
    if scan.positions is None:
        raise refusal(path, f"has no positions (format {scan.format}); one a frame is wanted")
    positions = np.asarray(scan.positions, np.float64)
    if positions.shape != (count, 2):
        raise refusal(
            path, f"has positions of shape {positions.shape} for {count} frames; one a frame "
            f"({count}, 2) is wanted"
        )  # fmt: skip
    if not np.isfinite(positions).all():
        lost = int((~np.isfinite(positions)).any(axis=1).sum())
        raise refusal(path, f"{lost} of {count} positions are NaN or infinite; numbers are wanted")
    if scan.positions_refined:
        return {"positions": np.ascontiguousarray(positions)}  # the config tells of the file's own
    unit = scan.position_unit
    if wanted.unit is not None:
        unit = "px" if wanted.unit == "px" else "m"
        # 1 where the file names the same unit, so that its numbers stay the same to the bit
        positions = positions * (_METRES.get(wanted.unit, 1.0) / np.array(scan.position_scale))
    if unit is None:
        raise refusal(
            path,
            f"has positions in no unit of length: {scan.origins['positions']}; say what they are "
            f"with dataset.positions.unit: {', '.join(_METRES)} or px",
        )
    if wanted.order == "x_y":
        positions = positions[:, ::-1]
    for axis in wanted.sign or ():
        positions = positions * np.where(np.array(["row", "column"]) == axis, -1.0, 1.0)
    said = [
        f"{name} {value}"
        for name, value in (("unit", wanted.unit), ("order", wanted.order), ("sign", wanted.sign))
        if value is not None
    ]
    if said:
        origins["positions"] = f"{origins.get('positions', 'the file')}; {_CONFIG}: " + ", ".join(
            said
        )
    return {"positions": np.ascontiguousarray(positions), "position_unit": unit}


def _orientation(
    scan: MeasuredScan, settings: MeasuredDataset, origins: dict[str, str]
) -> tuple[bool, bool, bool]:
    """Return the file's orientation with the config's after it."""
    wanted = settings.orientation
    transpose, rows, columns = scan.orientation
    if wanted.transpose or wanted.flip_rows or wanted.flip_columns:
        origins["orientation"] = _CONFIG
    if wanted.transpose:
        rows, columns = columns, rows
    return (
        transpose ^ wanted.transpose,
        rows ^ wanted.flip_rows,
        columns ^ wanted.flip_columns,
    )


def read_mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Read a mask of the detector, nonzero where a pixel is good, as frames lie in their file.

    Parameters
    ----------
    path : Path
        A .npy file, or a .npz file with the key `mask` or one array only.
    shape : tuple of int
        Rows and columns of a frame.

    Returns
    -------
    (H, W) bool
        True where a pixel is good.

    Raises
    ------
    FileError
        The file cannot be read, or its mask has another shape or no good pixel.
    ConfigError
        The file is no .npy or .npz file.
    """
    if path.suffix == ".npz":
        arrays = read_npz(path)
        if "mask" not in arrays and len(arrays) != 1:
            raise refusal(path, f"has the arrays {', '.join(sorted(arrays))}; mask is wanted")
        mask = arrays["mask"] if "mask" in arrays else next(iter(arrays.values()))
    elif path.suffix == ".npy":
        with reading(path, "an NPY file as numpy.save writes it"):
            mask = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    else:
        raise ConfigError(f"dataset.mask: {path} is no .npy or .npz file; one of them is wanted")
    mask = np.squeeze(mask)
    if mask.shape != tuple(shape) or mask.dtype.kind not in "biuf":
        raise refusal(
            path, f"has a mask of {mask.dtype} {mask.shape}; numbers of the frames' shape "
            f"{tuple(shape)}, nonzero where good, are wanted"
        )  # fmt: skip
    good = mask != 0
    if not good.any():
        raise refusal(path, "the mask is 0 everywhere; it is nonzero where a pixel is good")
    return good
