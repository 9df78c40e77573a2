"""FNO as published: Fourier layers at constant resolution, and nothing that refines after them.

Li et al., "Fourier Neural Operator for Parametric Partial Differential Equations", ICLR 2021.
"""

from torch import Tensor, nn
from torch.nn.functional import gelu

from ptychopareto.models.layers import Lifter, Operator, SpectralConv

BLOCKS = 4


class FNOVanilla(Operator):
    """lifter → `blocks` × GELU(spectral + conv1×1) → conv1×1 → GELU → conv1×1 head.

    Against `fno` the layers have no 3×3 convolution and no residual, and no refiner follows.
    Takes (B, in_channels, N, N), gives (B, out_channels, N, N). `modes` frequencies are kept on
    each axis and side, in `width` channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        modes: int,
        width: int,
        blocks: int = BLOCKS,
    ) -> None:
        super().__init__()
        self.lifter = Lifter(in_channels, width)
        self.layers = nn.Sequential(*(FourierLayer(width, modes, size) for _ in range(blocks)))
        self.project = nn.Conv2d(width, width, kernel_size=1)
        self.head = nn.Conv2d(width, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(gelu(self.project(self.layers(self.lifter(x)))))


class FourierLayer(nn.Module):
    """GELU(spectral(x) + conv1×1(x)) on `channels` channels and `size` px."""

    def __init__(self, channels: int, modes: int, size: int) -> None:
        super().__init__()
        self.spectral = SpectralConv(channels, channels, modes, size)
        self.local = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return gelu(self.spectral(x) + self.local(x))
