"""Losses that training minimises: scalars of predicted patches (B, C, N, N) complex."""

import torch
from torch import Tensor

from ptychopareto.physics.forward import diffraction_amplitude


def amplitude_loss(
    predicted: Tensor, measured: Tensor, probe: Tensor, valid: Tensor | None = None
) -> Tensor:
    """Compute the mean |√I_pred − √I_meas| over the detector.

    Parameters
    ----------
    predicted : (B, C, N, N) complex
        Object patches.
    measured : (B, C, N, N) real
        Measured √I, DC at pixel N // 2.
    probe : (N, N) or (M, N, N) complex
        The probe, or its M modes.
    valid : Tensor, optional
        Bool, broadcasts with `measured`; pixels that count; None for all.

    Returns
    -------
    scalar Tensor
        In the units of `measured`.
    """
    return _mean((diffraction_amplitude(predicted, probe) - measured).abs(), valid)


def poisson_loss(
    predicted: Tensor, measured: Tensor, probe: Tensor, valid: Tensor | None = None
) -> Tensor:
    """Compute the mean Poisson negative log-likelihood, up to a constant of the data.

    Parameters
    ----------
    predicted : (B, C, N, N) complex
        Object patches.
    measured : (B, C, N, N) real
        Measured √I, DC at pixel N // 2.
    probe : (N, N) or (M, N, N) complex
        The probe, or its M modes.
    valid : Tensor, optional
        Bool, broadcasts with `measured`; pixels that count; None for all.

    Returns
    -------
    scalar Tensor
        Per unit of intensity; 0 where model and measurement agree.

    Notes
    -----
    With counts n = s²·I_meas expected as s²·I_pred, the loss is I_pred − I_meas·log(I_pred /
    I_meas) − I_meas.
    """
    floor = 1e-12
    predicted_intensity = diffraction_amplitude(predicted, probe).square() + floor
    measured_intensity = measured.square() + floor
    ratio = predicted_intensity / measured_intensity
    return _mean(measured_intensity * (ratio - 1 - ratio.log()), valid)


def _mean(errors: Tensor, valid: Tensor | None) -> Tensor:
    """Return the mean over the pixels that count."""
    if valid is None:
        return errors.mean()
    counted = valid.expand(errors.shape)
    return torch.where(counted, errors, 0).sum() / counted.sum()


def object_loss(predicted: Tensor, target: Tensor, weight: Tensor, free_gauge: bool) -> Tensor:
    """Compute the |P|-weighted mean |O_pred − O_target|.

    Parameters
    ----------
    predicted : (B, C, N, N) complex
        Object patches.
    target : (B, C, N, N) complex
        The patches of the teacher, or the true ones.
    weight : (N, N) real
        |P|.
    free_gauge : bool
        Whether each predicted patch first gets the global phase that fits its target best, because
        a pattern does not fix it.

    Returns
    -------
    scalar Tensor
        In the units of the object.
    """
    if free_gauge:
        overlap = (weight * predicted.conj() * target).sum(dim=(-2, -1), keepdim=True)
        predicted = predicted * torch.sgn(overlap)
    difference = (predicted - target).abs()
    return (weight * difference).sum() / (weight.sum() * difference[..., 0, 0].numel())
