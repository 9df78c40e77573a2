"""A trained network in real arithmetic with fixed sizes, as runtimes other than torch compute it.

Same function, other form: complex numbers become pairs of real ones, DFT matrices become constants,
and each reshape names its sizes, so that only the batch stays open.
"""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from ptychopareto.models.ffno import AxialSpectralConv, dft_matrices_1d
from ptychopareto.models.layers import SpectralConv, dft_matrices
from ptychopareto.models.network import Network, transform
from ptychopareto.models.registry import NetworkConfig


class RealNetwork(nn.Module):
    """Map amplitudes (B, C, N, N) float32 to the real and the imaginary part of object patches.

    Parameters
    ----------
    network : Network
        A network whose spectral layers are those of this package. It stays as it is.
    config : NetworkConfig
        Its settings, for the size N and the number of channels C.
    """

    def __init__(self, network: Network, config: NetworkConfig) -> None:
        super().__init__()
        self.kind, self.head = network.input_transform, network.head
        self.limit, self.scale = network.limit, network.input_scale
        self.channels = config.channels
        self.registration: nn.Module = nn.Identity()
        if config.magnification != 1:
            self.registration = RealRegistration(config.magnification, config.N)
        body = deepcopy(network.body).eval()
        convert_conv2d_weight_memory_format(body, torch.contiguous_format)
        self.body = with_real_layers(body, config)

    def forward(self, amplitude: Tensor) -> tuple[Tensor, Tensor]:
        """Return both parts of the patches (B, C, N, N) of amplitudes (B, C, N, N)."""
        x = transform(amplitude, self.kind)
        made = self.body(self.registration(x) / self.scale)
        first, second = made[:, : self.channels], made[:, self.channels :]
        if self.head == "amp_phase":
            modulus, phase = self.limit * first.sigmoid(), torch.pi * second.tanh()
            return modulus * phase.cos(), modulus * phase.sin()
        return first, second


@torch.no_grad()
def with_real_layers(body: nn.Module, config: NetworkConfig) -> nn.Module:
    """Replace the spectral layers of a body, each by one for the size that it meets there.

    Parameters
    ----------
    body : nn.Module
        The body of a network, on the CPU; it is changed.
    config : NetworkConfig
        Size N and channels C of its input.

    Returns
    -------
    nn.Module
        The body.
    """
    sizes: dict[str, tuple[int, ...]] = {}
    layers = {name: layer for name, layer in body.named_modules() if type(layer) in REAL_LAYERS}

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: sizes.update({name: tuple(inputs[0].shape[-2:])})

    hooks = [layer.register_forward_pre_hook(note(name)) for name, layer in layers.items()]
    body(torch.zeros(1, config.channels, config.N, config.N))
    for hook in hooks:
        hook.remove()
    for name, layer in layers.items():
        parent, _, own = name.rpartition(".")
        setattr(body.get_submodule(parent), own, REAL_LAYERS[type(layer)](layer, *sizes[name]))
    return body


class RealSpectralConv(nn.Module):
    """`SpectralConv` on images (B, C, height, width)."""

    along_width: Tensor
    along_height: Tensor
    back_height: Tensor
    back_width: Tensor

    def __init__(self, layer: SpectralConv, height: int, width: int) -> None:
        super().__init__()
        modes = min(layer.modes, height // 2, width // 2)
        self.height, self.modes = height, modes
        names = ("along_width", "along_height", "back_height", "back_width")
        matrices = dft_matrices(height, width, modes, torch.device("cpu"), torch.float32)
        for name, matrix in zip(names, matrices, strict=True):
            self.register_buffer(name, matrix)
        inner = torch.cat([layer.weight[:modes, :modes], layer.weight[-modes:, :modes]])
        self.weight = nn.Parameter(inner.detach().flatten(0, 1).clone())  # (2m·m, 2, in, out)

    def forward(self, x: Tensor) -> Tensor:
        """Filter images (B, C, height, width)."""
        m, (_, _, inputs, outputs) = self.modes, self.weight.shape
        half = (x @ self.along_width).reshape(-1, inputs, 2 * self.height, m)
        spectrum = (self.along_height @ half).reshape(-1, 2 * inputs, 2 * m * m)
        mixed = spectrum.permute(2, 0, 1) @ matrices_of(self.weight, inner_parts=True)
        rows = self.back_height @ mixed.permute(1, 2, 0).reshape(-1, outputs, 4 * m, m)
        return rows.reshape(-1, outputs, self.height, 2 * m) @ self.back_width


class RealAxialSpectralConv(nn.Module):
    """`AxialSpectralConv` on images (B, C, height, width)."""

    def __init__(self, layer: AxialSpectralConv, height: int, width: int) -> None:
        super().__init__()
        self.sizes = (height, width)
        self.weights = nn.ParameterList()
        for axis, n in enumerate(self.sizes):
            modes = min(layer.modes, n // 2)
            forth, back = dft_matrices_1d(n, modes, torch.device("cpu"), torch.float32)
            self.register_buffer(f"forth{axis}", forth)
            self.register_buffer(f"back{axis}", back)
            self.weights.append(nn.Parameter(layer.weight[axis, :modes].detach().clone()))

    def forward(self, x: Tensor) -> Tensor:
        """Filter images (B, C, height, width)."""
        height, width = self.sizes
        channels, outputs = self.weights[0].shape[-2:]
        x = x.permute(0, 2, 3, 1)
        along_height = self._along(x.reshape(-1, height, width, channels), 0)
        along_width = self._along(x.reshape(-1, width, 1, channels), 1)
        summed = along_height + along_width.reshape(-1, height, width, outputs)
        return summed.permute(0, 3, 1, 2)

    def _along(self, x: Tensor, axis: int) -> Tensor:
        """Filter (P, n, Q, C) along n."""
        weight = self.weights[axis]
        forth, back = self.get_buffer(f"forth{axis}"), self.get_buffer(f"back{axis}")
        modes, _, channels, outputs = weight.shape
        n = self.sizes[axis]
        inner = self.sizes[1] if axis == 0 else 1
        spectrum = (forth @ x.reshape(-1, n, inner * channels)).reshape(
            -1, 2, modes, inner, channels
        )
        stacked = spectrum.permute(2, 0, 3, 1, 4).reshape(modes, -1, 2 * channels)
        mixed = stacked @ matrices_of(weight, inner_parts=False)
        rows = mixed.reshape(modes, -1, inner, 2, outputs).permute(1, 3, 0, 2, 4)
        return (back @ rows.reshape(-1, 2 * modes, inner * outputs)).reshape(-1, n, inner, outputs)


REAL_LAYERS: dict[type[nn.Module], Callable[..., nn.Module]] = {
    SpectralConv: RealSpectralConv,
    AxialSpectralConv: RealAxialSpectralConv,
}


def matrices_of(weight: Tensor, *, inner_parts: bool) -> Tensor:
    """Write complex matrices as real ones.

    Parameters
    ----------
    weight : (K, 2, in, out)
        Complex matrices as [re | im].
    inner_parts : bool
        Whether the channels' parts lie side by side, [re, im] of each; otherwise all real parts
        come before all imaginary ones.

    Returns
    -------
    (K, 2·in, 2·out)
        Real matrices.
    """
    count, _, inputs, outputs = weight.shape
    real, imag = weight[:, 0], weight[:, 1]
    if inner_parts:
        of_real, of_imag = torch.stack([real, imag], -1), torch.stack([-imag, real], -1)
        pairs = torch.stack([of_real, of_imag], 2)  # (K, in, part, out, part)
    else:
        of_real, of_imag = torch.stack([real, imag], 2), torch.stack([-imag, real], 2)
        pairs = torch.stack([of_real, of_imag], 1)  # (K, part, in, part, out)
    return pairs.reshape(count, 2 * inputs, 2 * outputs)


class RealRegistration(nn.Module):
    """`Registration` as one matrix for the rows and one for the columns of images (B, C, N, N)."""

    rows: Tensor
    columns: Tensor

    def __init__(self, magnification: float, size: int) -> None:
        super().__init__()
        rows = bilinear_matrix(magnification, size)
        self.register_buffer("rows", rows)
        self.register_buffer("columns", rows.T.contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Resample images (B, C, N, N)."""
        return self.rows @ x @ self.columns


def bilinear_matrix(magnification: float, size: int) -> Tensor:
    """Return the matrix that resamples an axis: N/2 + s·(r − N/2) comes to lie on r, zeros outside.

    Parameters
    ----------
    magnification : float
        s, signed.
    size : int
        Number N of pixels.

    Returns
    -------
    (N, N) float32
        The matrix.
    """
    pixels, centre = torch.arange(size, dtype=torch.float64), size // 2
    position = magnification * (pixels - centre) + centre
    distance = (position[:, None] - pixels).abs()
    return (1 - distance).clamp_min(0).float()
