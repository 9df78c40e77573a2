"""Time one network on a scan: the whole of it, 64 patterns at once, and one alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ptychopareto.assessment.cost import seconds_of
from ptychopareto.models.network import Network, transform
from ptychopareto.physics.groups import Groups
from ptychopareto.physics.on_device import OnDevice
from ptychopareto.reconstruction.predict import batch_on, predict

WARM_UP = 32  # groups of patterns
# Batches are predicted one after the other, each in the same time: this number stands for a scan.
BATCHES = 8
TOGETHER = 64  # patterns whose time is taken by itself, as if they had come together
# The time of one pattern is short but noisy, so it is taken more often.
SINGLES_PER_ROUND = 10


@dataclass(frozen=True)
class Timing:
    """Latencies of one network.

    The first four are those of the whole test scan, of which at most `BATCHES` batches are
    predicted in a round.

    Attributes
    ----------
    inference_time_s : float
        Median time of the scan [s].
    inference_iqr_s : float
        Interquartile range of that time [s].
    patterns_per_s : float
        Patterns of the scan per median time [1/s].
    transform_s : float
        Median time of input transform, registration and scale, a part of the first [s].
    single_pattern_s, single_pattern_p99_s : float
        Median and 99th percentile of the time of one group of patterns alone [s].
    batch64_s, batch64_p99_s : float
        Median and 99th percentile of the time of 64 patterns that come together [s].
    onnx_inference_time_s : float, optional
        Median time of the scan with onnxruntime [s]; None where it was not measured.
    """

    inference_time_s: float
    inference_iqr_s: float
    patterns_per_s: float
    transform_s: float
    single_pattern_s: float
    single_pattern_p99_s: float
    batch64_s: float
    batch64_p99_s: float
    onnx_inference_time_s: float | None = None


@dataclass
class Samples:
    """Times that rounds have measured for one network.

    Attributes
    ----------
    whole : list of float
        Time of the scan in each round [s].
    transform : list of float
        Time of input transform, registration and scale for the scan in each round [s].
    together : list of float
        Times of 64 patterns that come together [s].
    single : list of float
        Times of one group of patterns alone [s].
    onnx : list of float
        Time of the scan with onnxruntime in each round [s]; empty where it was not measured.
    """

    whole: list[float] = field(default_factory=list)
    transform: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)
    onnx: list[float] = field(default_factory=list)

    def add(self, others: "Samples") -> None:
        """Add the times of another round."""
        for name, times in vars(self).items():
            times += getattr(others, name)

    def summary(self, n_patterns: int) -> Timing:
        """Return the latencies of a scan of so many patterns."""
        low, median, high = np.quantile(self.whole, [0.25, 0.5, 0.75])
        single, single_p99 = _median_and_p99(self.single)
        together, together_p99 = _median_and_p99(self.together)
        return Timing(
            inference_time_s=float(median),
            inference_iqr_s=float(high - low),
            patterns_per_s=n_patterns / float(median),
            transform_s=float(np.median(self.transform)),
            single_pattern_s=single,
            single_pattern_p99_s=single_p99,
            batch64_s=together,
            batch64_p99_s=together_p99,
            onnx_inference_time_s=float(np.median(self.onnx)) if self.onnx else None,
        )


def measure(network: Network, diffraction: OnDevice, probe: Tensor, groups: Groups) -> Samples:
    """Measure one round.

    Parameters
    ----------
    network : Network
        The network, on the device of the patterns.
    diffraction : (B, N, N) real
        Measured √I.
    probe : (N, N) or (M, N, N) complex
        The probe, on the same device.
    groups : Groups
        The groups in which patterns enter a network.

    Returns
    -------
    Samples
    """
    device = diffraction.device

    def seconds_for(count: int) -> float:
        part = groups.first(count)
        return seconds_of(lambda: predict(network, diffraction, probe, part), device)

    seconds_for(WARM_UP)
    singles = [seconds_for(1) for _ in range(SINGLES_PER_ROUND)]
    count = min(len(groups), max(1, TOGETHER // groups.size))
    part = min(len(groups), BATCHES * batch_on(device, groups, probe.shape[-1]))
    together = [seconds_for(count) for _ in range(max(1, part // count))]
    if device.type == "cpu":  # where 64 patterns fill it as a scan does
        whole = float(np.mean(together)) * len(groups) / count
    else:
        whole = seconds_for(part) * len(groups) / part
    before = _transform_s(network, diffraction[groups.members[:count]]) * len(groups) / count
    return Samples([whole], [before], together, singles)


@torch.inference_mode()
def _transform_s(network: Network, amplitudes: Tensor) -> float:
    """Return the time of what is done to the patterns before they enter the layers [s]."""

    def work() -> Tensor:
        x = transform(amplitudes, network.input_transform)
        result: Tensor = network.registration(x) / network.input_scale
        return result

    return seconds_of(work, amplitudes.device)


def _median_and_p99(times: Sequence[float]) -> tuple[float, float]:
    median, p99 = np.quantile(times, [0.5, 0.99])
    return float(median), float(p99)
