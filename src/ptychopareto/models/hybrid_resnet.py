"""Hybrid ResNet: a spectral encoder, a bottleneck of residual blocks, a convolutional decoder.

The network is of the kind of PtychoPINN's network of this name: the encoder is that of `hybrid`,
the bottleneck that of image-to-image networks (Johnson, Alahi & Fei-Fei, "Perceptual Losses for
Real-Time Style Transfer and Super-Resolution", ECCV 2016) with residual blocks after He et al.,
CVPR 2016.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import gelu

from ptychopareto.models.layers import (
    Decoder,
    Lifter,
    Operator,
    SpectralBlock,
    channels_of_levels,
    conv3x3,
)

LEVELS = 3
RESIDUAL_BLOCKS = 6


class HybridResNet(Operator):
    """lifter → 2 × (spectral block → strided conv) → `blocks` residual blocks → decoder → head.

    Each step down halves the size, rounded up, and doubles the channels.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    size : int
        Side N of the images [px].
    modes : int
        Kept frequencies on each axis and side, or as many as a level holds.
    width : int
        Channels of the finest level.
    max_channels : int or None
        The most channels of a level; None for no limit.
    skips : bool
        Whether the decoder sees the encoder's features of each level.
    blocks : int
        Residual blocks of the bottleneck.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        modes: int,
        width: int,
        max_channels: int | None,
        skips: bool,
        blocks: int = RESIDUAL_BLOCKS,
    ) -> None:
        super().__init__()
        channels = channels_of_levels(width, LEVELS, max_channels)
        sizes = [-(-size // 2**level) for level in range(LEVELS - 1)]
        self.lifter = Lifter(in_channels, channels[0])
        self.encoder = nn.ModuleList(
            SpectralBlock(c, modes, n) for c, n in zip(channels[:-1], sizes, strict=True)
        )
        self.down = nn.ModuleList(
            conv3x3(fine, coarse, stride=2) for fine, coarse in pairwise(channels)
        )
        self.bottleneck = nn.Sequential(*(ResidualBlock(channels[-1]) for _ in range(blocks)))
        self.decoder = Decoder(channels, skips)
        self.head = nn.Conv2d(channels[0], out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, N, N) to (B, out_channels, N, N)."""
        x = self.lifter(x)
        features = []
        for block, down in zip(self.encoder, self.down, strict=True):
            features.append(block(x))
            x = down(features[-1])
        return self.head(self.decoder(self.bottleneck(x), features))


class ResidualBlock(nn.Module):
    """x + conv3×3(GELU(conv3×3(x))) on `channels` channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv3x3(channels, channels)
        self.second = conv3x3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, channels, H, W) to images of the same shape."""
        return x + self.second(gelu(self.first(x)))
