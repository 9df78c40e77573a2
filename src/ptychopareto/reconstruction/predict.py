"""Run a network over the patterns of a scan."""

import torch
from torch import Tensor, nn

# Small enough to stay in a CPU's cache, large enough to fill it.
CPU_BATCH, GPU_BATCH = 32, 256


def batch_on(device: torch.device) -> int:
    """The number of patterns that are predicted at once on a device."""
    return CPU_BATCH if device.type == "cpu" else GPU_BATCH


@torch.inference_mode()
def predict(network: nn.Module, diffraction: Tensor) -> Tensor:
    """Object patches (B, N, N) complex64 of all patterns (B, N, N), on their device, in batches."""
    batches = diffraction.split(batch_on(diffraction.device))
    return torch.cat([network(patterns[:, None])[:, 0] for patterns in batches])
