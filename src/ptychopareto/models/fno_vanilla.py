"""FNO as published: Fourier layers at constant resolution, without a refiner after them.

Li et al., "Fourier Neural Operator for Parametric Partial Differential Equations", ICLR 2021.
"""

from torch import Tensor, nn
from torch.nn.functional import gelu

from ptychopareto.models.layers import Lifter, Operator, SpectralConv

BLOCKS = 4


class FNOVanilla(Operator):
    """lifter → `blocks` × GELU(spectral + conv1×1) → conv1×1 → GELU → conv1×1 head.

    The layers have no 3×3 convolution and no residual as those of `fno`, and no refiner follows.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    size : int
        Side N of the images [px].
    modes : int
        Kept frequencies on each axis and side.
    width : int
        Channels of the layers.
    blocks : int
        Number of Fourier layers.
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
        """Map images (B, in_channels, N, N) to (B, out_channels, N, N)."""
        return self.head(gelu(self.project(self.layers(self.lifter(x)))))


class FourierLayer(nn.Module):
    """GELU(spectral(x) + conv1×1(x)) on `channels` channels and `size` px."""

    def __init__(self, channels: int, modes: int, size: int) -> None:
        super().__init__()
        self.spectral = SpectralConv(channels, channels, modes, size)
        self.local = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, channels, H, W) to images of the same shape."""
        return gelu(self.spectral(x) + self.local(x))
