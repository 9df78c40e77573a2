"""Correct the defocus of a first guess of the probe, by a search."""

from collections.abc import Callable

import torch
from torch import Tensor

STEP = 0.1  # step of the search, as a part of the defocus that the beam's size allows
STEPS_OUT = 6  # steps that the search goes at most to one side
HALVINGS = 2
GAIN = 0.05  # least fall of the misfit: with less, chance would move a probe that is right


def refocused(probe: Tensor, defocus: float) -> Tensor:
    """Move a probe along the beam, F[P] → F[P]·exp(iπβ|f|²).

    Parameters
    ----------
    probe : (M, N, N) complex
        The modes.
    defocus : float
        β [px²], which sends the frequency f [1/px] to the place β·f.

    Returns
    -------
    (M, N, N) complex
        The moved modes.
    """
    squares = _frequencies_squared(probe)
    phase = torch.pi * defocus * squares
    factor = torch.polar(torch.ones_like(phase), phase)
    return torch.fft.ifft2(torch.fft.fft2(probe) * factor)


def largest_defocus(probe: Tensor) -> float:
    """Return the defocus |β| [px²] that alone would make a beam as wide as the probe's main mode.

    It is the rms radius of |P|² over the rms frequency of |F[P]|², as β sends f to β·f.
    """
    main = probe[0]
    weight = main.abs().square()
    weight = weight / weight.sum()
    axis = torch.arange(main.shape[-1], dtype=weight.dtype, device=weight.device)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    spread = sum(
        (weight * (field - (weight * field).sum()).square()).sum() for field in (rows, columns)
    )
    spectrum = torch.fft.fft2(main).abs().square()
    frequencies = (spectrum * _frequencies_squared(main)).sum() / spectrum.sum()
    return float((spread / frequencies).sqrt())


def best_defocus(misfit: Callable[[float], float]) -> float:
    """Search for the missing defocus, as a part of the largest one.

    The search walks in steps of `STEP` to the side where the misfit falls, for as long as it does,
    then halves the step twice, and ends at the vertex of the parabola through the best three.

    Parameters
    ----------
    misfit : callable
        How badly the patterns fit after the probe has moved by a part of its largest defocus.

    Returns
    -------
    float
        The part with the least misfit; 0 if that is less than `GAIN` below the misfit at 0.
    """
    known: dict[float, float] = {}

    def at(number: int) -> float:
        """Return the misfit at a multiple of the smallest step."""
        if number not in known:
            known[number] = misfit(number * STEP / 2**HALVINGS)
        return known[number]

    step, best = 2**HALVINGS, 0
    while abs(best) < STEPS_OUT * step:
        nearest = min((best, best - step, best + step), key=at)
        if nearest == best:
            break
        best = nearest
    for _ in range(HALVINGS):
        step //= 2
        best = min((best, best - step, best + step), key=at)
    if at(best) > (1 - GAIN) * at(0):
        return 0.0
    low, middle, high = (at(best + side) for side in (-1, 0, 1))
    bend = low + high - 2 * middle
    vertex = (low - high) / (2 * bend) if bend > 0 else 0.0
    return (best + min(max(vertex, -1.0), 1.0)) * STEP / 2**HALVINGS


def _frequencies_squared(field: Tensor) -> Tensor:
    """Return |f|² (N, N) [1/px²], DC at pixel 0."""
    frequency = torch.fft.fftfreq(field.shape[-1], device=field.device, dtype=field.real.dtype)
    return frequency[:, None].square() + frequency.square()
