"""The description inside an exported network: names of its tensors, their units and meaning."""

from collections.abc import Mapping
from typing import Any

from ptychopareto.models.network import largest_amplitude
from ptychopareto.models.registry import NetworkConfig

INPUT = "amplitude"
OUTPUTS = ("real", "imaginary")


def description(config: NetworkConfig, training: Mapping[str, Any]) -> dict[str, str]:
    """Describe a network in words, for who has nothing but its file.

    Parameters
    ----------
    config : NetworkConfig
        Its settings.
    training : Mapping
        The record of its training.

    Returns
    -------
    dict of str
        `input`, `output`, `inside`, `head` and `gauge`.
    """
    N, C = config.N, config.channels
    shape = f"(batch, {C}, {N}, {N}) float32"
    heads = {
        "real_imag": "the last layer gives the real and the imaginary part",
        "amp_phase": (
            f"the last layer gives a and b; the patch is A exp(i phi) with "
            f"A = {largest_amplitude(config.transmission):.6g} sigmoid(a), phi = pi tanh(b)"
        ),
    }
    scan = "sqrt(counts) / intensity_scale of the scan, the far field |F(P O)| of the probe P"
    group = "" if C == 1 else f"; the {C} channels are neighbouring patterns, in reading order"
    return {
        "input": f"{INPUT} {shape}: diffraction amplitudes, {scan}, with the zero frequency at "
        f"pixel N // 2{group}",
        "output": f"{' and '.join(OUTPUTS)}, each {shape}: the object patch of each pattern, whose "
        "first pixel is the pattern's scan position, in the units of the training's objects",
        "inside": f"max(x, 0), then the transform {config.input_transform}, resampled about pixel "
        f"N // 2 by the magnification {config.magnification:.6g} of the probe's shadow image, "
        f"divided by {config.input_scale:.6g}; the network",
        "head": heads[config.head],
        "gauge": f"a global phase of the object is not determined by patterns; the network was "
        f"trained with the gauge {training.get('gauge') or 'of its patterns'}",
    }
