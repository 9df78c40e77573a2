"""Positions between pixels: fields that move by a fraction of a pixel."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def shifted(fields: Tensor, fractions: Tensor) -> Tensor:
    """Move complex fields by fractions of a pixel, P(x) → P(x − f), with a Fourier ramp.

    The fields are periodic, and their power does not change. Moving by −f is the exact inverse.

    Parameters
    ----------
    fields : (..., N, N) complex
    fractions : (..., 2), f along rows and columns [px]. Its leading axes broadcast with those of
        the fields

    Returns
    -------
    (..., N, N) complex
    """
    return torch.fft.ifft2(torch.fft.fft2(fields) * ramp(fractions, fields.shape[-1]))


def ramp(fractions: Tensor, N: int) -> Tensor:
    """The factor (..., N, N) of a field's transform, DC at pixel 0, that moves it by `fractions`.

    exp(−2πi·(f₀·k₀ + f₁·k₁)) of the frequencies k of `torch.fft.fftfreq`.
    """
    frequency = torch.fft.fftfreq(N, device=fractions.device, dtype=fractions.dtype)
    angle = -2 * torch.pi * fractions[..., None] * frequency
    axes = torch.polar(torch.ones_like(angle), angle)
    return axes[..., 0, :, None] * axes[..., 1, None, :]


def split_positions(
    positions: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions (B, 2) [px] as the nearest whole corners, and the fractions in [−0.5, 0.5]."""
    corners = np.rint(positions)
    return corners.astype(np.int64), (positions - corners).astype(np.float32)
