"""The step in the detector's plane: model amplitudes give way to measured ones."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Below this amplitude a wave has no phase worth keeping. Its square is a float32's normal number.
DARK = 1e-18


class Measured:
    """Measured √I as the far fields of an engine have them, DC at pixel 0, with their mask.

    Parameters
    ----------
    diffraction : (B, N, N) real
        Measured √I, DC at pixel N // 2.
    valid : (1, N, N) or (B, N, N) bool or None
        Detector pixels to believe; None for all. The values of other pixels, even NaN, are ignored.

    Attributes
    ----------
    pixels : int
        Number of valid pixels of all patterns.
    total : float
        Σ√I over them.
    """

    def __init__(self, diffraction: Tensor, valid: Tensor | None = None) -> None:
        self.pixels = diffraction.numel()
        self._mask = None
        if valid is not None:
            self.pixels = int(valid.expand_as(diffraction).sum())
            diffraction = torch.where(valid, diffraction, 0)
            self._mask = torch.fft.ifftshift(valid.to(diffraction.dtype), dim=(-2, -1))
        self._target = torch.fft.ifftshift(diffraction, dim=(-2, -1))
        self.total = float(diffraction.sum(dtype=torch.float64))

    def batch(self, members: NDArray[np.intp]) -> tuple[Tensor, Tensor | None]:
        """Return √I (b, N, N), 0 where invalid, and the mask of 1 and 0, (b or 1, N, N) or None."""
        which = torch.from_numpy(members).to(self._target.device)
        mask = self._mask
        if mask is not None and len(mask) > 1:
            mask = mask[which]
        return self._target[which], mask


def modulus_change(
    far: Tensor, target: Tensor, valid: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the change that measured amplitudes make to far fields Ψ.

    Where no light is modelled there is no phase to keep, and nothing changes.

    Parameters
    ----------
    far : (B, M, N, N) complex
        Far fields of M incoherent modes.
    target : (B, N, N) real
        Measured √I, in the order of `far`.
    valid : (B, N, N) or (1, N, N) real, optional
        1 or 0 for each pixel; 0 keeps the model's amplitude; None for all.

    Returns
    -------
    tuple of Tensor
        The change (√I/√I_model − 1)·Ψ, (B, M, N, N), with I_model = Σₘ|Ψₘ|²; and the scalar
        Σ|√I_model − √I| over valid pixels.

    Notes
    -----
    `abs` of complex numbers and the product of a real with a complex tensor cost as much as an FFT
    each on a CPU; squares of both parts and a product with a zero imaginary part cost a tenth.
    """
    parts = torch.view_as_real(far).square().flatten(-2)
    modulus = sum_modes(parts[..., ::2] + parts[..., 1::2]).sqrt_()
    difference = target - modulus
    if valid is not None:
        difference *= valid
    misfit = difference.abs().sum()
    difference /= modulus.clamp_min_(DARK)
    ratio = torch.complex(difference, torch.zeros_like(difference))
    return ratio.unsqueeze(1) * far, misfit


def sum_modes(fields: Tensor) -> Tensor:
    """Sum (B, M, N, N) over the modes; a single one is not copied."""
    return fields.squeeze(1) if fields.shape[1] == 1 else fields.sum(1)


def squared(field: Tensor) -> Tensor:
    """Return |field|² without the detour over `abs`."""
    return field.real.square() + field.imag.square()
