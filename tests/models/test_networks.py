import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

import ptychopareto
from ptychopareto.config import Architecture, ConfigError
from ptychopareto.files import FileError
from ptychopareto.models.network import Registration, transform
from ptychopareto.models.registry import (
    ARCHITECTURES,
    NetworkConfig,
    build,
    load_model,
    save_model,
)

SMALL = NetworkConfig("fno", "none", modes=4, width=4, N=16)
architectures = pytest.mark.parametrize("architecture", ARCHITECTURES)


def small(architecture: Architecture = "fno", **changes: object) -> NetworkConfig:
    return replace(SMALL, architecture=architecture, **changes)


def test_registry_and_config_name_the_same_architectures() -> None:
    assert set(ARCHITECTURES) == set(get_args(Architecture))


@architectures
@pytest.mark.parametrize("size", [16, 22, 15, 33])
@pytest.mark.parametrize("channels", [1, 4])
def test_patterns_in_patches_out(architecture: Architecture, size: int, channels: int) -> None:
    network = build(small(architecture, N=size, channels=channels))
    out = network(torch.rand(2, channels, size, size))
    assert out.shape == (2, channels, size, size)
    assert out.dtype == torch.complex64
    assert torch.isfinite(torch.view_as_real(out)).all()


@pytest.mark.parametrize(
    ("architecture", "width", "last"),
    [("fno", 8, False), ("fno", 16, True), ("hybrid", 2, True)],
)
def test_images_lie_channels_last_where_there_are_many(
    architecture: Architecture, width: int, last: bool, tmp_path: Path
) -> None:
    config = small(architecture, width=width)
    network = build(config)
    save_model(tmp_path / "model.safetensors", network, config, {"status": "ok"})
    loaded, _, _ = load_model(tmp_path / "model.safetensors")
    x = torch.rand(2, 1, 16, 16)
    torch.testing.assert_close(loaded(x), network(x), rtol=0, atol=0)
    for candidate in (network, loaded):
        lifted = candidate.body.lifter(x)
        assert lifted.is_contiguous(memory_format=torch.channels_last) == last


@architectures
def test_every_parameter_has_a_gradient(architecture: Architecture) -> None:
    network = build(small(architecture))
    network(torch.rand(2, 1, 16, 16)).abs().square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@architectures
def test_seed_decides_the_weights(architecture: Architecture) -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([p.flatten() for p in build(small(architecture)).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def parameters(config: NetworkConfig) -> int:
    return sum(p.numel() for p in build(config).parameters())


def test_parameter_count_of_the_fno() -> None:
    w, m = 4, 4
    lifter = (9 * 1 * w + w) + (9 * w * w + w)
    block = 2 * 2 * m * m * w * w + (9 * w * w + w)
    rest = (w * w + w) + 2 * (9 * w * w + w) + (2 * w + 2)
    assert parameters(small("fno")) == lifter + 4 * block + rest


def test_hybrid_doubles_channels_and_caps_modes() -> None:
    network = build(NetworkConfig("hybrid", "none", modes=12, width=8, N=64))
    shapes = [tuple(block.spectral.weight.shape) for block in network.body.encoder]
    assert shapes == [
        (24, 12, 2, 8, 8),
        (24, 12, 2, 16, 16),
        (16, 8, 2, 32, 32),
        (8, 4, 2, 64, 64),
    ]
    assert network.body.bottleneck.spectral.weight.shape == (8, 4, 2, 64, 64)


def test_modes_beyond_half_the_pattern_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"sweep.modes: 9 is too large; at most N/2 = 8"):
        build(small(modes=9))


@architectures
def test_training_starts_near_a_uniform_object(architecture: Architecture) -> None:
    torch.manual_seed(0)
    patches = build(small(architecture, channels=2, transmission=0.6))(torch.rand(3, 2, 16, 16))
    assert (patches - 0.6).abs().max() < 0.3
    assert patches.std() > 0


def test_input_transforms() -> None:
    x = torch.tensor([-1.0, 0.0, 4.0])
    assert transform(x, "none").tolist() == [0, 0, 4]
    assert transform(x, "sqrt").tolist() == [0, 0, 2]
    assert transform(x, "log1p").tolist() == pytest.approx([0, 0, math.log(5)])


@pytest.mark.parametrize("size", [16, 15])
def test_registration_of_a_flip(size: int) -> None:
    image = torch.rand(2, 1, size, size)
    flipped = Registration(-1.0)(image)
    rows = torch.arange(1, size) if size % 2 == 0 else torch.arange(size)
    mirror = 2 * (size // 2) - rows
    torch.testing.assert_close(
        flipped[..., rows[:, None], rows], image[..., mirror[:, None], mirror]
    )


@pytest.mark.parametrize("s", [0.7, -0.8, 1.3])
def test_registration_lays_the_shadow_on_the_object(s: float) -> None:
    axis = torch.arange(64) - 32

    def spot(row: float, col: float) -> torch.Tensor:
        return torch.exp(-((axis[:, None] - row) ** 2 + (axis[None, :] - col) ** 2) / (2 * 3.0**2))

    registered = Registration(s)(spot(s * 9, s * -6)[None, None])[0, 0]
    peak = np.unravel_index(int(registered.argmax()), (64, 64))
    assert peak == (32 + 9, 32 - 6)


def test_no_magnification_changes_nothing() -> None:
    image = torch.rand(1, 1, 8, 8)
    assert Registration(1.0)(image) is image


@architectures
def test_saved_and_loaded(architecture: Architecture, tmp_path: Path) -> None:
    config = small(architecture, magnification=-0.9, input_scale=0.3, input_transform="sqrt")
    network = build(config)
    save_model(tmp_path / "model.safetensors", network, config, {"status": "ok"})
    loaded, read, training = load_model(tmp_path / "model.safetensors")
    assert (read, training) == (config, {"status": "ok"})
    x = torch.rand(2, 1, 16, 16)
    torch.testing.assert_close(loaded(x), network(x), rtol=0, atol=0)


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_model_is_refused_in_one_line(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, build(SMALL), SMALL, {})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileError, match="not a complete model file") as refusal:
        load_model(path)
    assert "\n" not in str(refusal.value)


def test_a_missing_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        load_model(tmp_path / "model.safetensors")


def test_a_foreign_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, build(replace(SMALL, width=8)), SMALL, {})
    with pytest.raises(FileError, match="not a complete model file"):
        load_model(path)


def with_header(path: Path, section: str, **changes: object) -> None:
    """Let the header of a model file say something else."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    metadata = header["__metadata__"]
    metadata[section] = json.dumps({**json.loads(metadata[section]), **changes})
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


@pytest.mark.parametrize(
    ("section", "changes", "said"),
    [
        ("network", {"width": 10**9}, "overflow"),
        ("network", {"width": 20_000}, "is F32 [4, 1, 3, 3]; F32 [20000, 1, 3, 3] is wanted"),
        ("network", {"width": "4"}, "width: Input should be a valid integer"),
        ("network", {"N": 0}, "N: Input should be greater than or equal to 1"),
        ("network", {"architecture": "hybrid"}, "weights "),
        ("network", {"magnification": float("nan")}, "magnification: Input should be a finite"),
        ("network", {"depth": 4}, "depth: Unexpected keyword argument"),
        ("training", {"status": "fine"}, "status: Input should be 'ok', 'diverged' or"),
        ("training", {"epochs": "many"}, "epochs: Input should be a valid integer"),
    ],
)
def test_a_header_that_lies_is_refused(
    section: str, changes: dict[str, object], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, build(SMALL), SMALL, {"status": "ok"})
    with_header(path, section, **changes)
    with pytest.raises(FileError, match=f"not a complete model file.*{re.escape(said)}") as refusal:
        load_model(path)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_are_finite(value: float, tmp_path: Path) -> None:
    network = build(SMALL)
    with torch.no_grad():
        network.body.head.weight[0] = value
    save_model(tmp_path / "model.safetensors", network, SMALL, {"status": "ok"})
    with pytest.raises(FileError, match=r"body\.head\.weight holds NaN or infinite weights"):
        load_model(tmp_path / "model.safetensors")


def test_loading_draws_no_random_numbers_and_imports_no_compiler(tmp_path: Path) -> None:
    """Torch's meta device, on which shapes are compared, would import its compiler: 1.4 seconds."""
    for architecture in ARCHITECTURES:
        config = small(architecture)
        save_model(tmp_path / architecture, build(config), config, {"status": "ok"})
    code = """
import sys, torch
from pathlib import Path
from ptychopareto.models.registry import load_model
before = torch.get_rng_state()
for path in sys.argv[1:]:
    load_model(Path(path))
assert torch.equal(torch.get_rng_state(), before)
assert "torch._dynamo" not in sys.modules
"""
    source = Path(ptychopareto.__file__).parents[1]
    files = [str(tmp_path / architecture) for architecture in ARCHITECTURES]
    subprocess.run([sys.executable, "-c", code, *files], cwd=source, check=True)
