"""Run a short joint rPIE of a few patterns, to see which of several assumptions fits them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.files import StoredArray, StoredPatterns
from ptychopareto.preparation.geometry import fewer_frequencies

_SIDES = (64, 96, 128)  # px to which patterns are cropped for the trial
_FEWEST = 40  # patterns
_LEAST_COUNTS = 0.8  # part of the light that the crop must hold
_LARGEST_SIDE = 1024  # px of an object of the trial


@dataclass(frozen=True, eq=False)
class Sample:
    """A few neighbouring patterns, cropped to the light.

    Attributes
    ----------
    amplitudes : (b, n, n) float32
        √I, DC at n // 2.
    valid : (1, n, n) or (b, n, n) bool
        False at bad pixels.
    positions : (b, 2) float64
        Positions in pixels of the sample's own grid.
    side : int
        Side N of the patterns that the sample was cut from [px].
    """

    amplitudes: NDArray[np.float32]
    valid: NDArray[np.bool_]
    positions: NDArray[np.float64]
    side: int

    @property
    def n(self) -> int:
        """Side of the cropped patterns [px]."""
        return int(self.amplitudes.shape[-1])

    def probe(self, probe: NDArray[np.complexfloating]) -> NDArray[np.complex128]:
        """Bring a probe (..., N, N) to the grid (..., n, n) of the sample."""
        wide = np.asarray(probe, np.complex128)
        return wide if self.n == self.side else fewer_frequencies(wide, self.n)


def take_sample(
    amplitudes: NDArray[np.float32] | StoredPatterns,
    valid: NDArray[np.bool_] | StoredArray,
    positions: NDArray[np.float64],
    count: int,
) -> Sample:
    """Take the patterns nearest to the middle of a scan, cropped to where the light is.

    Parameters
    ----------
    amplitudes : (B, N, N) float32
        √I of all patterns, DC at N // 2.
    valid : (1, N, N) or (B, N, N) bool
        False at bad pixels.
    positions : (B, 2) float64
        Positions of all patterns [px].
    count : int
        Patterns to take; there are fewer if the light fills more than 64 px, to end in seconds.

    Returns
    -------
    Sample
    """
    N = amplitudes.shape[-1]
    middle = np.median(positions, axis=0)
    nearest = np.argsort(np.linalg.norm(positions - middle, axis=1), kind="stable")
    mean = (amplitudes[nearest[:count]].astype(np.float64) ** 2).mean(axis=0)
    n, first = N, 0
    for side in _SIDES:
        start = N // 2 - side // 2
        if side >= N:
            break
        inside = mean[start : start + side, start : start + side].sum()
        if inside >= _LEAST_COUNTS * mean.sum() or side == _SIDES[-1]:
            n, first = side, start
            break
    cut = slice(first, first + n)
    chosen = nearest[: max(_FEWEST, round(count * min(1, _SIDES[0] / n) ** 2))]
    scaled = positions[chosen] * (n / N)
    inside = (np.abs(scaled - np.median(scaled, axis=0)) < (_LARGEST_SIDE - n) / 2).all(axis=1)
    chosen, scaled = chosen[inside], scaled[inside]
    masks = valid[:] if len(valid) == 1 else valid[chosen]
    return Sample(
        np.ascontiguousarray(amplitudes[chosen][:, cut, cut]),
        np.ascontiguousarray(masks[:, cut, cut]),
        scaled,
        N,
    )


def joint_rpie(
    sample: Sample,
    probes: NDArray[np.complex128],
    positions: NDArray[np.float64],
    epochs: int,
    held: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Reconstruct object and probe of K candidates at once, by rPIE with α = β = 1.

    Maiden, Johnson & Li, Optica 4, 736, 2017; each pattern after the other, whole-pixel positions.

    Parameters
    ----------
    sample : Sample
        The patterns.
    probes : (K, n, n) complex128
        First guess of the probe of each candidate.
    positions : (K, b, 2) float64
        Positions [px] of each candidate.
    epochs : int
        Number of passes.
    held : (b,) bool, optional
        Patterns that take no part in the updates.
    seed : int, optional
        Seed of the order of the patterns.

    Returns
    -------
    (epochs, K)
        R-factor Σ|√I_model − √I| / Σ√I of each pass: of each pattern before its update, or, where
        patterns are held out, of these alone.
    """
    n, (K, count, _) = sample.n, positions.shape
    corners = np.rint(positions - positions.min(axis=1, keepdims=True)).astype(np.int64)
    side = int(corners.max()) + n
    start = corners[..., 0] * side + corners[..., 1] + np.arange(K)[:, None] * side**2
    starts = torch.from_numpy(start)
    axis = torch.arange(n)
    patch_index = axis[:, None] * side + axis
    pixels = torch.ones(K * side**2, dtype=torch.complex64)
    measured = torch.fft.ifftshift(torch.from_numpy(sample.amplitudes), dim=(-2, -1))
    valid = torch.fft.ifftshift(torch.from_numpy(sample.valid), dim=(-2, -1)).expand(count, n, n)
    probe = _as_bright(torch.from_numpy(probes).to(torch.complex64), measured, valid)
    order = np.random.default_rng(seed)
    factors = np.empty((epochs, K))
    left_out = np.zeros(count, bool) if held is None else held
    scored = ~left_out if held is None else left_out
    total = float((measured * valid)[torch.from_numpy(scored)].sum())
    for epoch in range(epochs):
        misfit = torch.zeros(K)
        shuffled = order.permutation(count)
        # Patterns that are held out come last, and leave object and probe as they are.
        for j in (*shuffled[~left_out[shuffled]], *shuffled[left_out[shuffled]]):
            index = starts[:, j, None, None] + patch_index
            patch = pixels[index]
            wave = torch.fft.fft2(probe * patch, norm="ortho")
            modulus = wave.abs()
            counted = valid[j]
            if scored[j]:
                misfit += ((modulus - measured[j]).abs() * counted).sum(dim=(1, 2))
            if left_out[j]:
                continue
            ratio = torch.where(counted & (modulus > 0), measured[j] / modulus, 1.0) - 1
            change = torch.fft.ifft2(ratio * wave, norm="ortho")
            brightest = probe.abs().square().amax(dim=(1, 2), keepdim=True)
            strongest = patch.abs().square().amax(dim=(1, 2), keepdim=True)
            pixels[index] = patch + probe.conj() * change / brightest
            probe = probe + patch.conj() * change / strongest
        factors[epoch] = misfit.double().numpy() / total
    return factors


def _as_bright(probe: Tensor, measured: Tensor, valid: Tensor) -> Tensor:
    """Scale probes (K, n, n) to as much light on valid pixels as the mean pattern has."""
    far = torch.fft.fft2(probe, norm="ortho").abs().square()
    light = (measured * valid).square().mean(dim=0).sum()
    return probe * (light / (far * valid.float().mean(dim=0)).sum(dim=(1, 2))).sqrt()[:, None, None]
