"""Run a network over the patterns of a scan."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ptychopareto.physics.groups import Groups
from ptychopareto.physics.on_device import OnDevice

# Small enough to stay in a CPU's cache, large enough to fill it: for patterns of at most `SIDE` px.
CPU_BATCH, GPU_BATCH, SIDE = 32, 256, 128


def patterns_at_once(device: torch.device, N: int) -> int:
    """Return how many patterns are predicted at once on a device.

    Parameters
    ----------
    device : torch.device
        Where the network runs.
    N : int
        Side of a pattern [px].

    Returns
    -------
    int
        At least 1.
    """
    most = CPU_BATCH if device.type == "cpu" else GPU_BATCH
    return most if N <= SIDE else max(1, most * SIDE**2 // N**2)


def batch_on(device: torch.device, groups: Groups, N: int) -> int:
    """Return how many groups are predicted at once on a device.

    Parameters
    ----------
    device : torch.device
        Where the network runs.
    groups : Groups
        The groups of the scan.
    N : int
        Side of a pattern [px].

    Returns
    -------
    int
        At least 1.
    """
    return max(1, patterns_at_once(device, N) // groups.size)


def predict(network: nn.Module, diffraction: OnDevice, probe: Tensor, groups: Groups) -> Tensor:
    """Predict the object patches of all groups of a scan, in batches.

    Parameters
    ----------
    network : nn.Module
        Maps amplitudes (g, C, N, N) to complex patches of this shape.
    diffraction : (B, N, N) real
        Measured √I, DC at pixel N // 2.
    probe : (N, N) or (M, N, N) complex
        The probe, or its M modes.
    groups : Groups
        The groups; all of these are on one device.

    Returns
    -------
    (G, C, N, N) complex64
        Patches that agree where those of one group overlap.
    """
    return torch.cat([*predict_in_batches(network, diffraction, probe, groups)])


@torch.inference_mode()
def predict_in_batches(
    network: nn.Module, diffraction: OnDevice, probe: Tensor, groups: Groups
) -> Iterator[Tensor]:
    """Predict as `predict` does, batch by batch, so that nobody has to keep all patches.

    Parameters
    ----------
    network : nn.Module
        Maps amplitudes (g, C, N, N) to complex patches of this shape.
    diffraction : (B, N, N)
        Measured √I, DC at pixel N // 2, in memory or in a file.
    probe : (N, N) or (M, N, N) complex
        The probe, or its M modes.
    groups : Groups

    Yields
    ------
    (g, C, N, N) complex64
        The patches of the next groups.
    """
    numbers = torch.arange(len(groups), device=diffraction.device)
    for which in numbers.split(batch_on(diffraction.device, groups, probe.shape[-1])):
        yield groups.merge(network(diffraction[groups.members[which]]), probe, which)
