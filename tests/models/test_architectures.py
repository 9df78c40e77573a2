"""What every architecture keeps, whatever it is made of; and what is special to some of them."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from ptychopareto.models.cnn import CNN
from ptychopareto.models.ffno import FFNO, FactorizedLayer
from ptychopareto.models.fno_vanilla import FNOVanilla, FourierLayer
from ptychopareto.models.hybrid_resnet import HybridResNet
from ptychopareto.models.layers import Operator, padded, with_coordinates
from ptychopareto.models.tfno import TFNO
from ptychopareto.models.uno import UNO

KEYS: dict[type[Operator], dict[str, Any]] = {
    CNN: {"width": 4, "max_channels": None},
    FNOVanilla: {"modes": 6, "width": 4},
    FFNO: {"modes": 6, "width": 4},
    HybridResNet: {"modes": 6, "width": 4, "max_channels": None, "skips": True},
    UNO: {"modes": 6, "width": 4},
    TFNO: {"modes": 6, "width": 4},
}
architectures = pytest.mark.parametrize("architecture", KEYS, ids=lambda a: a.__name__)
U_SHAPED = pytest.mark.parametrize("architecture", [CNN, HybridResNet])


def made(architecture: type[Operator], size: int = 16, seed: int = 0, **keys: object) -> Operator:
    torch.manual_seed(seed)
    return architecture(in_channels=1, out_channels=2, size=size, **(KEYS[architecture] | keys))


def images(size: int, batch: int = 2) -> Tensor:
    return torch.rand(batch, 1, size, size, generator=torch.Generator().manual_seed(1))


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@architectures
@pytest.mark.parametrize("size", [64, 32, 33, 49])
def test_keeps_the_size(architecture: type[Operator], size: int) -> None:
    out = made(architecture, size)(images(size))
    assert out.shape == (2, 2, size, size)
    assert out.isfinite().all()


@architectures
def test_any_number_of_channels(architecture: type[Operator]) -> None:
    network = architecture(in_channels=3, out_channels=6, size=16, **KEYS[architecture])
    assert network(torch.rand(2, 3, 16, 16)).shape == (2, 6, 16, 16)


def gradients(network: Operator, size: int) -> dict[str, Tensor]:
    network(images(size)).square().mean().backward()
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


@architectures
@pytest.mark.parametrize("size", [16, 33])
def test_gradients_reach_every_parameter(architecture: type[Operator], size: int) -> None:
    network = made(architecture, size)
    found = gradients(network, size)
    assert found.keys() == dict(network.named_parameters()).keys()
    for name, gradient in found.items():
        assert gradient.isfinite().all(), name
        assert gradient.abs().max() > 0, name


@architectures
def test_seed_decides_every_bit(architecture: type[Operator]) -> None:
    one, same, other = (made(architecture, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one(images(16)), same(images(16)))
    assert not torch.equal(one(images(16)), other(images(16)))
    for name, gradient in gradients(one, 16).items():
        assert torch.equal(gradient, gradients(same, 16)[name]), name
        same.zero_grad()


@architectures
def test_head_is_the_last_layer(architecture: type[Operator]) -> None:
    """It is scaled for a uniform start: without its weights all that is left is its bias."""
    network = made(architecture)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.get_parameter("bias").copy_(torch.tensor([0.5, -1.0]))
    expected = torch.tensor([0.5, -1.0]).view(2, 1, 1).expand(2, 2, 16, 16)
    assert torch.equal(network(images(16)), expected)


@architectures
def test_untrained_outputs_are_neither_tiny_nor_huge(architecture: type[Operator]) -> None:
    out = made(architecture, 32, width=8)(images(32))
    assert 0.01 < out.std() < 10


@architectures
@pytest.mark.parametrize("size", [16, 15])
def test_every_part_of_the_output_sees_every_part_of_the_input(
    architecture: type[Operator], size: int
) -> None:
    network = made(architecture, size)
    x = images(size, batch=1).requires_grad_()
    for row, col in ((0, 0), (size // 2, size // 2), (size - 1, size - 1)):
        (seen,) = torch.autograd.grad(network(x)[0, 0, row, col], x)
        assert (seen != 0).float().mean() > 0.95


@architectures
def test_weights_are_real_and_survive_a_file(architecture: type[Operator]) -> None:
    network, x = made(architecture), images(16)
    weights = load(save(network.state_dict()))
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    assert weights.keys() == dict(network.named_parameters()).keys()
    with torch.device("meta"):
        rebuilt = architecture(in_channels=1, out_channels=2, size=16, **KEYS[architecture])
    rebuilt.to_empty(device="cpu").load_state_dict(weights)
    torch.testing.assert_close(rebuilt(x), network(x), rtol=0, atol=0)


@architectures
def test_trains_after_inference(architecture: type[Operator]) -> None:
    network = made(architecture, 20)
    with torch.inference_mode():
        network(images(20))
    assert gradients(network, 20)


@architectures
def test_bfloat16_where_a_layer_can(architecture: type[Operator]) -> None:
    network, x = made(architecture), images(16)
    with torch.autocast("cpu", torch.bfloat16):
        out = network(x)
    torch.testing.assert_close(out.float(), network(x), rtol=0.1, atol=0.05)


@pytest.mark.parametrize("architecture", [a for a in KEYS if "modes" in KEYS[a]])
def test_modes_are_capped_at_what_the_size_holds(architecture: type[Operator]) -> None:
    most, more = (made(architecture, 16, modes=modes) for modes in (8, 12))
    assert parameters(most) == parameters(more)
    assert parameters(made(architecture, 16, modes=2)) < parameters(most)


def conv(in_channels: int, out_channels: int, side: int) -> int:
    return side**2 * in_channels * out_channels + out_channels


def lifter(width: int) -> int:
    return conv(1, width, 3) + conv(width, width, 3)


def decoder(channels: list[int], skips: bool = True) -> int:
    return sum(
        conv(coarse, fine, 2) + conv((1 + skips) * fine, fine, 3) + conv(fine, fine, 3)
        for fine, coarse in pairwise(channels)
    )


def test_parameters_of_the_cnn() -> None:
    channels = [4, 8, 16, 32]
    encoder = sum(conv(a, b, 3) + conv(b, b, 3) for a, b in pairwise([1, *channels]))
    assert parameters(made(CNN)) == encoder + decoder(channels) + conv(4, 2, 1)


def test_parameters_of_the_vanilla_fno() -> None:
    w, m = 4, 6
    layer = 2 * 2 * m * m * w * w + conv(w, w, 1)
    expected = lifter(w) + 4 * layer + conv(w, w, 1) + conv(w, 2, 1)
    assert parameters(made(FNOVanilla)) == expected


def test_parameters_of_the_factorised_fno_grow_with_the_modes() -> None:
    w, m = 4, 6
    layer = 2 * 2 * m * w * w + conv(w, 2 * w, 1) + conv(2 * w, w, 1)
    expected = lifter(w) + 4 * layer + conv(w, w, 1) + conv(w, 2, 1)
    assert parameters(made(FFNO)) == expected


@pytest.mark.parametrize("skips", [True, False])
def test_parameters_of_the_hybrid_resnet(skips: bool) -> None:
    w, m = 4, 6
    channels = [w, 2 * w, 4 * w]
    encoder = sum(
        2 * 2 * kept * kept * c * c + conv(c, c, 3) + conv(c, 2 * c, 3)
        for c, kept in ((w, m), (2 * w, 4))  # a level of 8 px holds four modes
    )
    expected = lifter(w) + encoder + 6 * 2 * conv(4 * w, 4 * w, 3) + conv(w, 2, 1)
    assert parameters(made(HybridResNet, skips=skips)) == expected + decoder(channels, skips)


def test_tucker_weights_are_a_tenth_of_the_whole() -> None:
    network = made(TFNO, 64, modes=12, width=16)
    spectral = sum(p.numel() for name, p in network.named_parameters() if "convs" in name)
    whole = 4 * 2 * 24 * 12 * 16 * 16
    assert spectral == pytest.approx(0.1 * whole, rel=0.1)


@U_SHAPED
def test_max_channels_caps_the_doubling(architecture: type[Operator]) -> None:
    network = made(architecture, max_channels=6)
    widths = {layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)}
    assert widths == {2, 4, 6}
    assert made(architecture, max_channels=32).state_dict().keys() == network.state_dict().keys()
    assert network(images(16)).shape == (2, 2, 16, 16)


def test_without_skips_all_goes_through_the_bottleneck() -> None:
    for skips in (True, False):
        network = made(HybridResNet, skips=skips)
        network.bottleneck.register_forward_hook(lambda _module, _args, out: torch.zeros_like(out))
        first, second = network(images(16))
        assert torch.equal(first, second) != skips


def test_what_the_cnn_sees_reaches_its_bottleneck() -> None:
    network, sizes = made(CNN, 32, width=8), []
    for block in network.encoder:
        block.register_forward_hook(
            lambda _module, _args, out: sizes.append(out.detach().std().item())
        )
    network(images(32))
    assert len(sizes) == 4
    assert 0.3 < sizes[-1] / sizes[0] < 3


@pytest.mark.parametrize("layer", [FourierLayer, FactorizedLayer])
def test_fourier_layers_know_no_place(layer: Callable[..., nn.Module]) -> None:
    torch.manual_seed(0)
    shifted, x = layer(3, 4, 16).double(), torch.rand(1, 3, 15, 16, dtype=torch.float64)
    by = {"shifts": (4, -3), "dims": (2, 3)}
    torch.testing.assert_close(shifted(x.roll(**by)), shifted(x).roll(**by), rtol=0, atol=1e-12)


def test_coordinates_tell_one_place_from_another() -> None:
    x = with_coordinates(torch.zeros(3, 1, 4, 5))
    assert x.shape == (3, 3, 4, 5)
    assert x[2, :, 3, 1].tolist() == pytest.approx([0, 3 / 4, 1 / 5])


@pytest.mark.parametrize(("size", "multiple", "expected"), [(33, 2, 34), (33, 4, 36), (32, 4, 32)])
def test_padding(size: int, multiple: int, expected: int) -> None:
    x = padded(images(size), multiple)
    assert x.shape == (2, 1, expected, expected)
    assert torch.equal(x[..., :size, :size], images(size))
    assert math.isclose(float(x.sum()), float(images(size).sum()), rel_tol=1e-5)
