"""The R-factor: how well an object and a probe predict patterns, without a truth."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.forward import diffraction_amplitude
from ptychopareto.physics.on_device import OnDevice
from ptychopareto.physics.subpixel import shifted
from ptychopareto.reconstruction.patches import pixel_indices

BATCH = 32


@torch.inference_mode()
def r_factor(
    image: Tensor,
    probe: Tensor,
    corners: NDArray[np.int64],
    fractions: NDArray[np.floating] | None,
    patterns: OnDevice,
    valid: OnDevice | None = None,
) -> float:
    """Compute how far predicted patterns are from measured ones, R = Σ|√I_model − √I| / Σ√I.

    Parameters
    ----------
    image : (rows, columns) complex
        The object.
    probe : (N, N) or (M, N, N) complex
        The probe, or its M incoherent modes.
    corners : (B, 2) int64
        Whole corners of the patches [px].
    fractions : (B, 2) float or None
        Steps from the corners to the positions [px]; None for positions on whole pixels.
    patterns : (B, N, N) real
        Measured √I, DC at pixel N // 2, on the device of the object.
    valid : (1, N, N) or (B, N, N) bool, optional
        The pixels that both sums run over; None for all.

    Returns
    -------
    float
        R, 0 for a perfect prediction; NaN where no light was measured.

    Raises
    ------
    ValueError
        A patch does not lie within the object.

    Notes
    -----
    This is the R-factor of crystallography (Brünger, Nature 355, 472, 1992, also for the free one),
    with √I for the structure factor's modulus.
    """
    N = probe.shape[-1]
    end = np.array(image.shape) - N
    if len(corners) and not (np.all(corners >= 0) and np.all(corners <= end)):
        raise ValueError(f"corners must lie within [0, 0] and {end.tolist()}")
    pixels = image.flatten()
    apart, total = (torch.zeros((), dtype=torch.float64, device=image.device) for _ in range(2))
    for first in range(0, len(corners), BATCH):
        part = slice(first, first + BATCH)
        index = pixel_indices(corners[part], N, image.shape[1], image.device)
        light = probe
        if fractions is not None:
            by = torch.from_numpy(fractions[part]).to(image.device, image.real.dtype)
            light = shifted(probe.reshape(-1, N, N), by[:, None])
        measured = patterns[part]
        difference = (diffraction_amplitude(pixels[index], light) - measured).abs()
        if valid is not None:
            mask = valid[:] if len(valid) == 1 else valid[part]
            difference = torch.where(mask, difference, 0)
            measured = torch.where(mask, measured, 0)
        apart += difference.sum(dtype=torch.float64)
        total += measured.sum(dtype=torch.float64)
    return float(apart / total)
