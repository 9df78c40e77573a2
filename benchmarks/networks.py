"""Training steps, inference and the spectral layer alone, against plain ones and neuralop's."""

import tempfile
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.measuring import copy_bandwidth, interleaved, matmul_peak, table
from benchmarks.plain import PlainStep, make_plain, plain_layer
from ptychopareto.config import Architecture, Training
from ptychopareto.learning.checkpoint import Checkpoint
from ptychopareto.learning.losses import object_loss
from ptychopareto.learning.scan_data import ScanData
from ptychopareto.learning.training import Trainer, make_loss
from ptychopareto.models.layers import SpectralConv
from ptychopareto.models.network import Network
from ptychopareto.models.registry import NetworkConfig, build

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
        "Convolutions done directly, forward and backward, cannot take less than the limit: their "
        "multiplications at the speed of that matrix product. Nothing else is counted in it.\n\n"
        f"### Inference, batch {BATCH}\n\n{inference(peak)}\n"
        f"### Inference by batch: fno, width 32, modes 12\n\n{by_batch()}\n"
        f"### The spectral layer alone, forward and backward, batch {BATCH}\n\n{layers()}"
    )


def networks(architecture: Architecture, width: int, modes: int) -> tuple[Network, Network]:
    """A network of the package, and the same with plain spectral layers."""
    config = NetworkConfig(architecture, "none", modes, width, SIZE)
    fast, plain = build(config), build(config)
    make_plain(plain.body, SIZE)
    return fast, plain


def training(peak: float) -> str:
    patterns = torch.rand(8 * BATCH, 1, SIZE, SIZE)
    targets = torch.randn(8 * BATCH, 1, SIZE, SIZE, dtype=torch.complex64)
    probe = torch.randn(SIZE, SIZE, dtype=torch.complex64)
    scan = ScanData(patterns, probe, targets)
    settings = Training(batch_size=BATCH, epochs=100_000)
    weight, index = probe.abs(), torch.arange(BATCH)
    rows = []
    for architecture, width, modes in product(ARCHITECTURES, WIDTHS, MODES):
        fast, plain = networks(architecture, width, modes)
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Checkpoint(Path(folder, "checkpoint.pt"), {})
            loss = make_loss("teacher", settings, scan)
            trainer = Trainer(fast, 0, settings, scan, loss, checkpoint)
            plain_step = PlainStep(
                plain, patterns, targets, BATCH, lambda a, b: object_loss(a, b, weight, False)
            )
            seconds = interleaved({"ours": partial(trainer.update, index), "plain": plain_step})
        least = 3 * convolution_flop(fast) * BATCH / peak
        rows.append(row(architecture, width, modes, seconds, least))
    return table(HEAD, rows)


def inference(peak: float) -> str:
    patterns = torch.rand(BATCH, 1, SIZE, SIZE)
    rows = []
    for architecture, width, modes in product(ARCHITECTURES, WIDTHS, MODES):
        fast, plain = networks(architecture, width, modes)
        seconds = interleaved({"ours": infer(fast, patterns), "plain": infer(plain, patterns)})
        least = convolution_flop(fast) * BATCH / peak
        rows.append(row(architecture, width, modes, seconds, least))
    return table(HEAD, rows)


def by_batch() -> str:
    fast, plain = networks("fno", 32, 12)
    rows = []
    for batch in BATCHES:
        patterns = torch.rand(batch, 1, SIZE, SIZE)
        seconds = interleaved({"ours": infer(fast, patterns), "plain": infer(plain, patterns)})
        ratio = seconds["plain"] / seconds["ours"]
        rate = f"{batch / seconds['ours']:.0f}"
        rows.append([str(batch), milliseconds(seconds["ours"]), rate, f"{ratio:.2f}×"])
    return table(["batch", "ours [ms]", "patterns/s", "faster than plain"], rows)


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


def infer(network: nn.Module, patterns: Tensor) -> Callable[[], Tensor]:
    network.eval()

    @torch.inference_mode()
    def call() -> Tensor:
        result: Tensor = network(patterns)
        return result

    return call


def convolution_flop(network: nn.Module) -> float:
    """Operations of all convolutions for one pattern, forward; counted from what they are given."""
    total = 0.0

    def count(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        nonlocal total
        # A transposed convolution uses its weights once for each pixel that it is given.
        pixels = given[0] if isinstance(layer, nn.ConvTranspose2d) else made
        weight = layer.get_parameter("weight")
        total += 2 * weight.numel() * pixels.shape[-2] * pixels.shape[-1]

    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        network(torch.zeros(1, 1, SIZE, SIZE))
    for hook in hooks:
        hook.remove()
    return total


HEAD = ["network", "width", "modes", "ours [ms]", "plain [ms]", "ratio", "limit [ms]"]


def row(
    architecture: str, width: int, modes: int, seconds: dict[str, float], least: float
) -> list[str]:
    times = [milliseconds(seconds["ours"]), milliseconds(seconds["plain"])]
    ratio = f"{seconds['plain'] / seconds['ours']:.2f}×"
    return [architecture, str(width), str(modes), *times, ratio, milliseconds(least)]


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g}" if seconds < 1 else f"{1000 * seconds:.0f}"
