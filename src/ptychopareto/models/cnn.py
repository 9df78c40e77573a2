"""CNN: a U-Net of plain convolutions, the architecture that neural operators are compared with.

Of the kind of PtychoNN (Cherukara et al., Appl. Phys. Lett. 117, 044103 (2020)) and PtychoPINN
(Hoidn, Mishra & Mehta, Sci. Rep. 13, 22789 (2023)), which are encoder and decoder alone. The skips
between them are those of Ronneberger, Fischer & Brox, "U-Net", MICCAI 2015.
"""

from itertools import pairwise

from torch import Tensor, nn

from ptychopareto.models.layers import ConvBlock, Decoder, Operator, channels_of_levels

LEVELS = 4


class CNN(Operator):
    """4 × (conv3×3 → GELU → conv3×3 → GELU), max pooling between them → decoder with skips → head.

    Each step down halves the size, rounded up, and doubles the channels, up to `max_channels`; None
    sets no limit. A pixel sees as far as the convolutions reach; no Fourier layer sees further.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    size : int
        Side N of the images; the layers take any.
    width : int
        Channels of the finest level.
    max_channels : int or None
        The most channels of a level; None for no limit.
    """

    def __init__(
        self, in_channels: int, out_channels: int, size: int, width: int, max_channels: int | None
    ) -> None:
        super().__init__()
        channels = channels_of_levels(width, LEVELS, max_channels)
        self.encoder = nn.ModuleList(
            ConvBlock(finer, coarser) for finer, coarser in pairwise([in_channels, *channels])
        )
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.decoder = Decoder(channels)
        self.head = nn.Conv2d(channels[0], out_channels, kernel_size=1)

        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer is not self.head:
                start_loud(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, N, N) to (B, out_channels, N, N)."""
        features = [self.encoder[0](x)]
        for block in self.encoder[1:]:
            features.append(block(self.pool(features[-1])))
        return self.head(self.decoder(features[-1], features[:-1]))


def start_loud(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Give a layer weights with which it and its activation keep the variance.

    With torch's own weights the signal of each layer is some three times smaller than that of the
    one before. The way through the bottleneck, without residuals, then starts silent and learns
    late: see `docs/architectures.md`.

    Notes
    -----
    He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", ICCV 2015.
    """
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.get_parameter("bias"))
