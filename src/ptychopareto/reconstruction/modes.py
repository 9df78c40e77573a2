"""Incoherent modes of a probe."""

import torch
from torch import Tensor

FURTHER_POWER = 0.05  # part of the power in each further mode of a first guess


def start_modes(probe: Tensor, count: int) -> Tensor:
    """Make a first guess of a probe's modes, with the power of the probe.

    Further modes are the first one times polynomials of low order, as a beam that trembles has
    them, with `FURTHER_POWER` of the power each.

    Parameters
    ----------
    probe : (M, N, N) complex
        The modes that are known.
    count : int
        The number of modes to have; those that are known are kept.

    Returns
    -------
    (count, N, N) complex
        The modes; `probe` itself if it has as many.
    """
    missing = count - len(probe)
    if missing <= 0:
        return probe
    main = probe[0]
    weight = main.abs().square()
    weight = weight / weight.sum()
    axis = torch.linspace(-1, 1, main.shape[-1], dtype=weight.dtype, device=weight.device)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    rows, columns = (field - (weight * field).sum() for field in (rows, columns))
    further: list[Tensor] = []
    degree = 1
    while len(further) < missing:
        further += [rows ** (degree - k) * columns**k * main for k in range(degree + 1)]
        degree += 1
    power = main.abs().square().sum()
    part = min(FURTHER_POWER, 0.5 / missing)
    scaled = [mode * (part * power / mode.abs().square().sum()).sqrt() for mode in further]
    first = main * (1 - part * missing) ** 0.5
    return torch.stack([first, *probe[1:], *scaled[:missing]])


def orthogonal(modes: Tensor) -> Tensor:
    """Return the orthogonal modes that give the same patterns, the strongest first.

    Parameters
    ----------
    modes : (M, N, N) complex
        The modes.

    Returns
    -------
    (M, N, N) complex
        A mix of `modes` by a unitary matrix; the phase of each mode is that of the largest share in
        it.
    """
    if len(modes) == 1:
        return modes
    flat = modes.flatten(1).to(torch.complex128)
    _, mixing = torch.linalg.eigh(flat.conj() @ flat.mT)
    mixing = mixing.flip(1)
    largest = mixing.gather(0, mixing.abs().argmax(0, keepdim=True))
    mixing = mixing * torch.sgn(largest).conj()
    return (mixing.mT @ flat).to(modes.dtype).view(modes.shape)
