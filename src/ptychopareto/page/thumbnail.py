"""Make small pictures of the phase of reconstructions, as data URIs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from ptychopareto.files import read_reconstruction
from ptychopareto.page.embedded import data_uri
from ptychopareto.pictures import image_style

SIDE = 112  # px, the longer one: 324 of them are about 2 MB
_LEAST_PART = 0.5  # scored part of a small pixel below which it is blank

Phase = NDArray[np.float32]


def thumbnails(
    files: Mapping[str, Path], region: NDArray[np.bool_] | None = None
) -> tuple[dict[str, str], tuple[float, float] | None]:
    """Draw the phase of each reconstruction, all on one scale.

    The mean phase, which a measurement does not fix, is taken out. The scale spans what the median
    reconstruction spans between its 1st and 99th percentile, so that one bad run does not spoil it.

    Parameters
    ----------
    files : dict
        ``reconstruction.npz`` of each run by its id; one that is not there is left out.
    region : bool (H, W), optional
        The pixels that are scored; others are blank. Without it all are.

    Returns
    -------
    dict of str to str
        The picture of each run as a data URI.
    (float, float) or None
        The limits of the scale [rad]; None without runs.

    Raises
    ------
    FileError
        A file is damaged or holds no image.
    """
    phases = {run: _phase(path, region) for run, path in files.items() if path.exists()}
    if not phases:
        return {}, None
    spans = [np.nanpercentile(phase, (1, 99)) for phase in phases.values()]
    low, high = (float(limit) for limit in np.median(spans, axis=0))
    if high - low < 1e-5:
        low, high = low - 0.5, high + 0.5
    return {run: _picture(phase, low, high) for run, phase in phases.items()}, (low, high)


def _phase(path: Path, region: NDArray[np.bool_] | None) -> Phase:
    """Read an object and give its phase [rad], small and without its mean; NaN outside."""
    obj: NDArray[Any] = np.nan_to_num(read_reconstruction(path))  # NaN for a failed run
    if region is not None:
        obj = np.where(region, obj, 0)
    obj = obj / (np.abs(obj).max() or 1)
    obj = obj * np.exp(-1j * np.angle(obj.sum(dtype=np.complex128)))
    phase = np.angle(_resized(obj.real) + 1j * _resized(obj.imag)).astype(np.float32)
    if region is not None:
        phase[_resized(region.astype(np.float32)) < _LEAST_PART] = np.nan
    return phase


def _resized(image: NDArray[np.floating[Any]]) -> Phase:
    rows, columns = image.shape
    factor = min(1.0, SIDE / max(rows, columns))
    size = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    small = Image.fromarray(image.astype(np.float32)).resize(size, Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def _picture(phase: Phase, low: float, high: float) -> str:
    """Colour a phase; pixels without one are transparent."""
    levels = np.clip((phase - low) / (high - low), 0, 1)
    colours = colormaps[image_style.PHASE_MAP](np.nan_to_num(levels), bytes=True)
    colours[np.isnan(phase)] = 0
    return data_uri(Image.fromarray(colours))
