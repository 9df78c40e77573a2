"""Where a job computes."""

import torch

from ptychopareto.config import ConfigError


def choose_device(name: str) -> torch.device:
    """Turn the config's `device` (auto, cpu, cuda) into what this machine has.

    Raises:
        ConfigError: a GPU is demanded where there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: 'cuda' is not available on this machine; allowed: auto, cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
