"""The measures and costs of the study's table: one line per column, and all that follows from it.

A new measure is a function in `assessment.metrics` and a line here. The config, the tables, the
pictures and the page take what they need to know about a column from its line.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["float64", "Int64"]  # the nullable integer: a run that is missing has none
Better = Literal["less", "more"]
Scale = Literal["linear", "log", "ssim"]
Group = Literal["quality", "cost", "beside"]
Part = Literal["phase", "amp", "published", "other", ""]


@dataclass(frozen=True)
class Column:
    """A measure or a cost of the study's table.

    Attributes
    ----------
    heading : str
        What stands above the column on the page.
    label : str
        What stands beside an axis, with the unit.
    group : {"quality", "cost", "beside"}
        Under which name it is offered as an axis; ``beside`` is no axis but explains another one.
    better : {"less", "more"}
        Which end of it is the good one.
    scale : {"linear", "log", "ssim"}
        Linear, logarithmic, or (ssim) logarithmic in the distance from 1.
    kind : {"float64", "Int64"}
        Its pandas type; an integer is a count, written 100k on an axis.
    pareto : bool
        Whether the config may name it as an axis of the front.
    part : {"phase", "amp", "published", "other", ""}
        What of a reconstruction it scores. Such a column is also written for each step of rPIE and
        for each scenario, in the order of `PARTS`. Empty: it does not score a reconstruction.
    latency : bool
        Whether the timing job measures it.
    late : bool
        Whether it stands at the end of the table. The page leaves such a column out where no run
        has it.
    """

    heading: str
    label: str
    group: Group
    better: Better = "less"
    scale: Scale = "linear"
    kind: Kind = "float64"
    pareto: bool = False
    part: Part = ""
    latency: bool = False
    late: bool = False


PARTS: tuple[Part, ...] = ("phase", "amp", "published", "other")


def _measure(
    heading: str,
    label: str,
    part: Part,
    better: Better,
    scale: Scale = "linear",
    pareto: bool = True,
    late: bool = False,
) -> Column:
    return Column(heading, label, "quality", better, scale, part=part, pareto=pareto, late=late)


def _floor(heading: str, label: str, part: Part) -> Column:
    return Column(heading, label, "beside", "more", "ssim", part=part)


def _cost(
    heading: str,
    label: str,
    better: Better = "less",
    kind: Kind = "float64",
    pareto: bool = False,
    latency: bool = False,
    late: bool = False,
) -> Column:
    return Column(heading, label, "cost", better, "log", kind, pareto, latency=latency, late=late)


def _late_latency(heading: str, label: str) -> Column:
    return _cost(heading, label, latency=True, late=True)


def _part_of_time(heading: str, label: str) -> Column:
    return Column(heading, label, "beside", scale="log", latency=True, late=True)


# In the order in which they stand in the table.
MEASURES: dict[str, Column] = {
    "ssim_phase": _measure("phase SSIM", "phase SSIM", "phase", "more", "ssim"),
    "ssim_phase_floor": _floor("phase SSIM, constant", "phase SSIM, constant", "phase"),
    "psnr_phase": _measure("phase PSNR [dB]", "phase PSNR [dB]", "phase", "more"),
    "mae_phase": _measure("phase MAE [rad]", "phase MAE [rad]", "phase", "less"),
    "ssim_amp": _measure("amp. SSIM", "amplitude SSIM", "amp", "more", "ssim"),
    "ssim_amp_floor": _floor("amp. SSIM, constant", "amp. SSIM, constant", "amp"),
    "psnr_amp": _measure("amp. PSNR [dB]", "amplitude PSNR [dB]", "amp", "more"),
    "mae_amp": _measure("amp. MAE", "amplitude MAE", "amp", "less"),
    "frc50_phase": _measure(
        "phase FRC½", "phase resolution, FRC = ½ [fraction of Nyquist]", "phase", "more"
    ),
    "frc50_amp": _measure(
        "amp. FRC½", "amplitude resolution, FRC = ½ [fraction of Nyquist]", "amp", "more"
    ),
    "model_params": _cost("parameters", "trainable parameters", kind="Int64", pareto=True),
    "model_params_real": _cost(
        "real parameters",
        "trainable parameters, a complex one counted as two",
        kind="Int64",
        pareto=True,
    ),
    "inference_time_s": _cost(
        "inference [s]", "inference time of the test scan [s]", pareto=True, latency=True
    ),
    "patterns_per_s": _cost(
        "patterns/s", "patterns reconstructed per second", "more", latency=True
    ),
    "inference_iqr_s": Column(
        "inference IQR [s]",
        "interquartile range of the inference time [s]",
        "beside",
        scale="log",
        latency=True,
    ),
    "single_pattern_s": _cost(
        "one pattern [s]", "inference time of a single pattern [s]", latency=True
    ),
    "peak_memory_mb": _cost("memory [MB]", "peak memory [MB]", pareto=True),
    "train_time_s": _cost("training [s]", "training time [s]", pareto=True),
    "patterns_trained": _cost("patterns trained", "patterns seen in training", kind="Int64"),
    "published_mae_amp": _measure(
        "amp. MAE, published",
        "amplitude MAE, published convention",
        "published",
        "less",
        pareto=False,
    ),
    "published_mae_phase": _measure(
        "phase MAE, published [rad]",
        "phase MAE, published convention [rad]",
        "published",
        "less",
        pareto=False,
    ),
    "published_ssim_amp": _measure(
        "amp. SSIM, published",
        "amplitude SSIM, published convention",
        "published",
        "more",
        "ssim",
        pareto=False,
    ),
    "published_ssim_phase": _measure(
        "phase SSIM, published",
        "phase SSIM, published convention",
        "published",
        "more",
        "ssim",
        pareto=False,
    ),
    # Without a truth: how well the object predicts patterns.
    "r_work": _measure("R-work", "R-factor of patterns used (R-work)", "other", "less", late=True),
    "r_free": _measure(
        "R-free", "R-factor of patterns left out (R-free)", "other", "less", late=True
    ),
    "r_free_flat": Column(
        "R-free, flat object",
        "R-factor of patterns left out, flat object",
        "beside",
        part="other",
        late=True,
    ),
    "frc50_halves": _measure(
        "half-set FRC½",
        "phase resolution, FRC of two half sets = ½ [fraction of Nyquist]",
        "other",
        "more",
        pareto=False,
        late=True,
    ),
    # From the file of a scan to its object, and what makes it up besides the inference.
    "read_s": _part_of_time("reading [s]", "reading the test scan [s]"),
    "transform_s": _part_of_time("transform [s]", "input transform, part of the inference [s]"),
    "stitch_s": _part_of_time("stitching [s]", "stitching the test scan [s]"),
    "end_to_end_s": _late_latency("end to end [s]", "from the test scan's file to its object [s]"),
    "end_to_end_pattern_s": _late_latency(
        "end to end, a pattern [s]", "from file to object, time per pattern [s]"
    ),
    "single_pattern_p99_s": _part_of_time(
        "one pattern, p99 [s]", "inference time of a single pattern, 99th percentile [s]"
    ),
    "batch64_s": _late_latency("64 patterns [s]", "inference time of 64 patterns together [s]"),
    "batch64_p99_s": _part_of_time(
        "64 patterns, p99 [s]", "inference time of 64 patterns together, 99th percentile [s]"
    ),
    "onnx_inference_time_s": _late_latency(
        "inference, ONNX [s]", "inference time of the test scan with onnxruntime [s]"
    ),
    "onnx_end_to_end_s": _late_latency(
        "end to end, ONNX [s]", "from file to object with onnxruntime [s]"
    ),
    # How much structure there is: a network that makes a constant has collapsed.
    "contrast_phase": Column(
        "phase contrast", "spread of the phase, that of the truth = 1", "beside", late=True
    ),
    "contrast_amp": Column(
        "amp. contrast", "spread of the amplitude, that of the truth = 1", "beside", late=True
    ),
}

# Beside a measure, what an image without content scores.
FLOORS = {
    **{f"ssim_{part}": f"ssim_{part}_floor" for part in ("phase", "amp")},
    "r_free": "r_free_flat",
}

# The scores of each reconstruction: of a network, of rPIE after each step, in a scenario.
QUALITIES = tuple(
    name for part in PARTS for name, column in MEASURES.items() if column.part == part
)
LATENCIES = tuple(name for name, column in MEASURES.items() if column.latency)
# The possible axes of the page's plot: the measures, then the costs.
AXES = {
    name: MEASURES[name]
    for group in ("quality", "cost")
    for name in (*QUALITIES, *(name for name in MEASURES if name not in QUALITIES))
    if MEASURES[name].group == group
}
# The columns that the config may name.
PARETO_COSTS = tuple(n for n, axis in AXES.items() if axis.group == "cost" and axis.pareto)
PARETO_QUALITIES = tuple(n for n, axis in AXES.items() if axis.group == "quality" and axis.pareto)


# The costs that are known before a training has ended. The peak memory of a network on a CPU is
# that of the process that evaluates it, and known only then.
SEARCH_COSTS = tuple(name for name in PARETO_COSTS if name != "peak_memory_mb")

# The columns about the end of a run in a search. Other studies have no such columns.
SEARCHED: dict[str, Column] = {
    "rung": Column("stopped after [epochs]", "epochs", "beside", kind="Int64"),
    "rung_loss": Column(
        "loss where stopped", "validation loss where stopped", "beside", scale="log"
    ),
}

# What the table of break-even says about a network, with so many passes of rPIE after it.
BREAK_EVEN: dict[str, Column] = {
    "scan_s": Column("a scan [s]", "network, stitching and rPIE after it [s]", "beside"),
    "rpie_s": Column(
        "rPIE, as good [s]", "rPIE from a flat start to the same quality [s]", "beside"
    ),
    "saved_s": Column("saved a scan [s]", "time that a scan saves [s]", "beside", better="more"),
    "train_time_s": MEASURES["train_time_s"],
    "teacher_s": Column("teacher [s]", "what the network learned from [s]", "beside"),
    "break_even_scans": Column(
        "training pays after", "scans after which training has paid", "beside", scale="log"
    ),
}


def sign(quality: str) -> int:
    """Return 1 for a measure of which more is better, −1 for one of which less is better.

    Parameters
    ----------
    quality : str
        Name of the column.

    Returns
    -------
    int
        1 or −1.
    """
    return 1 if MEASURES[quality].better == "more" else -1
