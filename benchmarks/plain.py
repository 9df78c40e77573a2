"""The same networks and training step as such code is usually written: the reference of speed.

FFT, complex einsum, complex weights, a DataLoader, a loss read at each step.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ptychopareto.models.layers import SpectralConv


class PlainSpectralConv(nn.Module):
    """What `SpectralConv` computes, with its weights, by `rfft2` and a complex einsum.

    (B, C, H, W) in and out, for images of the size the layer was built for.
    """

    def __init__(self, layer: SpectralConv) -> None:
        super().__init__()
        self.modes = layer.modes
        weight = torch.complex(*layer.weight.detach().unbind(2)).permute(2, 3, 0, 1)
        # (in, out, row, column): the rows 0 … m−1, and −m … −1
        self.low = nn.Parameter(weight[:, :, : self.modes].contiguous())
        self.high = nn.Parameter(weight[:, :, self.modes :].contiguous())

    def forward(self, x: Tensor) -> Tensor:
        m, (height, width) = self.modes, x.shape[-2:]
        spectrum = torch.fft.rfft2(x)
        mixed = spectrum.new_zeros(len(x), self.low.shape[1], *spectrum.shape[-2:])
        kept = ((slice(m), self.low), (slice(-m, None), self.high))
        for rows, weight in kept:
            block = spectrum[:, :, rows, :m]
            mixed[:, :, rows, :m] = torch.einsum("bixy,ioxy->boxy", block, weight)
        return torch.fft.irfft2(mixed, s=(height, width))


def plain_layer(x: Tensor, layer: SpectralConv) -> PlainSpectralConv:
    """The plain layer with the weights of `layer`. Raises ValueError if it computes another."""
    plain = PlainSpectralConv(layer)
    # Compared in float64, where only another function can differ by this much.
    exact = layer.double()(x.double()), PlainSpectralConv(layer)(x.double())
    layer.float()
    if not torch.allclose(*exact, rtol=0, atol=1e-10):
        raise ValueError("the plain layer does not compute what the fast one does")
    return plain


def make_plain(network: nn.Module, size: int) -> None:
    """Replace all spectral layers of a network for (size)² images by plain ones."""
    for parent in [*network.modules()]:
        for name, child in [*parent.named_children()]:
            if isinstance(child, SpectralConv):
                side = min(size, 2 * child.modes)
                x = torch.randn(1, child.weight.shape[-2], side, side)
                setattr(parent, name, plain_layer(x, child))


class PlainStep:
    """One training step on patterns and targets (n, 1, N, N): call it once for each."""

    def __init__(
        self,
        network: nn.Module,
        patterns: Tensor,
        targets: Tensor,
        batch: int,
        loss: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        self.network, self.loss = network, loss
        data = TensorDataset(patterns, targets)
        self.loader = DataLoader(data, batch_size=batch, shuffle=True)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        self.batches = self._endless()

    def _endless(self) -> Iterator[list[Tensor]]:
        while True:
            yield from self.loader

    def __call__(self) -> float:
        patterns, targets = next(self.batches)
        self.optimizer.zero_grad()
        loss = self.loss(self.network(patterns), targets)
        loss.backward()
        self.optimizer.step()
        return loss.item()
