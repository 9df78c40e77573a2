"""FNO: a Fourier neural operator at constant resolution with a convolutional refiner.

Spectral layers after Li et al., "Fourier Neural Operator for Parametric Partial Differential
Equations", ICLR 2021.
"""

from torch import Tensor, nn

from ptychopareto.models.layers import Lifter, Operator, SpectralBlock, conv3x3

BLOCKS = 4


class FNO(Operator):
    """lifter → `blocks` spectral blocks → conv1×1 → 2 × (conv3×3 → GELU) → conv1×1 head.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    modes : int
        Kept frequencies on each axis and side.
    width : int
        Channels of the layers.
    size : int
        Side N of the images [px].
    blocks : int
        Number of spectral blocks.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        modes: int,
        width: int,
        size: int,
        blocks: int = BLOCKS,
    ) -> None:
        super().__init__()
        self.lifter = Lifter(in_channels, width)
        self.blocks = nn.Sequential(*(SpectralBlock(width, modes, size) for _ in range(blocks)))
        self.project = nn.Conv2d(width, width, kernel_size=1)
        self.refiner = nn.Sequential(
            conv3x3(width, width), nn.GELU(), conv3x3(width, width), nn.GELU()
        )
        self.head = nn.Conv2d(width, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, N, N) to (B, out_channels, N, N)."""
        return self.head(self.refiner(self.project(self.blocks(self.lifter(x)))))
