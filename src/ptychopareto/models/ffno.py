"""F-FNO: Fourier layers with a one-dimensional transform per axis, each with weights of its own.

Tran, Mathews, Xie & Ong, "Factorized Fourier Neural Operators", ICLR 2023.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from ptychopareto.models.layers import Lifter, Operator

BLOCKS = 4
EXPANSION = 2


class FFNO(Operator):
    """lifter → `blocks` × (x + W₂ GELU(W₁ Σ_d F_d⁻¹ R_d F_d x)) → conv1×1 → GELU → conv1×1 head.

    d are the two axes, R_d the learned weights of their frequencies, W₁ and W₂ a feed-forward
    network of 1×1 convolutions. Weights grow with `modes`, not with its square.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    size : int
        Side N of the images [px].
    modes : int
        Kept frequencies on each axis.
    width : int
        Channels of the layers.
    blocks : int
        Number of layers.
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
        self.layers = nn.Sequential(*(FactorizedLayer(width, modes, size) for _ in range(blocks)))
        self.project = nn.Conv2d(width, width, kernel_size=1)
        self.head = nn.Conv2d(width, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, N, N) to (B, out_channels, N, N)."""
        return self.head(gelu(self.project(self.layers(self.lifter(x)))))


class FactorizedLayer(nn.Module):
    """x + conv1×1(GELU(conv1×1(spectral(x)))) on `channels` channels and `size` px."""

    def __init__(self, channels: int, modes: int, size: int) -> None:
        super().__init__()
        self.spectral = AxialSpectralConv(channels, channels, modes, size)
        self.expand = nn.Conv2d(channels, EXPANSION * channels, kernel_size=1)
        self.contract = nn.Conv2d(EXPANSION * channels, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, channels, H, W) to images of the same shape."""
        return x + self.contract(gelu(self.expand(self.spectral(x))))


class AxialSpectralConv(nn.Module):
    """Multiply the lowest Fourier modes along each axis of (B, C, H, W) images, and add both.

    Along an axis the frequencies 0 … m−1 of the half spectrum are kept, in each row or column of
    the image by itself, and multiplied by learned matrices. `modes` m is capped at half of `size`.
    Along an axis shorter than `size` the first of the weights are used. The transforms are products
    with the kept rows of the DFT matrix, and the complex products are real ones, as in
    `layers.SpectralConv`.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    modes : int
        Kept frequencies on each axis.
    size : int
        Side [px] of the images that the layer is built for, odd or even.
    """

    def __init__(self, in_channels: int, out_channels: int, modes: int, size: int) -> None:
        super().__init__()
        self.modes = min(modes, size // 2)
        # It keeps the variance of both kept bands; real and imaginary part have half of it each.
        scale = (2 * in_channels) ** -0.5
        shape = (2, self.modes, 2, in_channels, out_channels)
        self.weight = nn.Parameter(scale * torch.randn(shape))
        """(rows' axis | columns' axis, frequency, real | imaginary, in, out)"""

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, H, W) to (B, out_channels, H, W)."""
        # bfloat16 is too coarse for a Fourier sum, though not for a convolution.
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.weight.dtype).permute(0, 2, 3, 1)
            batch, height, width, channels = x.shape
            along_height = self._along(x.reshape(batch, height, width, channels), 0)
            along_width = self._along(x.reshape(batch * height, width, 1, channels), 1)
            summed = along_height + along_width.view(batch, height, width, -1)
            return summed.permute(0, 3, 1, 2)

    def _along(self, x: Tensor, axis: int) -> Tensor:
        """Transform, multiply and transform back (P, n, Q, C) along n."""
        outer, n, inner, channels = x.shape
        modes = min(self.modes, n // 2)
        forth, back = dft_matrices_1d(n, modes, x.device, x.dtype)
        # → (P, [re | im]·m, Q·C) → (m, P·Q, [re | im]·C)
        spectrum = (forth @ x.reshape(outer, n, -1)).view(outer, 2, modes, inner, channels)
        stacked = spectrum.permute(2, 0, 3, 1, 4).reshape(modes, outer * inner, 2 * channels)
        mixed = stacked @ self._matrices(axis, modes)
        rows = mixed.view(modes, outer, inner, 2, -1).permute(1, 3, 0, 2, 4)
        return (back @ rows.reshape(outer, 2 * modes, -1)).view(outer, n, inner, -1)

    def _matrices(self, axis: int, modes: int) -> Tensor:
        """Return the complex weights of an axis as real matrices (m, 2·C, 2·C') of [re | im]."""
        real, imag = self.weight[axis, :modes].unbind(1)
        return torch.cat([torch.cat([real, imag], 2), torch.cat([-imag, real], 2)], 1)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # training may use a matrix that inference has asked for first
def dft_matrices_1d(
    n: int, modes: int, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Compute the kept part of the DFT of real numbers and of its inverse, both as real matrices.

    Parameters
    ----------
    n : int
        Number of the real numbers.
    modes : int
        Number m of kept frequencies, 0 … m−1.
    device : torch.device
        Where the matrices are.
    dtype : torch.dtype
        Their type.

    Returns
    -------
    forth : (2m, n)
        Gives [re | im] of the kept frequencies.
    back : (n, 2m)
        The inverse, with the norm 1/n. Frequencies k > 0 stand for ±k, hence their factor 2.
    """
    frequencies = torch.arange(modes, dtype=torch.float64)
    angle = 2 * torch.pi * torch.outer(frequencies, torch.arange(n, dtype=torch.float64)) / n
    forth = torch.cat([angle.cos(), -angle.sin()])
    fold = torch.where(frequencies > 0, 2.0, 1.0).repeat(2)
    back = forth.T * fold / n
    return (
        forth.to(device=device, dtype=dtype).contiguous(),
        back.to(device=device, dtype=dtype).contiguous(),
    )
