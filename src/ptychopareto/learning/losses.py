"""What training minimises: scalars of predicted patches (B, C, N, N) complex."""

import torch
from torch import Tensor

from ptychopareto.physics.forward import diffraction_amplitude


def amplitude_loss(
    predicted: Tensor, measured: Tensor, probe: Tensor, valid: Tensor | None = None
) -> Tensor:
    """Mean |√I_pred − √I_meas| over the detector.

    `measured` is (B, C, N, N), `probe` (N, N) or (M, N, N) of M modes. `valid` are the pixels that
    count, bool of a shape that broadcasts with `measured`; None for all.
    """
    return _mean((diffraction_amplitude(predicted, probe) - measured).abs(), valid)


def poisson_loss(
    predicted: Tensor, measured: Tensor, probe: Tensor, valid: Tensor | None = None
) -> Tensor:
    """Mean Poisson negative log-likelihood, per unit of intensity and up to a constant of the data.

    With counts n = s²·I_meas expected as s²·I_pred: I_pred − I_meas·log(I_pred / I_meas) − I_meas,
    which is 0 where both agree.
    """
    floor = 1e-12
    predicted_intensity = diffraction_amplitude(predicted, probe).square() + floor
    measured_intensity = measured.square() + floor
    ratio = predicted_intensity / measured_intensity
    return _mean(measured_intensity * (ratio - 1 - ratio.log()), valid)


def _mean(errors: Tensor, valid: Tensor | None) -> Tensor:
    """The mean over the pixels that count."""
    if valid is None:
        return errors.mean()
    counted = valid.expand(errors.shape)
    return torch.where(counted, errors, 0).sum() / counted.sum()


def object_loss(predicted: Tensor, target: Tensor, weight: Tensor, free_gauge: bool) -> Tensor:
    """|P|-weighted mean |O_pred − O_target|; target (B, C, N, N) complex, weight |P| (N, N).

    With `free_gauge` each predicted patch is first given the global phase that fits its target
    best, because a pattern does not fix it.
    """
    if free_gauge:
        overlap = (weight * predicted.conj() * target).sum(dim=(-2, -1), keepdim=True)
        predicted = predicted * torch.sgn(overlap)
    difference = (predicted - target).abs()
    return (weight * difference).sum() / (weight.sum() * difference[..., 0, 0].numel())
