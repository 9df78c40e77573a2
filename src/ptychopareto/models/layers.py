"""The layers that the architectures share."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad


class Operator(nn.Module):
    """An architecture: (B, in_channels, N, N) in, (B, out_channels, N, N) out of its last layer.

    It is made from `in_channels`, `out_channels`, `size` (the N that it is built for) and its own
    keys of the grid, such as `modes` and `width`, all by name.
    """

    head: nn.Conv2d


class SpectralConv(nn.Module):
    """Multiply the lowest Fourier modes of (B, C, H, W) images by learned matrices.

    The layer keeps the rows k = 0 … m−1 and −m … −1 (two weight blocks, stacked in this order) and
    the columns 0 … m−1 of the half spectrum of a real image; `modes` m is capped at half of `size`.
    On images smaller than `size` it uses the inner part of the weights.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    modes : int
        Kept frequencies on each axis and side.
    size : int
        Side [px] of the images that the layer is built for, odd or even.

    Notes
    -----
    The layer is that of Li et al., ICLR 2021. The transform is a product with the kept rows of the
    DFT matrix: no frequency is computed only to be dropped. The complex product of each mode is one
    real product with the weights as they are stored: [re, −im] times [Re; Im] of the weights is the
    real part, [im, re] times them the imaginary part. Images that lie channels last in memory are
    transformed as they lie. All of it is faster than FFT and complex einsum at these sizes;
    `docs/performance.md` has the times.
    """

    def __init__(self, in_channels: int, out_channels: int, modes: int, size: int) -> None:
        super().__init__()
        self.modes = min(modes, size // 2)
        # It keeps the variance of the kept band; real and imaginary part have half of it each.
        scale = (2 * in_channels) ** -0.5
        shape = (2 * self.modes, self.modes, 2, in_channels, out_channels)
        self.weight = nn.Parameter(scale * torch.randn(shape))
        """(row, column, real | imaginary, in, out)"""

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, in_channels, H, W) to (B, out_channels, H, W)."""
        # bfloat16 is too coarse for a Fourier sum, though not for a convolution.
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(self.weight.dtype)
            if x.is_contiguous(memory_format=torch.channels_last):
                return self._channels_last(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            return self._channels_first(x)

    def _channels_first(self, x: Tensor) -> Tensor:
        """Map images that are stored as (B, C, H, W)."""
        batch, channels, height, width = x.shape
        modes = min(self.modes, height // 2, width // 2)
        along_width, along_height, back_height, back_width = dft_matrices(
            height, width, modes, x.device, x.dtype
        )
        # (B, C, H, W) → columns → (B, C, H, [re | im], m) → rows → (B, C, [re | im], 2m·m)
        half = (x @ along_width).view(batch, channels, 2 * height, modes)
        spectrum = (along_height @ half).view(batch, channels, 2, 2 * modes * modes)
        mixed = self._mix(spectrum.permute(2, 0, 3, 1))
        rows = back_height @ mixed.permute(1, 3, 2, 0).reshape(batch, -1, 4 * modes, modes)
        return rows.view(batch, -1, height, 2 * modes) @ back_width

    def _channels_last(self, x: Tensor) -> Tensor:
        """Map images that are stored as (B, H, W, C), each product from the other side."""
        batch, height, width, channels = x.shape
        modes = min(self.modes, height // 2, width // 2)
        along_width, along_height, back_height, back_width = dft_matrices(
            height, width, modes, x.device, x.dtype
        )
        # (B, H, W, C) → columns → (B, H, [re | im], m, C) → rows → (B, [re | im], 2m·m, C)
        half = (along_width.T @ x).view(batch, 2 * height, modes * channels)
        spectrum = (along_height @ half).view(batch, 2, 2 * modes * modes, channels)
        mixed = self._mix(spectrum.transpose(0, 1))
        rows = back_height @ mixed.permute(1, 2, 0, 3).reshape(batch, 4 * modes, -1)
        return back_width.T @ rows.view(batch, height, 2 * modes, -1)

    def _mix(self, spectrum: Tensor) -> Tensor:
        """Multiply spectra ([re | im], B, 2m·m, C) by the weights: (2m·m, B, [re | im], C')."""
        _, batch, kept, channels = spectrum.shape
        real, imag = spectrum
        parts = torch.stack([real, -imag, imag, real]).view(2, 2, batch, kept, channels)
        stacked = parts.permute(3, 2, 0, 1, 4).reshape(kept, 2 * batch, 2 * channels)
        return (stacked @ self._weight(kept)).view(kept, batch, 2, -1)

    def _weight(self, kept: int) -> Tensor:
        """Return the weights as (2m·m, 2C, C'); only the inner part if m < `modes`."""
        weight: Tensor = self.weight
        modes = math.isqrt(kept // 2)
        if modes < self.modes:
            weight = torch.cat([weight[:modes, :modes], weight[-modes:, :modes]])
        return weight.reshape(kept, -1, weight.shape[-1])


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # training may use a matrix that inference has asked for first
def dft_matrices(
    height: int, width: int, modes: int, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compute the kept part of the 2-D DFT of a real image and of its inverse, as real matrices.

    Parameters
    ----------
    height, width : int
        Rows H and columns W of the image.
    modes : int
        Number m of kept frequencies on each axis and side.
    device : torch.device
        Where the matrices are.
    dtype : torch.dtype
        Their type.

    Returns
    -------
    along_width : (W, 2m)
        x @ it gives [re | im] of columns 0 … m−1, for each row of the image.
    along_height : (4m, 2H)
        Leads from interleaved (row, [re | im]) to ([re | im], kept row), kept rows 0 … m−1, −m …
        −1.
    back_height : (2H, 4m)
        The inverse of `along_height`, with the norm 1/(H·W).
    back_width : (2m, W)
        The inverse of `along_width`. Columns k > 0 stand for ±k, hence their factor 2.
    """
    rows = torch.tensor([*range(modes), *range(-modes, 0)], dtype=torch.float64)
    columns = torch.arange(modes, dtype=torch.float64)
    angle_w = 2 * torch.pi * torch.outer(torch.arange(width, dtype=torch.float64), columns) / width
    angle_h = 2 * torch.pi * torch.outer(rows, torch.arange(height, dtype=torch.float64)) / height

    along_width = torch.cat([angle_w.cos(), -angle_w.sin()], dim=1)
    # exp(−iθ)·(re + i·im): rows of the output are re then im, columns of the input alternate (row,
    # re | im).
    cos, sin = angle_h.cos(), angle_h.sin()
    to_real = torch.stack([cos, sin], dim=2).flatten(1)
    to_imag = torch.stack([-sin, cos], dim=2).flatten(1)
    along_height = torch.cat([to_real, to_imag], dim=0)
    # exp(+iθ)·(re + i·im), the transpose of the above.
    back_height = along_height.T / (height * width)
    fold = torch.where(columns > 0, 2.0, 1.0)
    back_width = (along_width * fold.repeat(2)).T
    matrices = (along_width, along_height, back_height, back_width)
    a, b, c, d = (matrix.to(device=device, dtype=dtype).contiguous() for matrix in matrices)
    return a, b, c, d


class Lifter(nn.Sequential):
    """Lift the patterns to `width` channels: conv3×3 → GELU → conv3×3."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__(conv3x3(in_channels, width), nn.GELU(), conv3x3(width, width))


class SpectralBlock(nn.Module):
    """x + GELU(spectral(x) + conv3×3(x)) on `channels` channels and `size` px."""

    def __init__(self, channels: int, modes: int, size: int) -> None:
        super().__init__()
        self.spectral = SpectralConv(channels, channels, modes, size)
        self.local = conv3x3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, channels, H, W) to images of the same shape."""
        return x + gelu(self.spectral(x) + self.local(x))


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """Make a 3×3 convolution with zero padding.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    stride : int, optional
        Step of the convolution [px]; the size becomes ⌈size / stride⌉.

    Returns
    -------
    nn.Conv2d
    """
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)


class ConvBlock(nn.Sequential):
    """conv3×3 → GELU → conv3×3 → GELU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            conv3x3(in_channels, out_channels),
            nn.GELU(),
            conv3x3(out_channels, out_channels),
            nn.GELU(),
        )


class Decoder(nn.Module):
    """The way back up a U-shape, a level at a time: upsampling, the skip beside it, `ConvBlock`.

    Parameters
    ----------
    channels : sequence of int
        Channels of the levels, finest first, the bottleneck last.
    skips : bool
        Whether the features of the encoder are used; otherwise only their sizes are.
    """

    def __init__(self, channels: Sequence[int], skips: bool = True) -> None:
        super().__init__()
        self.skips = skips
        steps = [*pairwise(channels)][::-1]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in steps
        )
        self.merge = nn.ModuleList(
            ConvBlock(2 * fine if skips else fine, fine) for fine, _ in steps
        )

    def forward(self, x: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Go up from the bottleneck to the finest level.

        Parameters
        ----------
        x : (B, C, h, w)
            Output of the bottleneck.
        features : sequence of Tensor
            The encoder's features of the finer levels, finest first.

        Returns
        -------
        (B, channels[0], H, W)
            Images of the size of the finest features.
        """
        for up, merge, feature in zip(self.up, self.merge, reversed(features), strict=True):
            # An odd size comes back one pixel larger than it was.
            x = up(x)[..., : feature.shape[-2], : feature.shape[-1]]
            x = merge(torch.cat([x, feature], dim=1) if self.skips else x)
        return x


def channels_of_levels(width: int, levels: int, max_channels: int | None) -> list[int]:
    """Double the channels from level to level.

    Parameters
    ----------
    width : int
        Channels of the first level.
    levels : int
        Number of levels.
    max_channels : int or None
        The most channels of a level; None for no limit.

    Returns
    -------
    list of int
        Channels of each level, finest first.
    """
    channels = [width * 2**level for level in range(levels)]
    return channels if max_channels is None else [min(c, max_channels) for c in channels]


def with_coordinates(x: Tensor) -> Tensor:
    """Append two channels to images (B, C, H, W): row / H and column / W of each pixel.

    Networks without zero padding need them, since they cannot tell one place from another: the
    probe is in the middle.
    """
    rows, columns = (torch.arange(n, dtype=x.dtype, device=x.device) / n for n in x.shape[-2:])
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
    return torch.cat([x, grid.expand(len(x), -1, -1, -1)], dim=1)


def padded(x: Tensor, multiple: int) -> Tensor:
    """Pad images with zeros at the end of each axis.

    Parameters
    ----------
    x : (B, C, H, W)
        The images.
    multiple : int
        What the new sides are multiples of [px].

    Returns
    -------
    (B, C, H', W')
        The images, each side rounded up to a multiple.
    """
    height, width = x.shape[-2:]
    return pad(x, (0, -width % multiple, 0, -height % multiple))
