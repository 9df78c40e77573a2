"""Hybrid U-NO: a U-shaped operator with a spectral encoder and a convolutional decoder.

The U-shape of operators is that of Rahman, Ross & Azizzadenesheli, "U-NO: U-shaped Neural
Operators", TMLR 2023; its spectral layers those of Li et al., ICLR 2021.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from ptychopareto.models.layers import (
    Lifter,
    Operator,
    SpectralBlock,
    channels_of_levels,
    conv3x3,
)

LEVELS = 4
BLOCKS = 1  # spectral blocks on each level


class Hybrid(Operator):
    """lifter → 4 spectral levels with strided convolutions between → bottleneck → decoder → head.

    A level of the encoder has `blocks` spectral blocks. Each step down halves the size, rounded up,
    and doubles the channels. The bottleneck block keeps modes / 2. A decoder step is a transposed
    convolution, the skip beside it, and conv3×3 → GELU → conv3×3.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    modes : int
        Kept frequencies on each axis and side, or as many as a level holds.
    width : int
        Channels of the finest level.
    size : int
        Side N of the images [px].
    max_channels : int or None
        The most channels of a level; None for no limit.
    blocks : int
        Spectral blocks on each level.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        modes: int,
        width: int,
        size: int,
        max_channels: int | None = None,
        blocks: int = BLOCKS,
    ) -> None:
        super().__init__()
        channels = channels_of_levels(width, LEVELS, max_channels)
        sizes = [-(-size // 2**level) for level in range(LEVELS)]
        steps = list(pairwise(channels))
        self.lifter = Lifter(in_channels, channels[0])
        self.encoder = nn.ModuleList(
            _level(c, modes, n, blocks) for c, n in zip(channels, sizes, strict=True)
        )
        self.down = nn.ModuleList(conv3x3(fine, coarse, stride=2) for fine, coarse in steps)
        self.bottleneck = SpectralBlock(channels[-1], max(1, modes // 2), sizes[-1])
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in reversed(steps)
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(conv3x3(2 * fine, fine), nn.GELU(), conv3x3(fine, fine))
            for fine, _ in reversed(steps)
        )
        self.head = nn.Conv2d(channels[0], out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, N, N) to (B, out_channels, N, N)."""
        x = self.encoder[0](self.lifter(x))
        skips = []
        for down, block in zip(self.down, self.encoder[1:], strict=True):
            skips.append(x)
            x = block(down(x))
        x = self.bottleneck(x)
        for up, merge in zip(self.up, self.decoder, strict=True):
            skip = skips.pop()
            # An odd size comes back one pixel larger than it was.
            x = up(x)[..., : skip.shape[-2], : skip.shape[-1]]
            x = merge(torch.cat([x, skip], dim=1))
        return self.head(x)


def _level(channels: int, modes: int, size: int, blocks: int) -> nn.Module:
    """Return the spectral blocks of a level; a single one is not wrapped."""
    several = [SpectralBlock(channels, modes, size) for _ in range(blocks)]
    return several[0] if blocks == 1 else nn.Sequential(*several)
