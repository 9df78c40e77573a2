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
from ptychopareto.models.trained_on import TrainedOn, counts_of
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
    shadow, trained_shadow : float
        Magnification of the shadow image in the patterns, s in `docs/science.md`, and in those of
        the training.
    brightness : float
        √ of the mean of ΣI, times that of the training scan, each in the units of its scan.
    counts, trained_counts : float or None
        Mean counts of a pattern, and of the training's; None where they are not known.
    """

    magnification: float = 1.0
    scale: float = 1.0
    gain: float = 1.0
    shadow: float = 1.0
    trained_shadow: float = 1.0
    brightness: float = 1.0
    counts: float | None = None
    trained_counts: float | None = None

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
        self.batch, self.threads = predictor.batch, predictor.threads
        self.device = predictor.device
        self._scale, self._gain = adaptation.scale, adaptation.gain
        self._registration = Registration(adaptation.magnification)

    @torch.inference_mode()
    def __call__(self, amplitudes: Tensor) -> Tensor:
        """Predict object patches (g, C, N, N) complex64; see `Predictor`."""
        return self._gain * self.predictor(self._scale * self._registration(amplitudes))


def adaptation_to(
    scan: Dataset,
    config: NetworkConfig,
    register: Register,
    trained_on: TrainedOn | None = None,
) -> Adaptation:
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
    trained_on : TrainedOn, optional
        What the network's file says of its training scan; None if it says nothing.

    Returns
    -------
    Adaptation
        What is done before the network and behind it.

    Notes
    -----
    The magnification is what a training on this scan would measure, divided by that of the training
    scan: a network that registers its input resamples by its own besides, and one that does not
    knows the shadow image of its training. Where the file does not say that, it is taken to be 1.

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
    known = trained_on or TrainedOn()
    trained_shadow = known.shadow or config.magnification
    shadow, magnification = trained_shadow, 1.0
    if register == "auto" or known.shadow is not None:
        shadow = input_magnification(scan.probe, "auto")
    if register == "auto":
        magnification = shadow / trained_shadow
    return Adaptation(
        magnification,
        1.0 if same_beam else scale,
        1.0 if same_beam else gain,
        shadow,
        trained_shadow,
        1 / scale,
        counts_of(light, scan.intensity_scale),
        known.counts,
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
