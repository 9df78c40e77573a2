"""Training steps, inference and the spectral layer alone, against plain ones and neuralop's."""

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from benchmarks.measuring import (
    computes_bfloat16,
    copy_bandwidth,
    in_turns,
    interleaved,
    matmul_peak,
    table,
)
from benchmarks.plain import PlainStep, make_plain, plain_layer
from ptychopareto.config import Architecture, Training
from ptychopareto.learning.checkpoint import Checkpoint
from ptychopareto.learning.losses import object_loss
from ptychopareto.learning.scan_data import ScanData
from ptychopareto.learning.supervision import make_loss
from ptychopareto.learning.trainer import Trainer
from ptychopareto.memory import keep_freed_memory
from ptychopareto.models.layers import SpectralConv
from ptychopareto.models.network import Network
from ptychopareto.models.registry import NetworkConfig, build
from ptychopareto.physics.groups import single_patterns
from ptychopareto.reconstruction.predict import predict

SIZE = 64
BATCH = 16
ARCHITECTURES: tuple[Architecture, ...] = ("fno", "hybrid")
WIDTHS, MODES = (16, 32, 64), (12, 24)
BATCHES = (1, 4, 16, 64, 256)  # of inference


def section() -> str:
    """All tables, and the limits of the machine measured beside them."""
    peak, bandwidth = matmul_peak(), copy_bandwidth()
    return (
        f"Limits in the same run: {peak / 1e9:.0f} GFLOP/s in a float32 matrix product of 2048², "
        f"{bandwidth / 1e9:.0f} GB/s of copying. Patterns of {SIZE}². Times are medians.\n\n"
        f"### Training step, batch {BATCH}\n\n{training(peak)}\n"
        "*Convolutions alone*: those of the network, forward and backward, and nothing else. *At "
        "the peak*: their multiplications at the speed of that one matrix product. It is a scale "
        "and not a bound: wide networks can come out below it. *bfloat16*: `training.precision: "
        "bfloat16`, and plain time over it; only where the processor computes it.\n\n"
        f"### Inference, batch {BATCH}\n\n{inference(peak)}\n"
        "### Inference by batch: fno, width 32, modes 12\n\nTimed anew: what both tables have "
        f"(batch {BATCH}) differs by some percent.\n\n{by_batch()}\n"
        f"### The spectral layer alone, forward and backward, batch {BATCH}\n\n{layers()}"
    )


def training(peak: float) -> str:
    rows = []
    for architecture, width, modes in product(ARCHITECTURES, WIDTHS, MODES):
        config = NetworkConfig(architecture, "none", modes, width, SIZE)
        contenders: dict[str, Callable[[], Callable[[], object]]] = {
            "ours": partial(our_step, config),
            "plain": partial(plain_step, config),
            "convolutions": partial(convolutions, config, train=True),
        }
        if computes_bfloat16():
            contenders["bfloat16"] = partial(our_step, config, "bfloat16")
        seconds = in_turns(contenders)
        least = 3 * convolution_flop(build(config)) * BATCH / peak
        rows.append([*row(config, seconds, least), *in_bfloat16(seconds)])
    return table([*HEAD, "bfloat16 [ms]", "ratio"], rows)


def in_bfloat16(seconds: dict[str, float]) -> list[str]:
    if "bfloat16" not in seconds:
        return ["", ""]
    ratio = seconds["plain"] / seconds["bfloat16"]
    return [milliseconds(seconds["bfloat16"]), f"{ratio:.2f}×"]


def scan_and_settings() -> tuple[ScanData, Training]:
    """Made-up data: only their shape matters here."""
    patterns = torch.rand(8 * BATCH, SIZE, SIZE)
    targets = torch.randn(8 * BATCH, SIZE, SIZE, dtype=torch.complex64)
    probe = torch.randn(SIZE, SIZE, dtype=torch.complex64)
    groups = single_patterns(len(patterns), patterns.device)
    return ScanData(patterns, probe, targets, groups), Training(batch_size=BATCH, epochs=100_000)


def our_step(
    config: NetworkConfig, precision: Literal["float32", "bfloat16"] = "float32"
) -> Callable[[], object]:
    """A training step as the package does it, from the indices of a batch to the new weights."""
    keep_freed_memory()
    scan, settings = scan_and_settings()
    settings = settings.model_copy(update={"precision": precision})
    # Nothing is ever saved there: only `Trainer.run` does.
    checkpoint = Checkpoint(Path("checkpoint.pt"), {})
    loss = make_loss("teacher", settings, scan)
    trainer = Trainer(build(config), 0, settings, scan, loss, checkpoint)
    return partial(trainer.update, torch.arange(BATCH))


def plain_step(config: NetworkConfig) -> Callable[[], object]:
    """The same as it is usually written."""
    scan, settings = scan_and_settings()
    if scan.target is None:
        raise TypeError("the step needs targets")
    weight, free = scan.probe.abs(), settings.gauge == "free"
    return PlainStep(
        plain_network(config),
        scan.diffraction[:].unsqueeze(1),
        scan.target[:].unsqueeze(1),
        BATCH,
        lambda predicted, target: object_loss(predicted, target, weight, free),
    )


def plain_network(config: NetworkConfig) -> Network:
    """A network of the package with plain spectral layers."""
    network = build(config)
    make_plain(network.body, SIZE)
    return network


def inference(peak: float) -> str:
    rows = []
    for architecture, width, modes in product(ARCHITECTURES, WIDTHS, MODES):
        config = NetworkConfig(architecture, "none", modes, width, SIZE)
        seconds = in_turns(
            {
                "ours": partial(our_inference, config, BATCH),
                "plain": partial(plain_inference, config, BATCH),
                "convolutions": partial(convolutions, config, train=False),
            }
        )
        least = convolution_flop(build(config)) * BATCH / peak
        rows.append(row(config, seconds, least))
    return table(HEAD, rows)


def by_batch() -> str:
    config = NetworkConfig("fno", "none", 12, 32, SIZE)
    rows = []
    for batch in BATCHES:
        seconds = in_turns(
            {
                "ours": partial(our_inference, config, batch),
                "plain": partial(plain_inference, config, batch),
            }
        )
        ratio = seconds["plain"] / seconds["ours"]
        rate = f"{batch / seconds['ours']:.0f}"
        rows.append([str(batch), milliseconds(seconds["ours"]), rate, f"{ratio:.2f}×"])
    return table(["batch", "ours [ms]", "patterns/s", "faster than plain"], rows)


def our_inference(config: NetworkConfig, batch: int) -> Callable[[], object]:
    keep_freed_memory()
    patterns, probe = torch.rand(batch, SIZE, SIZE), torch.ones(SIZE, SIZE)
    return partial(
        predict, build(config).eval(), patterns, probe, single_patterns(batch, patterns.device)
    )


def plain_inference(config: NetworkConfig, batch: int) -> Callable[[], object]:
    """All patterns at once, without gradients."""
    network, patterns = plain_network(config).eval(), torch.rand(batch, 1, SIZE, SIZE)

    @torch.inference_mode()
    def call() -> Tensor:
        result: Tensor = network(patterns)
        return result

    return call


def convolutions(config: NetworkConfig, train: bool) -> Callable[[], object]:
    """The convolutions of a network alone, on what they are given in it; in training with their
    gradients. What is left when all else costs nothing."""
    keep_freed_memory()
    given: list[tuple[nn.Module, Tensor]] = []
    network = build(config)
    hooks = [
        layer.register_forward_hook(lambda layer, x, _: given.append((layer, x[0].detach())))
        for layer in convolutions_of(network)
    ]
    with torch.no_grad():
        network(torch.rand(BATCH, 1, SIZE, SIZE))
    for hook in hooks:
        hook.remove()
    # What comes from the data needs no gradient.
    for _, x in given[1:]:
        x.requires_grad_(train)
    gradients = [torch.randn_like(layer(x)) for layer, x in given]

    def call() -> None:
        with torch.set_grad_enabled(train):
            for (layer, x), gradient in zip(given, gradients, strict=True):
                made = layer(x)
                if train:
                    x.grad = None
                    layer.zero_grad()
                    made.backward(gradient)

    return call


def convolutions_of(network: nn.Module) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]


def layers() -> str:
    from neuralop.layers.spectral_convolution import SpectralConv as Neuralop

    rows = []
    for width, modes in product(WIDTHS, MODES):
        ours = SpectralConv(width, width, modes, SIZE)
        # neuralop counts columns of the whole spectrum and keeps half of them and one.
        other = Neuralop(width, width, (2 * modes, 2 * modes - 2), bias=False)
        x = torch.randn(BATCH, width, SIZE, SIZE, requires_grad=True)
        plain = plain_layer(x.detach(), ours)
        contenders = {"ours": ours, "plain": plain, "neuralop": other}
        seconds = interleaved(
            {name: partial(forward_backward, layer, x) for name, layer in contenders.items()}
        )
        ratios = [f"{seconds[name] / seconds['ours']:.2f}×" for name in ("plain", "neuralop")]
        times = [milliseconds(seconds[name]) for name in contenders]
        rows.append([str(width), str(modes), *times, *ratios])
    head = ["width", "modes", "ours [ms]", "plain [ms]", "neuralop [ms]"]
    return table([*head, "faster than plain", "faster than neuralop"], rows)


def forward_backward(layer: nn.Module, x: Tensor) -> None:
    layer(x).sum().backward()


def convolution_flop(network: nn.Module) -> float:
    """Operations of all convolutions for one pattern, forward; counted from what they are given."""
    total = 0.0

    def count(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        nonlocal total
        # A transposed convolution uses its weights once for each pixel that it is given.
        pixels = given[0] if isinstance(layer, nn.ConvTranspose2d) else made
        weight = layer.get_parameter("weight")
        total += 2 * weight.numel() * pixels.shape[-2] * pixels.shape[-1]

    hooks = [layer.register_forward_hook(count) for layer in convolutions_of(network)]
    with torch.no_grad():
        network(torch.zeros(1, 1, SIZE, SIZE))
    for hook in hooks:
        hook.remove()
    return total


HEAD = ["network", "width", "modes", "ours [ms]", "plain [ms]", "ratio"]
HEAD += ["convolutions alone [ms]", "at the peak [ms]"]


def row(config: NetworkConfig, seconds: dict[str, float], least: float) -> list[str]:
    times = [milliseconds(seconds[name]) for name in ("ours", "plain")]
    ratio = f"{seconds['plain'] / seconds['ours']:.2f}×"
    limits = [milliseconds(seconds["convolutions"]), milliseconds(least)]
    return [config.architecture, str(config.width), str(config.modes), *times, ratio, *limits]


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g}" if seconds < 1 else f"{1000 * seconds:.0f}"
