import inspect
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import ptychopareto
from ptychopareto.config import ARCHITECTURES, Architecture, ConfigError, Head
from ptychopareto.config.architectures import NEEDS
from ptychopareto.files import FileError
from ptychopareto.models import registry
from ptychopareto.models.network import Registration, transform
from ptychopareto.models.registry import NetworkConfig, build, load_model, operator, save_model

SMALL = NetworkConfig("fno", "none", modes=4, width=4, N=16)
architectures = pytest.mark.parametrize("architecture", ARCHITECTURES)


def small(architecture: Architecture = "fno", **changes: object) -> NetworkConfig:
    return replace(SMALL, architecture=architecture, skips=True, **changes)


@architectures
def test_an_architecture_is_the_one_operator_of_its_file(architecture: Architecture) -> None:
    kind = operator(architecture)
    assert kind.__module__ == f"ptychopareto.models.{architecture}"
    keys = inspect.signature(kind).parameters.keys()
    assert keys == {"in_channels", "out_channels", "size", *ARCHITECTURES[architecture]}


def test_a_file_without_an_operator_is_no_architecture() -> None:
    with pytest.raises(ImportError, match=r"network\.py: 0 Operators are defined"):
        operator("network")


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


def test_max_channels_end_the_doubling() -> None:
    network = build(NetworkConfig("hybrid", "none", modes=4, width=8, N=32, max_channels=16))
    channels = [block.spectral.weight.shape[-1] for block in network.body.encoder]
    assert channels == [8, 16, 16, 16]
    assert network(torch.rand(1, 1, 32, 32)).shape == (1, 1, 32, 32)
    free, capped = (
        parameters(NetworkConfig("hybrid", "none", modes=4, width=8, N=32, max_channels=cap))
        for cap in (None, 64)
    )
    assert free == capped  # 8, 16, 32, 64


def test_a_key_that_the_architecture_has_is_wanted() -> None:
    with pytest.raises(ConfigError, match=r"sweep.modes: missing; fno has it"):
        build(small(modes=None))


def test_modes_beyond_half_the_pattern_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"sweep.modes: 9 is too large; at most N/2 = 8"):
        build(small(modes=9))


@pytest.mark.parametrize("head", ["real_imag", "amp_phase"])
@architectures
def test_training_starts_near_a_uniform_object(architecture: Architecture, head: Head) -> None:
    torch.manual_seed(0)
    network = build(small(architecture, channels=2, transmission=0.6, head=head))
    patches = network(torch.rand(3, 2, 16, 16))
    assert (patches - 0.6).abs().max() < 0.3
    assert patches.std() > 0


@pytest.mark.parametrize("transmission", [0.05, 0.6, 1.0, 3.0, 40.0])
@pytest.mark.parametrize("head", ["real_imag", "amp_phase"])
def test_both_heads_start_at_the_transmission(head: Head, transmission: float) -> None:
    """Exactly there, but for the small weights of the last layer."""
    network = build(small(head=head, transmission=transmission))
    with torch.no_grad():
        network.body.head.weight.zero_()
    patches = network(torch.rand(2, 1, 16, 16))
    torch.testing.assert_close(patches, torch.full_like(patches, transmission))


@pytest.mark.parametrize(("transmission", "limit"), [(0.3, 2.0), (1.0, 2.0), (5.0, 10.0)])
def test_amplitude_and_phase_are_bounded(transmission: float, limit: float) -> None:
    network = build(small(head="amp_phase", channels=2, transmission=transmission))
    with torch.no_grad():
        network.body.head.weight.mul_(1e5)
    patches = network(torch.rand(4, 2, 16, 16)).detach()
    assert patches.abs().max() == pytest.approx(limit)
    assert patches.abs().min() < 0.1 * limit
    assert patches.angle().abs().max() == pytest.approx(math.pi, rel=1e-3)


def test_the_halves_of_the_channels_are_amplitudes_and_phases() -> None:
    network = build(small(head="amp_phase", channels=2, transmission=1.0))
    with torch.no_grad():
        network.body.head.weight.zero_()
        # logits of amplitudes 0.5 and 1.5 of at most 2, and what tanh makes ±1/2 of
        network.body.head.bias.copy_(torch.tensor([0.25, 0.75, 0, 0]).logit())
        network.body.head.bias[2:] = torch.tensor([0.5, -0.5]).atanh()
    patches = network(torch.rand(1, 2, 16, 16)).detach()
    expected = torch.tensor([0.5j, -1.5j])[None, :, None, None].expand_as(patches)
    torch.testing.assert_close(patches, expected)


def test_a_dark_scan_has_a_start_too() -> None:
    patches = build(small(head="amp_phase", transmission=0.0))(torch.rand(1, 1, 16, 16))
    assert patches.abs().max() < 1e-5


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
    config = small(
        architecture,
        magnification=-0.9,
        input_scale=0.3,
        input_transform="sqrt",
        head="amp_phase",
        transmission=0.7,
    )
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


def test_a_model_from_before_these_settings_loads(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    network = build(SMALL)
    save_model(path, network, SMALL, {"status": "ok"})
    without_in_header(path, "network", "head", "max_channels", "skips")
    loaded, config, _ = load_model(path)
    assert config == SMALL
    x = torch.rand(2, 1, 16, 16)
    torch.testing.assert_close(loaded(x), network(x), rtol=0, atol=0)


def test_a_buffer_that_no_file_holds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(operator("fno")):
        def __init__(self, **keys: int) -> None:
            super().__init__(**keys)
            self.register_buffer("grid", torch.ones(2), persistent=False)

    save_model(tmp_path / "model.safetensors", build(SMALL), SMALL, {"status": "ok"})
    monkeypatch.setattr(registry, "operator", lambda _: Forgetful)
    with pytest.raises(FileError, match=r"body\.grid is a buffer that is not persistent"):
        load_model(tmp_path / "model.safetensors")


def test_a_package_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, build(SMALL), SMALL, {"status": "ok"})
    monkeypatch.setitem(NEEDS, "fno", ("no_such_module", "no-such-package"))
    said = "fno needs the package no-such-package, which is not installed: pip install no"
    with pytest.raises(ConfigError, match=f"^sweep.architecture: {said}"):
        build(SMALL)
    with pytest.raises(FileError, match=f"^{re.escape(str(path))}: {said}"):
        load_model(path)


def without_in_header(path: Path, section: str, *names: str) -> None:
    """Let the header of a model file not know some fields."""

    def forget(fields: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in fields.items() if name not in names}

    change_header(path, section, forget)


def with_header(path: Path, section: str, **changes: object) -> None:
    """Let the header of a model file say something else."""
    change_header(path, section, lambda fields: {**fields, **changes})


def change_header(
    path: Path, section: str, change: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    metadata = header["__metadata__"]
    metadata[section] = json.dumps(change(json.loads(metadata[section])))
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


@pytest.mark.parametrize(
    ("section", "changes", "said"),
    [
        ("network", {"width": 10**9}, "overflow"),
        ("network", {"width": 20_000}, "is F32 [4, 1, 3, 3]; F32 [20000, 1, 3, 3] is wanted"),
        ("network", {"width": "4"}, "width is '4'; a whole number is wanted"),
        ("network", {"N": 0}, "N is 0; at least 1 is wanted"),
        ("network", {"architecture": "hybrid"}, "weights "),
        (
            "network",
            {"magnification": float("nan")},
            "magnification is nan; a finite number",
        ),
        ("network", {"depth": 4}, "depth: Unexpected keyword argument"),
        ("network", {"head": "polar"}, "head is 'polar'; 'real_imag' or 'amp_phase' is wanted"),
        ("network", {"max_channels": 0}, "max_channels is 0; at least 1 is wanted"),
        ("network", {"skips": 1}, "skips is 1; true or false is wanted"),
        ("network", {"modes": None}, "modes: missing; fno has it"),
        (
            "training",
            {"status": "fine"},
            "status is 'fine'; 'ok', 'diverged' or 'out_",
        ),
        ("training", {"epochs": "many"}, "epochs is 'many'; a whole number is wanted"),
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
from torch import nn
from ptychopareto.models.registry import _Shapes, load_model
before = torch.get_rng_state()
for path in sys.argv[1:]:
    load_model(Path(path))
assert torch.equal(torch.get_rng_state(), before)
assert "torch._dynamo" not in sys.modules
with torch.device("meta"), _Shapes():
    x = 0.5 * torch.randn(3, 4) / 2 + 1 - 1
    x = x.normal_() * torch.rand(3, 4).sub_(0.5)[:1, :1].add_(1).numel()
    for name in ("normal", "uniform", "trunc_normal", "xavier_normal", "kaiming_uniform"):
        getattr(nn.init, name + "_")(x)
    nn.init.kaiming_normal_(x), nn.init.orthogonal_(x), nn.init.zeros_(x)
assert x.shape == (3, 4) and x.device.type == "meta"
assert "torch._dynamo" not in sys.modules
"""
    source = Path(ptychopareto.__file__).parents[1]
    files = [str(tmp_path / architecture) for architecture in ARCHITECTURES]
    subprocess.run([sys.executable, "-c", code, *files], cwd=source, check=True)
