"""Run a network over the patterns of a scan."""

import torch
from torch import Tensor, nn

from ptychopareto.physics.groups import Groups

# Small enough to stay in a CPU's cache, large enough to fill it.
CPU_BATCH, GPU_BATCH = 32, 256


def patterns_at_once(device: torch.device) -> int:
    """Return how many patterns are predicted at once on a device."""
    return CPU_BATCH if device.type == "cpu" else GPU_BATCH


def batch_on(device: torch.device, groups: Groups) -> int:
    """Return how many groups are predicted at once on a device.

    Parameters
    ----------
    device : torch.device
        Where the network runs.
    groups : Groups
        The groups of the scan.

    Returns
    -------
    int
        At least 1.
    """
    return max(1, patterns_at_once(device) // groups.patterns)


@torch.inference_mode()
def predict(network: nn.Module, diffraction: Tensor, probe: Tensor, groups: Groups) -> Tensor:
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
    numbers = torch.arange(len(groups), device=diffraction.device)
    batches = numbers.split(batch_on(diffraction.device, groups))
    return torch.cat(
        [
            groups.merge(network(diffraction[groups.members[which]]), probe, which)
            for which in batches
        ]
    )
