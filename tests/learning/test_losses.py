import numpy as np
import pytest
import torch

from ptychopareto.learning.losses import amplitude_loss, object_loss, poisson_loss
from ptychopareto.physics.forward import diffraction_amplitude


def patch(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 1, 8, 8, dtype=torch.complex128, generator=generator)


PROBE = patch(9)[0, 0]


@pytest.mark.parametrize("loss", [amplitude_loss, poisson_loss])
def test_physics_losses_vanish_at_the_truth_only(loss) -> None:
    truth = patch(0)
    measured = diffraction_amplitude(truth, PROBE)
    assert float(loss(truth, measured, PROBE)) == pytest.approx(0, abs=1e-12)
    assert float(loss(truth * 1j, measured, PROBE)) == pytest.approx(0, abs=1e-12)
    assert float(loss(truth * 1.1, measured, PROBE)) > 1e-3
    assert float(loss(patch(1), measured, PROBE)) > 1e-2


def test_amplitude_loss_is_the_mean_difference() -> None:
    measured = diffraction_amplitude(patch(0), PROBE)
    by_hand = np.abs(diffraction_amplitude(patch(1), PROBE).numpy() - measured.numpy()).mean()
    assert float(amplitude_loss(patch(1), measured, PROBE)) == pytest.approx(by_hand)


def test_poisson_loss_is_the_likelihood_ratio() -> None:
    intensity = diffraction_amplitude(patch(1), PROBE).square()
    measured = diffraction_amplitude(patch(0), PROBE)
    counts = measured.square()
    by_hand = (intensity - counts - counts * torch.log(intensity / counts)).mean()
    assert float(poisson_loss(patch(1), measured, PROBE)) == pytest.approx(float(by_hand))


def test_object_loss_is_weighted() -> None:
    weight = PROBE.abs()
    difference = (patch(0) - patch(1)).abs()
    by_hand = np.mean([np.average(d[0].numpy(), weights=weight.numpy()) for d in difference])
    assert float(object_loss(patch(0), patch(1), weight, False)) == pytest.approx(by_hand)


def test_free_gauge_ignores_each_patch_own_global_phase() -> None:
    weight, phases = PROBE.abs(), torch.tensor([0.3, -2.0, 3.0]).double()
    turned = patch(0) * torch.polar(torch.ones(3).double(), phases)[:, None, None, None]
    assert float(object_loss(turned, patch(0), weight, True)) == pytest.approx(0, abs=1e-12)
    assert float(object_loss(turned, patch(0), weight, False)) > 0.1


def test_losses_have_finite_gradients_at_zero() -> None:
    measured = diffraction_amplitude(patch(0), PROBE)
    for loss in (
        lambda p: amplitude_loss(p, measured, PROBE),
        lambda p: poisson_loss(p, measured, PROBE),
        lambda p: object_loss(p, patch(0), PROBE.abs(), True),
    ):
        zero = torch.zeros_like(patch(0), requires_grad=True)
        loss(zero).backward()
        assert torch.isfinite(torch.view_as_real(zero.grad)).all()


@pytest.mark.parametrize("loss", [amplitude_loss, poisson_loss])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 1, 8, 8)])
def test_pixels_that_are_not_valid_do_not_count(loss, shape: tuple[int, ...]) -> None:
    valid = torch.rand(shape) > 0.3
    measured = diffraction_amplitude(patch(1), PROBE)
    nonsense = torch.where(valid, measured, 1e3)
    assert float(loss(patch(1), nonsense, PROBE, valid)) == pytest.approx(0, abs=1e-12)
    everything = torch.ones(shape, dtype=torch.bool)
    torch.testing.assert_close(
        loss(patch(0), measured, PROBE, everything), loss(patch(0), measured, PROBE)
    )
