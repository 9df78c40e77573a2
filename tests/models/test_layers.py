from collections.abc import Callable

import pytest
import torch
from neuralop.layers.spectral_convolution import SpectralConv as NeuralopSpectralConv
from torch import Tensor

from ptychopareto.models.layers import Lifter, SpectralBlock, SpectralConv


def layer(modes: int, size: int, channels: tuple[int, int] = (3, 4)) -> SpectralConv:
    torch.manual_seed(0)
    return SpectralConv(*channels, modes, size).double()


def fft_reference(conv: SpectralConv, x: Tensor, modes: int) -> Tensor:
    """The same layer as textbooks write it: rfft2, a complex product per kept mode, irfft2."""
    weight = torch.complex(*conv.weight.unbind(2))
    spectrum = torch.fft.rfft2(x)
    out = x.new_zeros(len(x), weight.shape[-1], *spectrum.shape[-2:], dtype=torch.complex128)
    for rows, block in ((slice(0, modes), weight[:modes]), (slice(-modes, None), weight[-modes:])):
        kept = spectrum[:, :, rows, :modes]
        out[:, :, rows, :modes] = torch.einsum("bcyx,yxco->boyx", kept, block[:, :modes])
    return torch.fft.irfft2(out, s=x.shape[-2:])


LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.mark.parametrize("size", [(16, 16), (15, 15), (16, 12), (13, 18)])
@pytest.mark.parametrize("modes", [1, 4, 6])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_equals_the_fft_however_images_lie_in_memory(
    size: tuple[int, int],
    modes: int,
    layout: torch.memory_format,
    dtype: torch.dtype,
    tolerance: float,
) -> None:
    conv, x = layer(modes, 16), torch.randn(2, 3, *size, dtype=torch.float64)
    expected = results(lambda x: fft_reference(conv, x, modes), conv, x)
    x = x.to(dtype, memory_format=layout)
    assert conv.to(dtype)(x).is_contiguous(memory_format=layout)
    for one, other in zip(results(conv, conv, x), expected, strict=True):
        assert one.dtype == dtype
        # Relative to the largest value: gradients of weights are sums over many pixels.
        assert (one.double() - other).abs().max() <= tolerance * other.abs().max().clamp_min(1)


def results(
    path: Callable[[Tensor], Tensor], conv: SpectralConv, x: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """What the layer gives, and the gradients of the mean square of it."""
    x = x.clone().requires_grad_()
    y = path(x)
    return y.detach(), *torch.autograd.grad(y.square().mean(), [x, conv.weight])


@pytest.mark.parametrize("size", [16, 24])
@pytest.mark.parametrize("modes", [3, 8])
def test_equals_neuralop_on_the_same_weights(size: int, modes: int) -> None:
    conv = layer(modes, size).float()  # neuralop computes in single precision
    # neuralop counts modes per axis in total, its rows run from −m to m−1, its columns are n//2 +
    # 1.
    other = NeuralopSpectralConv(3, 4, n_modes=(2 * modes, 2 * modes - 2), bias=False)
    weight = torch.complex(*conv.weight.unbind(2)).roll(modes, dims=0).permute(2, 3, 0, 1)
    theirs = other.weight.tensor if hasattr(other.weight, "tensor") else other.weight
    assert theirs.shape == weight.shape
    with torch.no_grad():
        theirs.copy_(weight)
    x = torch.randn(2, 3, size, size)
    torch.testing.assert_close(conv(x), other(x), rtol=0, atol=1e-5)


def band_limited(size: int, modes: int) -> Tensor:
    """A real image (1, 2, n, n) that holds all frequencies |k| < modes on each axis, and no
    others."""
    spectrum = torch.fft.fft2(torch.randn(1, 2, size, size, dtype=torch.float64))
    k = torch.fft.fftfreq(size, 1 / size).abs().round()
    keep = (k[:, None] < modes) & (k[None, :] < modes)
    return torch.fft.ifft2(spectrum * keep).real


@pytest.mark.parametrize("size", [16, 15, 9])
def test_identity_weights_return_a_band_limited_image(size: int) -> None:
    conv = layer(4, size, channels=(2, 2))
    with torch.no_grad():
        conv.weight[:, :, 0] = torch.eye(2)
        conv.weight[:, :, 1] = 0
    x = band_limited(size, 4)
    torch.testing.assert_close(conv(x), x, rtol=0, atol=1e-12)
    noise = torch.randn_like(x)
    high = noise - torch.fft.ifft2(torch.fft.fft2(noise) * (torch.fft.fft2(x).abs() > 1e-9)).real
    # Of row −m alone, as in Li et al., half of the energy of the real pair ±m passes; nothing
    # beyond it does.
    k = torch.fft.fftfreq(size, 1 / size).abs().round()
    beyond = (k[:, None] > 4) | (k[None, :] >= 4)
    assert (torch.fft.fft2(conv(high)) * beyond).abs().max() < 1e-10


@pytest.mark.parametrize("size", [8, 7])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients(size: int, layout: torch.memory_format) -> None:
    conv = layer(3, size, channels=(2, 2))
    x = torch.randn(2, 2, size, size, dtype=torch.float64).to(memory_format=layout)
    x.requires_grad_()
    assert torch.autograd.gradcheck(conv, x)
    assert torch.autograd.gradcheck(
        lambda weight: torch.func.functional_call(conv, {"weight": weight}, x.detach()),
        conv.weight.detach().clone().requires_grad_(),
    )


def test_trains_after_inference_at_the_same_size() -> None:
    conv, x = layer(3, 10), torch.randn(1, 3, 10, 10, dtype=torch.float64)
    with torch.inference_mode():
        conv(x)
    conv(x).sum().backward()
    assert conv.weight.grad is not None


def test_modes_are_capped_at_what_the_size_holds() -> None:
    conv = layer(12, 9)
    assert conv.modes == 4
    assert conv.weight.shape == (8, 4, 2, 3, 4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_smaller_images_use_the_inner_weights(layout: torch.memory_format) -> None:
    conv, x = layer(6, 16), torch.randn(1, 3, 8, 8, dtype=torch.float64)
    expected = fft_reference(conv, x, 4)
    torch.testing.assert_close(conv(x.to(memory_format=layout)), expected, rtol=0, atol=1e-12)


def test_weights_keep_the_variance_of_the_band() -> None:
    conv = layer(8, 16, channels=(64, 64))
    x = torch.fft.irfft2(torch.fft.rfft2(torch.randn(8, 64, 16, 16).double())[..., :8], s=(16, 16))
    assert 0.8 < conv(x).std() / x.std() < 1.2


@pytest.mark.parametrize("size", [16, 15])
def test_block_and_lifter_keep_the_size(size: int) -> None:
    x = torch.randn(2, 1, size, size)
    lifted = Lifter(1, 6)(x)
    assert lifted.shape == (2, 6, size, size)
    assert SpectralBlock(6, 4, size)(lifted).shape == lifted.shape
