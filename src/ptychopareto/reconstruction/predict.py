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
    """The number of groups that are predicted at once on a device."""
    return max(1, patterns_at_once(device) // groups.patterns)


@torch.inference_mode()
def predict(network: nn.Module, diffraction: Tensor, probe: Tensor, groups: Groups) -> Tensor:
    """Object patches (G, C, N, N) complex64 of all groups of patterns (B, N, N), in batches.

    The patches of a group agree where they overlap. `probe` is (N, N); all are on one device.
    """
    numbers = torch.arange(len(groups), device=diffraction.device)
    batches = numbers.split(batch_on(diffraction.device, groups))
    return torch.cat(
        [
            groups.merge(network(diffraction[groups.members[which]]), probe, which)
            for which in batches
        ]
    )
