"""Which architectures there are, and how a trained network is stored and loaded."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, make_dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn
from torch.overrides import TorchFunctionMode

from ptychopareto.config import (
    ARCHITECTURES,
    AXES,
    Architecture,
    ConfigError,
    GridAxis,
    InputTransform,
    missing_package,
)
from ptychopareto.files import FileError, atomic, parse_json
from ptychopareto.files.made_from import LARGEST_HEADER
from ptychopareto.files.records import Record, first_mistake
from ptychopareto.models.layers import Operator
from ptychopareto.models.network import Network, lay_out, start_uniform
from ptychopareto.models.trained_on import TrainedOnRecord

_Count = Annotated[int, Field(ge=1, lt=2**31)]


_NETWORK_AXES = [axis for axis in AXES.values() if axis.owner == "network"]
# A stored value is checked for its kind only: the weights show whether it fits the network.
_STORED = {"int64": _Count, "Int64": _Count | None, "boolean": bool | None}


def _stored(axis: GridAxis) -> Any:
    return _STORED.get(axis.column, axis.value)


if TYPE_CHECKING:

    class _Early:
        architecture: str
        input_transform: InputTransform

        def __getattr__(self, name: str) -> Any: ...

else:
    _Early = make_dataclass(
        "_Early",
        [(axis.name, _stored(axis)) for axis in _NETWORK_AXES if not axis.late],
        frozen=True,
    )


@dataclass(frozen=True)
class _Measured(_Early):
    N: _Count
    channels: _Count = 1
    magnification: float = 1.0
    input_scale: Annotated[float, Field(gt=0)] = 1.0
    transmission: float = 1.0


if TYPE_CHECKING:

    @dataclass(frozen=True, init=False)
    class _Complete(_Measured):
        def __init__(self, *values: Any, **settings: Any) -> None: ...

else:
    _Complete = make_dataclass(
        "_Complete",
        [
            (axis.name, _stored(axis), field(default=axis.run_default))
            for axis in _NETWORK_AXES
            if axis.late
        ],
        bases=(_Measured,),
        frozen=True,
    )


class NetworkConfig(_Complete):
    """Everything that rebuilds a network around its weights.

    It has a field for each axis of the grid that belongs to the network; only those that the
    architecture has are used. `magnification`, `input_scale` and `transmission` are measured from
    the training data, see `network.Network`. The late axes have a
    default, so that the models of a study stay readable when an axis is added.
    """

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


def operator(architecture: Architecture) -> type[Operator]:
    """Return the class of an architecture, the only `Operator` of `models/<architecture>.py`.

    Raises
    ------
    ConfigError
        The architecture needs a package that is not installed.
    ImportError
        The file defines no such class, or several.
    """
    if reason := missing_package(architecture):
        raise ConfigError(f"sweep.architecture: {reason}")
    module = import_module(f"ptychopareto.models.{architecture}")
    found = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Operator)
        and kind.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise ImportError(f"{module.__file__}: {len(found)} Operators are defined; one is wanted")
    return found[0]


def build(config: NetworkConfig) -> Network:
    """Build a freshly initialised network; seed torch's generator first for reproducible weights.

    Raises
    ------
    ConfigError
        N×N patterns do not hold the modes (for existing data no config tells N), a key that the
        architecture needs is missing, or its package is not installed.
    """
    body = operator(config.architecture)(
        in_channels=config.channels,
        out_channels=2 * config.channels,
        size=config.N,
        **_own_keys(config),
    )
    lay_out(body)
    start_uniform(body.head, config.head, config.transmission)
    return Network(
        body,
        config.input_transform,
        config.magnification,
        config.input_scale,
        config.head,
        config.transmission,
    )


def _own_keys(config: NetworkConfig) -> dict[str, Any]:
    """Return the keys of the grid that the architecture has, with their values."""
    keys: dict[str, Any] = {key: getattr(config, key) for key in ARCHITECTURES[config.architecture]}
    for key, value in keys.items():
        if value is None and AXES[key].needed:
            raise ConfigError(f"sweep.{key}: missing; {config.architecture} has it")
    if keys.get("modes", 0) > config.N // 2:
        allowed = f"at most N/2 = {config.N // 2} is allowed for patterns of {config.N} px"
        raise ConfigError(f"sweep.modes: {config.modes} is too large; {allowed}")
    # The architecture knows its own default.
    return {
        key: value for key, value in keys.items() if value is not None or not AXES[key].in_default
    }


def header_of(config: NetworkConfig, training: Mapping[str, Any]) -> dict[str, str]:
    """Write the description of a network for the header of a file.

    Parameters
    ----------
    config : NetworkConfig
        What the network was built from.
    training : dict
        The record of its training; values that JSON knows.

    Returns
    -------
    dict of str
        `network` and `training`, each as JSON.
    """
    return {"network": json.dumps(asdict(config)), "training": json.dumps(training)}


def read_header(header: Mapping[str, str]) -> tuple[NetworkConfig, dict[str, Any]]:
    """Read back the texts that `header_of` made.

    Raises
    ------
    KeyError
        A text is missing.
    ValueError
        A text is damaged, or holds a value that cannot be.
    """
    try:
        config = _CONFIG.validate_json(header["network"])
        training = parse_json(header["training"])
        _Record.model_validate(training)
    except ValidationError as error:
        raise ValueError(first_mistake(error)[:200]) from error
    return config, dict(training)


def save_model(
    path: Path,
    network: nn.Module,
    config: NetworkConfig,
    training: Mapping[str, Any],
    made_from: Mapping[str, str] | None = None,
) -> None:
    """Write a network as safetensors, with its config and its training's record in the header.

    Parameters
    ----------
    path : Path
        Where to write it.
    network : nn.Module
        The network, on any device.
    config : NetworkConfig
        What it was built from.
    training : dict
        The record of its training; values that JSON knows.
    made_from : dict, optional
        What the training depends on, for `files.read_made_from` to tell later.
    """
    header = header_of(config, training)
    if made_from is not None:
        header["made_from"] = json.dumps(made_from)
    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    with atomic(path) as temporary:
        temporary.write_bytes(save(weights, metadata=header))


def load_model(path: Path) -> tuple[Network, NetworkConfig, dict[str, Any]]:
    """Rebuild a trained network, on the CPU, in evaluation mode.

    The header is believed only as far as the file vouches for it: no weight is read, and no memory
    taken, before names and shapes agree with the network's.

    Returns
    -------
    tuple of Network, NetworkConfig and dict
        The network, whose weights are finite float32; its config; the record of its training.

    Raises
    ------
    FileError
        The file is missing, or no complete model file of this package.
    """
    try:
        _check_size_of_header(path)
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            config, training = read_header(header)
            if reason := missing_package(config.architecture):
                raise FileError(f"{path}: {reason}")
            network = _build_without_weights(config)
            _check_tensors(file, network)
            # Not `load_state_dict`, which sets attributes: modules that hold one tensor and show
            # another, such as those of complex weights, would confuse the two.
            for name, tensor in network.to_empty(device="cpu").state_dict().items():
                tensor.copy_(file.get_tensor(name))
                if not tensor.isfinite().all():
                    raise ValueError(f"{name} holds NaN or infinite weights")
        lay_out(network.body)
    except FileNotFoundError as error:
        raise FileError(
            f"{path}: no such file; a model.safetensors written by a training is wanted"
        ) from error
    except FileError:
        raise
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FileError(
            f"{path}: not a complete model file of ptychopareto "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        ) from error
    return network.eval(), config, training


_CONFIG = TypeAdapter(NetworkConfig)


class _Record(Record):
    """The keys that a training's record must have, and the types of others that it may have."""

    status: Literal["ok", "diverged", "out_of_memory"]
    error: str = ""
    settings: str = ""
    epochs: Annotated[int, Field(ge=0, lt=2**63)] = 0
    patterns_trained: Annotated[int, Field(ge=0, lt=2**63)] = 0
    train_time_s: float = 0.0
    trained_on: TrainedOnRecord | None = None


def _check_size_of_header(path: Path) -> None:
    """Refuse a large header: one of many tensors would take many times its size in memory."""
    with path.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
    if size > LARGEST_HEADER:
        raise ValueError(f"a header of {size} bytes; at most {LARGEST_HEADER} are allowed")


_ARITHMETIC = (torch.Tensor.mul, torch.Tensor.div, torch.Tensor.add, torch.Tensor.sub)


class _Shapes(TorchFunctionMode):
    """Tensors whose shape alone is wanted.

    The meta device does it alone. But for normally distributed numbers and for arithmetic with a
    number it first imports torch's compiler, which takes longer than loading any network.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.randn:
            return torch.empty(*args, **kwargs)
        if func.__name__ == "normal_":
            return args[0] if args else kwargs["tensor"]
        if func in _ARITHMETIC and isinstance(args[1], int | float):
            return args[0]
        return func(*args, **kwargs)


def _build_without_weights(config: NetworkConfig) -> Network:
    with torch.device("meta"), _Shapes():
        return build(config)


def _check_tensors(file: safe_open, network: Network) -> None:
    expected = {name: list(weight.shape) for name, weight in network.state_dict().items()}
    for name in sorted(expected.keys() ^ set(file.keys())):
        raise ValueError(f"{'missing' if name in expected else 'unknown'} weights {name}")
    for name in sorted(dict(network.named_buffers()).keys() - expected.keys()):
        raise ValueError(f"{name} is a buffer that is not persistent; no file could restore it")
    for name, shape in expected.items():
        found = file.get_slice(name)
        if found.get_shape() != shape or found.get_dtype() != "F32":
            raise ValueError(
                f"{name} is {found.get_dtype()} {found.get_shape()}; F32 {shape} is wanted"
            )
