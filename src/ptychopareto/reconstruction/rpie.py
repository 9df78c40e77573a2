"""rPIE, the regularised ptychographic iterative engine, with a known probe."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.physics.subpixel import shifted
from ptychopareto.reconstruction.patches import disjoint_batches, pixel_indices


def rpie(
    diffraction: Tensor,
    probe: Tensor,
    corners: NDArray[np.int64],
    start: Tensor,
    alpha: float,
    seed: int = 0,
    fractions: NDArray[np.floating] | None = None,
    valid: Tensor | None = None,
) -> Iterator[tuple[Tensor, float]]:
    """Reconstruct an object by rPIE with a known probe, one pass over the scan at a time.

    Maiden, Johnson & Li, Optica 4, 736, 2017. For each pattern, with exit wave ψ = P·O and
    ψ' = F⁻¹[√I·Fψ/|Fψ|]: O ← O + P*·(ψ' − ψ) / ((1 − α)·|P|² + α·max|P|²).

    Patches that do not overlap cannot see each other's update, so a batch of them is updated at
    once with exactly the result of one after the other. The order of the batches is drawn anew each
    epoch.

    Parameters
    ----------
    diffraction : (B, N, N) measured √I, DC at pixel N // 2
    probe : (N, N) complex
    corners : (B, 2) top-left corners [px]
    start : (rows, columns) complex start object; not changed
    alpha, seed : regularisation, 0 < α ≤ 1; seed of the order
    fractions : (B, 2) how far the patches lie beyond their corners [px]; None for nothing
    valid : (1, N, N) or (B, N, N) bool; elsewhere a pixel keeps the model's value. None for all

    Yields, without end, after each epoch the object (rows, columns), on the device and in the
    precision of `start`, and the mean |√I_model − √I| of its patterns before their update. The
    object is changed in place by the next epoch.
    """
    N = probe.shape[-1]
    measured = torch.fft.ifftshift(diffraction, dim=(-2, -1))
    if valid is not None:
        seen = torch.fft.ifftshift(valid.expand(measured.shape), dim=(-2, -1))
        measured = torch.where(seen, measured, torch.nan)
    batches = disjoint_batches(corners, N)
    indices = [pixel_indices(corners[batch], N, start.shape[1], start.device) for batch in batches]
    targets = [measured[torch.from_numpy(batch).to(start.device)] for batch in batches]
    lights = [_light(probe, fractions, batch) for batch in batches]
    order = np.random.default_rng(seed)
    pixels = start.flatten().clone()
    while True:
        misfit = torch.zeros((), dtype=measured.dtype, device=start.device)
        for chosen in order.permutation(len(batches)):
            index, target, light = indices[chosen], targets[chosen], lights[chosen]
            intensity = light.abs() ** 2
            gain = light.conj() / ((1 - alpha) * intensity + alpha * intensity.amax((-2, -1), True))
            patch = pixels[index]
            wave = torch.fft.fft2(light * patch, norm="ortho")
            modulus = wave.abs()
            if valid is not None:
                target = torch.where(target.isnan(), modulus, target)
            # ψ' − ψ in one inverse transform: F⁻¹[(√I/|Fψ| − 1)·Fψ]. No light, no phase to keep.
            ratio = torch.where(modulus > 0, target / modulus, 1.0) - 1
            change = torch.fft.ifft2(ratio * wave, norm="ortho")
            pixels[index] = patch + gain * change
            misfit += (modulus - target).abs().sum()
        yield pixels.view(start.shape), float(misfit) / measured.numel()


def flat_start(shape: tuple[int, int], device: torch.device) -> Tensor:
    """An object of ones, the classical start."""
    return torch.ones(shape, dtype=torch.complex64, device=device)


def _light(
    probe: Tensor, fractions: NDArray[np.floating] | None, batch: NDArray[np.int64]
) -> Tensor:
    """The probe of each pattern of a batch (b, N, N), or the one of all (N, N)."""
    if fractions is None:
        return probe
    return shifted(probe, torch.from_numpy(fractions[batch]).to(probe.device))
