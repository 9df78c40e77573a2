"""From diffraction pattern to object patch, around an architecture."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample
from torch.nn.utils import convert_conv2d_weight_memory_format

from ptychopareto.config import Head, InputTransform

# Factor by which the head's weights start smaller than usual.
HEAD_START = 0.01
# The least start of an amplitude, as a fraction of its limit: a scan without light would have 0,
# which has no logit.
LEAST_SHARE = 1e-6
# Channels from which on images lie channels last; `docs/performance.md` has the times of both.
CHANNELS_LAST = 16


class Network(nn.Module):
    """Diffraction amplitudes (B, C, N, N) float32 in, object patches (B, C, N, N) complex64 out.

    The input is max(x, 0), transformed, resampled about the centre by the probe's magnification s
    (`Registration`), and divided by a fixed scale. The body's 2·C output channels a, b make the
    patch: a + ib (`real_imag`), or A·exp(iφ) with A = limit·sigmoid(a), φ = π·tanh(b)
    (`amp_phase`), where the limit is `largest_amplitude`.

    Parameters
    ----------
    body : nn.Module
        An `Operator` from C to 2·C channels.
    input_transform : {"none", "log1p", "sqrt"}
        `none`, `log1p` or `sqrt`, elementwise.
    magnification : float
        Magnification s of the probe's shadow; 1 for no resampling.
    input_scale : float
        The scale, > 0.
    head : {"real_imag", "amp_phase"}
        `real_imag` or `amp_phase`.
    transmission : float
        RMS of the object's amplitude, which bounds the amplitude of `amp_phase`.
    """

    def __init__(
        self,
        body: nn.Module,
        input_transform: InputTransform,
        magnification: float,
        input_scale: float,
        head: Head = "real_imag",
        transmission: float = 1.0,
    ) -> None:
        super().__init__()
        self.body = body
        self.input_transform = input_transform
        self.registration = Registration(magnification)
        self.input_scale = input_scale
        self.head = head
        self.limit = largest_amplitude(transmission)

    def forward(self, amplitude: Tensor) -> Tensor:
        """Map amplitudes (B, C, N, N) to complex patches (B, C, N, N)."""
        x = transform(amplitude, self.input_transform)
        made = self.body(self.registration(x) / self.input_scale)
        # Under autocast the head computes in a precision that complex numbers do not have.
        first, second = made.to(amplitude.dtype).chunk(2, dim=1)
        if self.head == "amp_phase":
            return torch.polar(self.limit * first.sigmoid(), torch.pi * second.tanh())
        return torch.complex(first, second)


def largest_amplitude(transmission: float) -> float:
    """Return the bound of the amplitude that an amp_phase head gives: 2·max(1, transmission).

    `transmission` is the RMS of the object's amplitude. A transparent place has amplitude 1,
    however much the rest absorbs; in other units the amplitudes are about their RMS. The larger of
    the two lies in the middle of the sigmoid, where it is steepest; twice that is the bound.
    """
    return 2 * max(1.0, transmission)


def lay_out(body: nn.Module) -> None:
    """Choose how images lie in memory in a network: the convolutions' weights decide for all.

    Channels last is faster where there are enough channels for the registers of a processor.
    """
    widest = max(layer.out_channels for layer in body.modules() if isinstance(layer, nn.Conv2d))
    if widest >= CHANNELS_LAST:
        convert_conv2d_weight_memory_format(body, torch.channels_last)


@torch.no_grad()
def start_uniform(layer: nn.Conv2d, head: Head, transmission: float) -> None:
    """Let the untrained network see a nearly uniform object everywhere.

    Parameters
    ----------
    layer : nn.Conv2d
        The last layer, with 2·C output channels; its weights and biases are changed.
    head : {"real_imag", "amp_phase"}
        `real_imag` or `amp_phase`.
    transmission : float
        The real value of the object.

    Notes
    -----
    This is the classical flat start. A random start has a random phase in each patch, and physics
    supervision, blind to global phases, keeps much of it (`docs/recipe.md`). The first half of the
    channels starts at the value that gives this amplitude: at itself as a real part, at the logit
    of transmission / limit before the sigmoid of an amplitude. The other half starts at 0.
    """
    half = layer.out_channels // 2
    start = transmission
    if head == "amp_phase":
        share = max(transmission / largest_amplitude(transmission), LEAST_SHARE)
        start = math.log(share / (1 - share))
    layer.weight.mul_(HEAD_START)
    for channels, value in ((slice(half), start), (slice(half, None), 0.0)):
        nn.init.constant_(layer.get_parameter("bias")[channels], value)


def transform(amplitude: Tensor, kind: InputTransform) -> Tensor:
    """Compress the dynamic range of diffraction amplitudes, elementwise on max(x, 0).

    Parameters
    ----------
    amplitude : Tensor
        Any shape; √I.
    kind : {"none", "log1p", "sqrt"}
        `none`, `log1p` or `sqrt`.

    Returns
    -------
    Tensor
        A tensor of the same shape.
    """
    x = amplitude.clamp_min(0)
    match kind:
        case "none":
            return x
        case "log1p":
            return x.log1p()
        case "sqrt":
            return x.sqrt()


class Registration(nn.Module):
    """Resample images (B, C, N, N) so that pixel N/2 + s·(r − N/2) comes to lie on pixel r.

    The interpolation is bilinear, with zeros outside. With s the magnification of the probe's
    shadow image, the shadow then lies on the object. s = 1 changes nothing.

    Parameters
    ----------
    magnification : float
        s, signed.
    """

    def __init__(self, magnification: float) -> None:
        super().__init__()
        self.magnification = magnification

    def forward(self, x: Tensor) -> Tensor:
        """Map images (B, C, N, N) to resampled ones of the same shape."""
        if self.magnification == 1:
            return x
        return grid_sample(
            x, self._grid(x).expand(len(x), -1, -1, -1), mode="bilinear", align_corners=True
        )

    def _grid(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        rows, cols = (
            (
                self.magnification * (torch.arange(n, dtype=x.dtype, device=x.device) - n // 2)
                + n // 2
            )
            * 2
            / (n - 1)
            - 1
            for n in (height, width)
        )
        return torch.stack(torch.meshgrid(cols, rows, indexing="xy"), dim=-1)[None]
