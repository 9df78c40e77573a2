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
        Periodic fields, such as probes that fade before the edge.
    fractions : (..., 2) float
        f along rows and columns [px]. Its leading axes broadcast with those of the fields.

    Returns
    -------
    (..., N, N) complex
    """
    return torch.fft.ifft2(torch.fft.fft2(fields) * ramp(fractions, fields.shape[-1]))


LANCZOS = 4  # lobes of the kernel on each side


def interpolated(fields: Tensor, fractions: Tensor) -> Tensor:
    """Move fields by fractions of a pixel, O(x) → O(x − f), with a local kernel.

    The kernel suits fields that are not periodic, as patches are: an edge disturbs `LANCZOS` pixels
    beside it, where a Fourier ramp disturbs all. Structure of few pixels is blurred a little.

    Parameters
    ----------
    fields : (..., N, N) real or complex
    fractions : (..., 2) float
        f along rows and columns [px], from −0.5 to 0.5.

    Returns
    -------
    (..., N, N) real or complex

    Notes
    -----
    Lanczos kernel sinc(x)·sinc(x / a), a = 4, its weights scaled to a sum of 1 (Duchon, J. Appl.
    Meteorol. 18, 1016, 1979).
    """
    taps = torch.arange(-LANCZOS, LANCZOS + 1, device=fractions.device)
    for axis in (-2, -1):
        x = taps - fractions[..., axis, None]
        inside = x.abs() < LANCZOS
        kernel = torch.where(inside, torch.sinc(x) * torch.sinc(x / LANCZOS), 0)
        kernel = kernel / kernel.sum(dim=-1, keepdim=True)
        fields = _weighted_sum(fields, kernel, axis)
    return fields


def _weighted_sum(fields: Tensor, kernel: Tensor, axis: int) -> Tensor:
    """Sum shifted copies of fields (..., N, N) with the weights (..., taps) of a kernel.

    Views of one array with periodic margins, and real factors of complex fields, take a third of
    the time of rolled copies and complex factors.
    """
    N = fields.shape[axis]
    margins = fields.narrow(axis, N - LANCZOS, LANCZOS), fields.narrow(axis, 0, LANCZOS)
    wide = torch.cat([margins[0], fields, margins[1]], axis)
    weights = kernel[..., None, None]
    if fields.is_complex():
        wide, weights = torch.view_as_real(wide), weights[..., None]
        axis -= 1
    pieces = (
        wide.narrow(axis, 2 * LANCZOS - number, N) * weights.select(kernel.ndim - 1, number)
        for number in range(kernel.shape[-1])
    )
    total = next(pieces)
    for piece in pieces:
        total += piece
    return torch.view_as_complex(total) if fields.is_complex() else total


def ramp(fractions: Tensor, N: int) -> Tensor:
    """Return the factor of a field's Fourier transform that moves the field.

    Parameters
    ----------
    fractions : (..., 2) float
        f along rows and columns [px].
    N : int
        Side of the field [px].

    Returns
    -------
    (..., N, N) complex
        exp(−2πi·(f₀·k₀ + f₁·k₁)) of the frequencies k of `torch.fft.fftfreq`, DC at pixel 0.
    """
    return outer(ramp_axes(fractions, N))


def ramp_axes(fractions: Tensor, N: int) -> Tensor:
    """Return the factors along rows and along columns whose product is `ramp`.

    Parameters
    ----------
    fractions : (..., 2) float
        f along rows and columns [px].
    N : int
        Side of the field [px].

    Returns
    -------
    (..., 2, N) complex
    """
    frequency = torch.fft.fftfreq(N, device=fractions.device, dtype=fractions.dtype)
    angle = -2 * torch.pi * fractions[..., None] * frequency
    return torch.polar(torch.ones_like(angle), angle)


def outer(axes: Tensor) -> Tensor:
    """Return the product (..., N, N) of factors (..., 2, N) along rows and along columns."""
    return axes[..., 0, :, None] * axes[..., 1, None, :]


def split_positions(
    positions: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Split positions (B, 2) [px] into the nearest whole corners and fractions in [−0.5, 0.5]."""
    corners = np.rint(positions)
    return corners.astype(np.int64), (positions - corners).astype(np.float32)
