"""The far-field forward model: object patch and probe in, diffraction pattern out."""

import torch
from torch import Tensor


def far_field(exit_wave: Tensor) -> Tensor:
    """Propagate exit waves (..., N, N) to the detector: unitary FFT, DC at pixel N // 2.

    Unitary, so Σ|far_field(ψ)|² = Σ|ψ|² (Parseval). The exit wave's origin is pixel 0; a shift of
    it only multiplies the far field by a linear phase, which no detector sees.
    """
    return torch.fft.fftshift(torch.fft.fft2(exit_wave, norm="ortho"), dim=(-2, -1))


def diffraction_amplitude(patch: Tensor, probe: Tensor) -> Tensor:
    """√I = |F(P·O)| of object patches (..., N, N) under a probe (N, N), in the probe's units."""
    return far_field(probe * patch).abs()
