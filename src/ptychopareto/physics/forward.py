"""The far-field forward model: object patch and probe in, diffraction pattern out."""

import torch
from torch import Tensor


def far_field(exit_wave: Tensor) -> Tensor:
    """Propagate exit waves to the detector.

    Parameters
    ----------
    exit_wave : (..., N, N) complex
        Probe times object patch, at the sample.

    Returns
    -------
    (..., N, N) complex
        The field on the detector, DC at pixel N // 2.

    Notes
    -----
    A unitary FFT, so Σ|far_field(ψ)|² = Σ|ψ|² (Parseval). The exit wave's origin is pixel 0: a
    shift of it only multiplies the far field by a linear phase, which no detector sees.
    """
    return torch.fft.fftshift(torch.fft.fft2(exit_wave, norm="ortho"), dim=(-2, -1))


def diffraction_amplitude(patch: Tensor, probe: Tensor) -> Tensor:
    """Compute the amplitude √I of object patches, in the units of the probe.

    Parameters
    ----------
    patch : (..., N, N) complex
        Object patches.
    probe : (N, N) complex, or (..., M, N, N) with M modes
        Its leading axes broadcast with those of the patches: each pattern may have a probe of its
        own, as fractional positions need.

    Returns
    -------
    (..., N, N) real
        √I, DC at pixel N // 2.

    Notes
    -----
    √I = |F(P·O)| for one coherent probe. Several modes add incoherently, √I = (Σₘ|F(Pₘ·O)|²)^½
    (Thibault & Menzel, Nature 494, 68, 2013).
    """
    if probe.ndim == 2:
        return far_field(probe * patch).abs()
    waves = far_field(probe * patch.unsqueeze(-3))
    if waves.shape[-3] == 1:
        return waves.squeeze(-3).abs()
    # The norm of real and imaginary parts: unlike a root of a sum, it has a gradient at zero.
    return torch.linalg.vector_norm(torch.view_as_real(waves), dim=(-4, -1))


def intensity(probe: Tensor) -> Tensor:
    """Return |P|² (N, N) of a probe (N, N), or Σₘ|Pₘ|² of the modes (M, N, N) of one."""
    return probe.abs().square() if probe.ndim == 2 else probe.abs().square().sum(dim=0)
