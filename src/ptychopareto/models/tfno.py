"""TFNO: an FNO of the neuraloperator package, whose spectral weights are Tucker tensors.

Kossaifi, Kovachki, Azizzadenesheli & Anandkumar, "Multi-Grid Tensorized Fourier Neural Operator for
High-Resolution PDEs", TMLR 2024.
"""

import torch
from neuralop.layers.channel_mlp import ChannelMLP
from neuralop.layers.fno_block import FNOBlocks
from torch import Tensor, nn
from torch.nn.functional import gelu

from ptychopareto.models.layers import Operator, padded, with_coordinates

BLOCKS = 4
RANK = 0.1


class TFNO(Operator):
    """coordinates → MLP → 4 blocks of `neuralop` → conv1×1 → GELU → conv1×1 head.

    A block adds the spectral convolution and a linear skip, and then a channel MLP and a gated
    skip. Its spectral weights are a core and a factor for each of their four axes, with a tenth of
    the numbers of the whole tensor. Odd sizes are padded by a pixel: there the package's inverse
    transform is wrong.

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
    """

    def __init__(
        self, in_channels: int, out_channels: int, size: int, modes: int, width: int
    ) -> None:
        super().__init__()
        modes = min(modes, -(-size // 2))
        self.lifting = ChannelMLP(in_channels + 2, width, hidden_channels=2 * width)
        self.blocks = FNOBlocks(
            width,
            width,
            # The package counts the modes of a whole axis; the last one keeps n // 2 + 1.
            n_modes=(2 * modes, 2 * modes - 2),
            n_layers=BLOCKS,
            # The complex kind stores real parameters, which optimisers and files can take.
            factorization="ComplexTucker",
            rank=RANK,
        )
        self.project = nn.Conv2d(width, 2 * width, kernel_size=1)
        self.head = nn.Conv2d(2 * width, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, N, N) to (B, out_channels, N, N)."""
        # The package's transforms know no bfloat16.
        with torch.autocast(x.device.type, enabled=False):
            height, width = x.shape[-2:]
            x = self.lifting(with_coordinates(padded(x, multiple=2)))
            for index in range(BLOCKS):
                x = self.blocks(x, index)
            return self.head(gelu(self.project(x[..., :height, :width])))
