"""Where `neuralop` would do something else than its layers promise."""

import pytest
import torch
from neuralop.layers.resample import resample
from torch import Tensor

from ptychopareto.models.layers import Operator, padded
from ptychopareto.models.tfno import TFNO
from ptychopareto.models.uno import UNO, RescaledSpectralConv


def test_building_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    UNO(1, 2, size=16, modes=4, width=4)
    TFNO(1, 2, size=16, modes=4, width=4)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


@pytest.mark.parametrize(("architecture", "multiple"), [(UNO, 4), (TFNO, 2)])
@pytest.mark.parametrize("size", [33, 49])
def test_odd_sizes_are_padded_and_cropped(
    architecture: type[Operator], multiple: int, size: int
) -> None:
    torch.manual_seed(0)
    network = architecture(in_channels=1, out_channels=2, size=size, modes=6, width=4)
    x = torch.rand(2, 1, size, size)
    even = network(padded(x, multiple))
    torch.testing.assert_close(network(x), even[..., :size, :size], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("architecture", "size"), [(UNO, 15), (UNO, 33), (TFNO, 15), (TFNO, 33)])
def test_as_many_modes_as_any_size_holds(architecture: type[Operator], size: int) -> None:
    network = architecture(in_channels=1, out_channels=2, size=size, modes=size // 2, width=4)
    assert network(torch.rand(1, 1, size, size)).isfinite().all()


def band_limited(size: int, modes: int) -> Tensor:
    """A real image (1, 2, n, n) of the frequencies |k| < modes on each axis, both signs."""
    torch.manual_seed(0)
    spectrum = torch.fft.fft2(torch.randn(1, 2, size, size))
    k = torch.fft.fftfreq(size, 1 / size).abs().round()
    return torch.fft.ifft2(spectrum * ((k[:, None] < modes) & (k[None, :] < modes))).real


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_rescaled_image_keeps_both_signs_of_its_frequencies(scale: float) -> None:
    conv = RescaledSpectralConv(
        2,
        2,
        n_modes=(8, 6),
        resolution_scaling_factor=[scale, scale],
        factorization="ComplexDense",
        bias=False,
    )
    with torch.no_grad():
        conv.weight.tensor.copy_(torch.eye(2).view(2, 2, 1, 1).expand(2, 2, 8, 4))
    x = band_limited(16, 4)
    size = round(16 * scale)
    expected = resample(x, 1.0, [2, 3], output_shape=(size, size))
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-5)
