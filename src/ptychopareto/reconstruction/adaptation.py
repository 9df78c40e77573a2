"""A network for a scan with another beam, or other counts, than it was trained on.

What a network sees is made like its training patterns: the shadow image on the scale that it knows,
and as bright. Both follow from the new scan's own probe and patterns.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptychopareto.files import Dataset
from ptychopareto.models.network import Registration, transform
from ptychopareto.models.registry import NetworkConfig
from ptychopareto.physics.registration import input_magnification
from ptychopareto.reconstruction.predictor import Predictor

Register = Literal["auto", "none"]

SAMPLE = 512  # patterns that the brightness is measured on
SAME_BEAM = 0.01  # relative difference up to which two probes are equally bright
SAME_BRIGHTNESS = 0.2  # and two scans with one probe
_RANGE = 2.0**40  # of the factor between two scans' amplitudes
_HALVINGS = 60


@dataclass(frozen=True)
class Adaptation:
    """The changes of the patterns of a scan before a network, and of its patches behind it.

    Attributes
    ----------
    magnification : float
        By which the amplitudes are resampled about the centre, see `Registration`.
    scale : float
        Factor of the amplitudes.
    gain : float
        Factor of the patches.
    shadow : float
        Magnification of the shadow image that the network sees, s in `docs/science.md`.
    brightness : float
        √ of the mean counts, times that of the training scan.
    """

    magnification: float = 1.0
    scale: float = 1.0
    gain: float = 1.0
    shadow: float = 1.0
    brightness: float = 1.0

    @property
    def changes_nothing(self) -> bool:
        """Whether the network works as it was trained."""
        return self.magnification == self.scale == self.gain == 1

    def of(self, predictor: Predictor) -> Predictor:
        """Return a predictor for the scan; the same one where nothing is to be changed."""
        return predictor if self.changes_nothing else _Adapted(predictor, self)


class _Adapted:
    """A predictor whose patterns are resampled and scaled, and whose patches are scaled."""

    def __init__(self, predictor: Predictor, adaptation: Adaptation) -> None:
        self.predictor = predictor
        self.N, self.gridsize = predictor.N, predictor.gridsize
        self.batch, self.device = predictor.batch, predictor.device
        self._scale, self._gain = adaptation.scale, adaptation.gain
        self._registration = Registration(adaptation.magnification)

    @torch.inference_mode()
    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches (g, C, N, N) complex64; see `Predictor`."""
        return self._gain * self.predictor(self._scale * self._registration(amplitudes))


def adaptation_to(scan: Dataset, config: NetworkConfig, register: Register) -> Adaptation:
    """Find how a network is to be used on a scan.

    Parameters
    ----------
    scan : Dataset
        The scan, with its own probe.
    config : NetworkConfig
        Settings of the network.
    register : {"auto", "none"}
        `auto` resamples the patterns by the magnification of the scan's probe, as
        `dataset.register_input` does in a study; `none` leaves them as the network was trained.

    Returns
    -------
    Adaptation
        What is done before the network and behind it.

    Notes
    -----
    The magnification is what a training on this scan would measure, divided by that of the network,
    which resamples by its own besides.

    A network divides its input by the RMS of its training patterns, transformed. The amplitudes
    are scaled so that this is their RMS too. Then the network sees its own beam on an object whose
    transmission t is that of the training object, and its patches are multiplied by the ratio of
    the two, t = √(mean ΣI / Σ|P|²). On a scan with the very beam of the training that would only
    move the mean; there nothing is changed unless the sample is darker or brighter by 20 %.
    """
    amplitudes = _sample(scan)
    power = float(np.square(np.abs(scan.modes), dtype=np.float64).sum())
    light = float(np.square(amplitudes, dtype=np.float64).sum((1, 2)).mean())
    scale = _matching(amplitudes, config)
    gain = (light / power) ** 0.5 / config.transmission
    # scale · gain is how much brighter the beam of the training was than that of this scan.
    same_beam = abs(scale * gain - 1) <= SAME_BEAM and abs(scale - 1) <= SAME_BRIGHTNESS
    shadow = magnification = 1.0
    if register == "auto":
        shadow = input_magnification(scan.probe, register)
        magnification = shadow / config.magnification
    else:
        shadow = config.magnification
    return Adaptation(
        magnification,
        1.0 if same_beam else scale,
        1.0 if same_beam else gain,
        shadow,
        1 / scale,
    )


def _sample(scan: Dataset) -> NDArray[np.float32]:
    """Patterns (b, N, N) from all over the scan, none of them free."""
    used = scan.object_index == 0 if scan.free is None else (scan.object_index == 0) & ~scan.free
    indices = np.flatnonzero(used)
    step = max(1, len(indices) // SAMPLE)
    return np.asarray(scan.diffraction[indices[::step]])


def _matching(amplitudes: NDArray[np.float32], config: NetworkConfig) -> float:
    """Find the factor of amplitudes with which the RMS of the network's input is 1."""
    x = torch.from_numpy(amplitudes)

    def rms(factor: float) -> float:
        return float(transform(factor * x, config.input_transform).double().square().mean().sqrt())

    low, high = 1 / _RANGE, _RANGE
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if rms(middle) < config.input_scale else (low, middle)
    return (low * high) ** 0.5
