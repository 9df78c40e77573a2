import numpy as np
import torch

from ptychopareto.physics import scan
from ptychopareto.physics.forward import diffraction_amplitude, far_field


def random_wave(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.complex128, generator=generator)


def test_power_is_conserved() -> None:
    wave = random_wave(3, 24, 24)
    power = far_field(wave).abs().square().sum((-2, -1))
    torch.testing.assert_close(power, wave.abs().square().sum((-2, -1)))


def test_zero_frequency_lands_on_pixel_half_n() -> None:
    for size in (16, 15):
        field = far_field(torch.ones(size, size, dtype=torch.complex128)).abs()
        assert np.unravel_index(int(field.argmax()), (size, size)) == (size // 2, size // 2)


def test_a_plane_wave_lands_on_its_frequency() -> None:
    size, rows, cols = 16, 3, -2
    axis = torch.arange(size, dtype=torch.float64)
    phase = 2 * torch.pi * (rows * axis[:, None] + cols * axis[None, :]) / size
    field = far_field(torch.polar(torch.ones_like(phase), phase)).abs()
    expected = (size // 2 + rows, size // 2 + cols)
    assert np.unravel_index(int(field.argmax()), (size, size)) == expected


def test_a_shifted_object_gives_the_patterns_of_the_shifted_scan() -> None:
    image, probe = random_wave(48, 48).numpy(), random_wave(16, 16, seed=1)
    shift = np.array([5, 3])
    corners = scan.grid(40, 16, 4)
    shifted = np.roll(image, -shift, axis=(0, 1))
    moved = diffraction_amplitude(torch.from_numpy(scan.patches(image, corners + shift, 16)), probe)
    torch.testing.assert_close(
        moved, diffraction_amplitude(torch.from_numpy(scan.patches(shifted, corners, 16)), probe)
    )


def test_modes_add_their_intensities() -> None:
    patch, modes = random_wave(4, 16, 16), random_wave(3, 16, 16, seed=1)
    expected = sum(diffraction_amplitude(patch, mode).square() for mode in modes).sqrt()
    torch.testing.assert_close(diffraction_amplitude(patch, modes), expected)
    own = random_wave(4, 3, 16, 16, seed=2)  # each pattern under a probe of its own
    got = diffraction_amplitude(patch, own)
    torch.testing.assert_close(got[2], diffraction_amplitude(patch[2], own[2]))
    single = diffraction_amplitude(patch, modes[:1])
    torch.testing.assert_close(single, diffraction_amplitude(patch, modes[0]), rtol=0, atol=0)


def test_modes_without_light_have_a_gradient() -> None:
    patch = random_wave(2, 8, 8).requires_grad_()
    diffraction_amplitude(patch, torch.zeros(2, 8, 8, dtype=torch.complex128)).sum().backward()
    assert patch.grad is not None
    assert patch.grad.abs().max() == 0
