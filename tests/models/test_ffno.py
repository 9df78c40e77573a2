from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ptychopareto.models.ffno import AxialSpectralConv


def layer(modes: int, size: int, channels: tuple[int, int] = (3, 4)) -> AxialSpectralConv:
    torch.manual_seed(0)
    return AxialSpectralConv(*channels, modes, size).double()


def fft_reference(conv: AxialSpectralConv, x: Tensor) -> Tensor:
    """The same layer as textbooks write it: per axis rfft, a complex product per mode, irfft."""
    weight = torch.complex(*conv.weight.unbind(2))

    def along(axis: int, equation: str) -> Tensor:
        n = x.shape[axis]
        modes = min(conv.modes, n // 2)
        kept = torch.fft.rfft(x, dim=axis).narrow(axis, 0, modes)
        return torch.fft.irfft(
            torch.einsum(equation, kept, weight[axis - 2, :modes]), n=n, dim=axis
        )

    return along(2, "bckx,kco->bokx") + along(3, "bcyk,kco->boyk")


LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize("size", [(16, 16), (15, 15), (16, 12), (13, 18), (7, 16)])
@pytest.mark.parametrize("modes", [1, 4, 6])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_equals_the_fft(
    size: tuple[int, int],
    modes: int,
    layout: torch.memory_format,
    dtype: torch.dtype,
    tolerance: float,
) -> None:
    conv, x = layer(modes, 16), torch.randn(2, 3, *size, dtype=torch.float64)
    expected = results(lambda x: fft_reference(conv, x), conv, x)
    found = results(conv.to(dtype), conv, x.to(dtype, memory_format=layout))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == dtype
        # Relative to the largest value: gradients of weights are sums over many pixels.
        assert (one.double() - other).abs().max() <= tolerance * other.abs().max().clamp_min(1)


def results(
    path: Callable[[Tensor], Tensor], conv: AxialSpectralConv, x: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """What the layer gives, and the gradients of the mean square of it."""
    x = x.clone().requires_grad_()
    y = path(x)
    return y.detach(), *torch.autograd.grad(y.square().mean(), [x, conv.weight])


@pytest.mark.parametrize("size", [(8, 8), (7, 9)])
def test_gradients(size: tuple[int, int]) -> None:
    conv = layer(3, 8, channels=(2, 2))
    x = torch.randn(2, 2, *size, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(conv, x)
    assert torch.autograd.gradcheck(
        lambda weight: torch.func.functional_call(conv, {"weight": weight}, x.detach()),
        conv.weight.detach().clone().requires_grad_(),
    )


@pytest.mark.parametrize("size", [16, 15])
def test_identity_weights_return_what_each_axis_keeps(size: int) -> None:
    conv = layer(4, size, channels=(2, 2))
    with torch.no_grad():
        conv.weight[:, :, 0] = torch.eye(2)
        conv.weight[:, :, 1] = 0
    angle = 2 * torch.pi * torch.arange(size, dtype=torch.float64) / size
    # Three periods down the rows pass along that axis, and as a constant along the other one.
    low, high = (3 * angle).cos()[:, None], (5 * angle).cos()[:, None]
    x = (low + high).expand(1, 2, size, size)
    expected = (2 * low + high).expand(1, 2, size, size)
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-12)


def test_modes_are_capped_at_what_the_size_holds() -> None:
    conv = layer(12, 9)
    assert conv.modes == 4
    assert conv.weight.shape == (2, 4, 2, 3, 4)


def test_weights_keep_the_variance_of_the_bands() -> None:
    conv = layer(8, 16, channels=(64, 64))
    x = torch.randn(8, 64, 16, 16).double()
    bands = [torch.fft.irfft(torch.fft.rfft(x, dim=d).narrow(d, 0, 8), n=16, dim=d) for d in (2, 3)]
    expected = (bands[0].var() + bands[1].var()).sqrt()
    assert 0.8 < conv(x).std() / expected < 1.2
