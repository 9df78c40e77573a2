"""The scale on which an SSIM is drawn and interpolated: near 1 the ratio of the errors counts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SSIM_RESOLUTION = 1e-4  # a value closer to 1 is taken to be at this distance


def stretched(ssim: ArrayLike) -> NDArray[np.float64]:
    """Return where an SSIM is on its scale: −log₁₀(1 − SSIM), at most 4."""
    return -np.log10(np.maximum(1 - np.asarray(ssim, dtype=np.float64), SSIM_RESOLUTION))
