"""U-NO: a U-shape of Fourier layers of the neuraloperator package.

Rahman, Ross & Azizzadenesheli, "U-NO: U-shaped Neural Operators", TMLR 2023.
"""

import io
from contextlib import redirect_stdout
from functools import partial

import torch
from neuralop.layers.fno_block import FNOBlocks
from neuralop.layers.spectral_convolution import SpectralConv
from neuralop.models import UNO as Body
from torch import Tensor, nn
from torch.nn.functional import gelu

from ptychopareto.models.layers import Operator, padded, with_coordinates

SCALINGS = (1.0, 0.5, 1.0, 2.0, 1.0)


class UNO(Operator):
    """coordinates → MLP → 5 blocks of `neuralop` (sizes 1, ½, ½, 1, 1) → conv1×1 → GELU → head.

    A block adds the spectral convolution and a linear skip, and then a channel MLP and a linear
    skip. Channels double at half size, and horizontal skips lead from the first to the last block
    and from the second to the fourth. Sizes are padded to a multiple of four: the package's inverse
    transform is wrong for odd ones.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    size : int
        Side N of the images [px].
    modes : int
        Kept frequencies on each axis and side, or as many as half the size holds.
    width : int
        Channels at full size.
    """

    def __init__(
        self, in_channels: int, out_channels: int, size: int, modes: int, width: int
    ) -> None:
        super().__init__()
        quarter = -(-size // 4)
        full, half = min(modes, 2 * quarter), min(modes, quarter)
        with redirect_stdout(io.StringIO()):  # it prints the settings of each block
            self.body = Body(
                in_channels=in_channels + 2,
                out_channels=out_channels,
                hidden_channels=width,
                lifting_channels=2 * width,
                positional_embedding=None,  # `with_coordinates` does it, on whatever device
                n_layers=len(SCALINGS),
                uno_out_channels=[width, 2 * width, 2 * width, width, width],
                # The package counts the modes of a whole axis; the last one keeps n // 2 + 1.
                uno_n_modes=[[2 * m, 2 * m - 2] for m in (full, half, half, half, full)],
                uno_scalings=[[scale, scale] for scale in SCALINGS],
                channel_mlp_skip="linear",
                # The complex kind stores real parameters, which optimisers and files can take.
                factorization="ComplexDense",
                operator_block=partial(FNOBlocks, conv_module=RescaledSpectralConv),
            )
        self.body.projection = nn.Conv2d(width, 2 * width, kernel_size=1)
        self.head = nn.Conv2d(2 * width, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, N, N) to (B, out_channels, N, N)."""
        # The package's transforms know no bfloat16.
        with torch.autocast(x.device.type, enabled=False):
            height, width = x.shape[-2:]
            x = self.body(with_coordinates(padded(x, multiple=4)))
            return self.head(gelu(x[..., :height, :width]))


class RescaledSpectralConv(SpectralConv):
    """`neuralop`'s spectral convolution, resampled after it to the size of the next level.

    The package's own way changes the size of the spectrum at its end, where the negative
    frequencies are: they would be lost on the way down, and become others on the way up.
    """

    def forward(self, x: Tensor, output_shape: object = None) -> Tensor:
        """Transform images at their own size, then resample them.

        Parameters
        ----------
        x : (B, in_channels, H, W)
            The images.
        output_shape : object, optional
            Not used; the scaling of the layer decides.

        Returns
        -------
        (B, out_channels, H', W')
            The images at the size of the next level.
        """
        return self.transform(super().forward(x, output_shape=tuple(x.shape[-2:])))

    def transform(self, x: Tensor, output_shape: object = None) -> Tensor:
        """Resample images that go beside the convolution.

        Parameters
        ----------
        x : (B, C, H, W)
            The images.
        output_shape : object, optional
            Not used; the scaling of the layer decides.

        Returns
        -------
        (B, C, H', W')
            The images at the size of the next level; `x` itself if that is the same.
        """
        return x if self.resolution_scaling_factor == [1, 1] else super().transform(x)
