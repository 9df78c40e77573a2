"""Which architectures there are, and how a trained network is stored and loaded."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from ptychopareto.config import Architecture, ConfigError, InputTransform
from ptychopareto.files import FileError, atomic
from ptychopareto.models.fno import FNO
from ptychopareto.models.hybrid import Hybrid
from ptychopareto.models.layers import Operator
from ptychopareto.models.network import Network, start_uniform

ARCHITECTURES: dict[Architecture, type[Operator]] = {"fno": FNO, "hybrid": Hybrid}


@dataclass(frozen=True)
class NetworkConfig:
    """All that is needed to rebuild a network around its weights.

    `magnification`, `input_scale` and `transmission` are measured from the training data, see
    `network.Network`.
    """

    architecture: Architecture
    input_transform: InputTransform
    modes: int
    width: int
    N: int
    channels: int = 1
    magnification: float = 1.0
    input_scale: float = 1.0
    transmission: float = 1.0


def build(config: NetworkConfig) -> Network:
    """A freshly initialised network; seed torch's generator first for reproducible weights.

    Raises ConfigError where N×N patterns do not hold the modes (existing data: no config tells N).
    """
    if config.modes > config.N // 2:
        allowed = f"at most N/2 = {config.N // 2} is allowed for patterns of {config.N} px"
        raise ConfigError(f"sweep.modes: {config.modes} is too large; {allowed}")
    body = ARCHITECTURES[config.architecture](
        in_channels=config.channels,
        out_channels=2 * config.channels,
        modes=config.modes,
        width=config.width,
        size=config.N,
    )
    start_uniform(body.head, config.transmission)
    return Network(body, config.input_transform, config.magnification, config.input_scale)


def save_model(
    path: Path, network: nn.Module, config: NetworkConfig, training: Mapping[str, Any]
) -> None:
    """Write weights as safetensors; its header has the network's config and training's record."""
    header = {"network": json.dumps(asdict(config)), "training": json.dumps(training)}
    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    with atomic(path) as temporary:
        temporary.write_bytes(save(weights, metadata=header))


def load_model(path: Path) -> tuple[Network, NetworkConfig, dict[str, Any]]:
    """Rebuild a trained network, on the CPU, with its config and the record of its training.

    Raises FileError, in one line, for anything that is not a complete model file of this package.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config = NetworkConfig(**json.loads(header["network"]))
        training = json.loads(header["training"])
        network = build(config)
        network.load_state_dict(weights)
    except FileNotFoundError as error:
        raise FileError(
            f"{path}: no such file; a model.safetensors written by a training is wanted"
        ) from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise FileError(
            f"{path}: not a complete model file of ptychopareto ({type(error).__name__}: {reason})"
        ) from error
    return network.eval(), config, training
