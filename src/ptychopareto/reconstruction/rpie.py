"""rPIE, the regularised ptychographic iterative engine, with a known probe."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.on_device import OnDevice
from ptychopareto.physics.subpixel import outer, ramp_axes
from ptychopareto.reconstruction.modulus import Measured, modulus_change, sum_modes
from ptychopareto.reconstruction.patches import disjoint_batches, windows


def rpie(
    diffraction: OnDevice,
    probe: Tensor,
    corners: NDArray[np.int64],
    start: Tensor,
    alpha: float,
    seed: int = 0,
    fractions: NDArray[np.floating] | None = None,
    valid: OnDevice | None = None,
) -> Iterator[tuple[Tensor, float]]:
    """Reconstruct an object by rPIE with a known probe, one pass over the scan at a time.

    For each pattern, with exit wave ψ = P·O and ψ' = F⁻¹[√I·Fψ/|Fψ|]: O ← O + P*·(ψ' − ψ) / ((1 −
    α)·|P|² + α·max|P|²).

    Patches that do not overlap cannot see each other's update, so a batch of them is updated at
    once with exactly the result of one after the other. The order of the batches is drawn anew each
    epoch.

    Parameters
    ----------
    diffraction : (B, N, N) real
        Measured √I, DC at pixel N // 2.
    probe : (N, N) or (M, N, N) complex
        With M incoherent modes, |Fψ|², P*·(ψ' − ψ) and |P|² are sums over the modes.
    corners : (B, 2) int64
        Top-left corners [px].
    start : (rows, columns) complex
        The start object; it is not changed.
    alpha : float
        Regularisation, 0 < α ≤ 1.
    seed : int, optional
        Seed of the order of the batches.
    fractions : (B, 2) float, optional
        Steps from the corners to the positions [px]: the probe of each pattern is moved by them.
        None for positions on whole pixels.
    valid : (1, N, N) or (B, N, N) bool, optional
        Detector pixels to believe; the others keep the amplitude of the model. None for all.

    Yields
    ------
    tuple of (rows, columns) Tensor and float
        After each epoch, without end: the object, on the device and in the precision of `start`,
        and the mean |√I_model − √I| of its valid pixels before their update. The object is changed
        in place by the next epoch.

    Notes
    -----
    Maiden, Johnson & Li, Optica 4, 736, 2017.
    """
    order = np.random.default_rng(seed)
    N = probe.shape[-1]
    measured = Measured(diffraction, valid)
    illumination = _Illumination(probe, alpha, fractions)
    image = start.clone(memory_format=torch.contiguous_format)
    batches = [(windows(image, corners[batch], N), batch) for batch in disjoint_batches(corners, N)]
    held = [measured.batch(members) for _, members in batches] if measured.is_held else None
    while True:
        misfit = torch.zeros((), dtype=start.real.dtype, device=start.device)
        for chosen in order.permutation(len(batches)):
            places, members = batches[chosen]
            target, mask = measured.batch(members) if held is None else held[chosen]
            lights, gains = illumination(members)
            far = torch.fft.fft2(lights * places.read().unsqueeze(1), norm="ortho")
            change, apart = modulus_change(far, target, mask)
            # ψ' − ψ in one inverse transform: F⁻¹[(√I/|Fψ| − 1)·Fψ].
            places.add(sum_modes(gains * torch.fft.ifft2(change, norm="ortho")))
            misfit += apart
        yield image, float(misfit) / measured.pixels


def flat_start(shape: tuple[int, int], device: torch.device) -> Tensor:
    """Make an object of ones, the classical start.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the object.
    device : torch.device
        Where it is to be.

    Returns
    -------
    (rows, columns) complex64
        The object.
    """
    return torch.ones(shape, dtype=torch.complex64, device=device)


class _Illumination:
    """The probe of each pattern of a scan, and rPIE's gain P* / ((1 − α)·|P|² + α·max|P|²)."""

    def __init__(self, probe: Tensor, alpha: float, fractions: NDArray[np.floating] | None) -> None:
        N = probe.shape[-1]
        self._alpha = alpha
        self._probe = probe.reshape(1, -1, N, N).contiguous()
        self._gain = self._gain_of(self._probe)
        self._axes = None
        if fractions is not None:
            moves = torch.from_numpy(fractions).to(probe.device, probe.real.dtype)
            self._axes = ramp_axes(moves, N)
            self._transform = torch.fft.fft2(self._probe)

    def __call__(self, members: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        """Return probe and gain: (1, M, N, N) for all patterns, or (b, M, N, N), one for each."""
        if self._axes is None:
            return self._probe, self._gain
        factor = outer(self._axes[members]).unsqueeze(1)
        probe = torch.fft.ifft2(self._transform * factor)
        return probe, self._gain_of(probe)

    def _gain_of(self, probe: Tensor) -> Tensor:
        intensity = (probe.real.square() + probe.imag.square()).sum(1, keepdim=True)
        largest = intensity.amax((-2, -1), keepdim=True)
        weight = ((1 - self._alpha) * intensity + self._alpha * largest).reciprocal_()
        return torch.complex(weight, torch.zeros_like(weight)) * probe.conj()
