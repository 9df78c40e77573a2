"""The learning rate in the course of a training."""

import math

from ptychopareto.config import Training


def learning_rate(step: int, steps: int, settings: Training) -> float:
    """Return the learning rate of a step.

    It rises linearly over the first `warmup` of all steps, then falls to zero as half a cosine.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    steps : int
        Number of all steps.
    settings : Training
        Peak learning rate and warm-up.

    Returns
    -------
    float
    """
    warm = max(1, round(settings.warmup * steps))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    return (
        settings.learning_rate
        * 0.5
        * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
    )
