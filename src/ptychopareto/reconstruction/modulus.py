"""The step in the detector's plane: model amplitudes give way to measured ones."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.on_device import OnDevice, pieces

# Below this amplitude a wave has no phase worth keeping. Its square is a float32's normal number.
DARK = 1e-18


class Measured:
    """Measured √I as the far fields of an engine have them, DC at pixel 0, with their mask.

    Parameters
    ----------
    diffraction : (B, N, N) real
        Measured √I, DC at pixel N // 2. What stays in a file is read whenever it is asked for.
    valid : (1, N, N) or (B, N, N) bool or None
        Detector pixels to believe; None for all. The values of other pixels, even NaN, are ignored.

    Attributes
    ----------
    pixels : int
        Number of valid pixels of all patterns.
    total : float
        Σ√I over them.
    """

    def __init__(self, diffraction: OnDevice, valid: OnDevice | None = None) -> None:
        self._diffraction, self._valid = diffraction, valid
        self.pixels, self.total, first = 0, 0.0, 0
        for target in pieces(diffraction):
            mask = self._mask(slice(first, first + len(target)))
            if mask is not None:
                target = torch.where(mask, target, 0)
            self.pixels += target.numel() if mask is None else int(mask.expand_as(target).sum())
            self.total += float(target.sum(dtype=torch.float64))
            first += len(target)
        self._held = self._far_fields(slice(None)) if isinstance(diffraction, Tensor) else None

    @property
    def is_held(self) -> bool:
        """Tell whether all patterns are in memory, so that a batch may be kept."""
        return self._held is not None

    def batch(self, members: NDArray[np.intp]) -> tuple[Tensor, Tensor | None]:
        """Return √I (b, N, N), 0 where invalid, and the mask of 1 and 0, (b or 1, N, N) or None."""
        which = torch.from_numpy(members).to(self._diffraction.device)
        if self._held is None:
            return self._far_fields(which)
        target, mask = self._held
        return target[which], mask if mask is None or len(mask) == 1 else mask[which]

    def _far_fields(self, which: Tensor | slice) -> tuple[Tensor, Tensor | None]:
        """Return what `batch` does."""
        target, mask = self._diffraction[which], self._mask(which)
        if mask is not None:
            target = torch.where(mask, target, 0)
            mask = torch.fft.ifftshift(mask.to(target.dtype), dim=(-2, -1))
        return torch.fft.ifftshift(target, dim=(-2, -1)), mask

    def _mask(self, which: Tensor | slice) -> Tensor | None:
        """Return the pixels of some patterns to believe, in the order of the file."""
        if self._valid is None:
            return None
        return self._valid[:] if len(self._valid) == 1 else self._valid[which]


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
