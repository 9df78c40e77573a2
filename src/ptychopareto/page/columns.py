"""What the columns of the study's table mean on the page: heading, axis, direction, format."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from ptychopareto.pictures import style

Better = Literal["less", "more"]
Scale = Literal["linear", "log", "ssim"]


@dataclass(frozen=True)
class Axis:
    """A column that can be an axis of the plot.

    Attributes:
        heading: its name above a column.
        group: under which name it is offered.
        better: which end of it is the good one.
        scale: linear, logarithmic, or (ssim) logarithmic in the distance from 1.
    """

    heading: str
    group: Literal["quality", "cost"]
    better: Better
    scale: Scale


AXES: dict[str, Axis] = {
    "ssim_phase": Axis("phase SSIM", "quality", "more", "ssim"),
    "psnr_phase": Axis("phase PSNR [dB]", "quality", "more", "linear"),
    "mae_phase": Axis("phase MAE [rad]", "quality", "less", "linear"),
    "frc50_phase": Axis("phase FRC½", "quality", "more", "linear"),
    "ssim_amp": Axis("amp. SSIM", "quality", "more", "ssim"),
    "psnr_amp": Axis("amp. PSNR [dB]", "quality", "more", "linear"),
    "mae_amp": Axis("amp. MAE", "quality", "less", "linear"),
    "frc50_amp": Axis("amp. FRC½", "quality", "more", "linear"),
    "published_mae_amp": Axis("amp. MAE, published", "quality", "less", "linear"),
    "published_mae_phase": Axis("phase MAE, published [rad]", "quality", "less", "linear"),
    "published_ssim_amp": Axis("amp. SSIM, published", "quality", "more", "ssim"),
    "published_ssim_phase": Axis("phase SSIM, published", "quality", "more", "ssim"),
    "model_params": Axis("parameters", "cost", "less", "log"),
    "model_params_real": Axis("real parameters", "cost", "less", "log"),
    "inference_time_s": Axis("inference [s]", "cost", "less", "log"),
    "patterns_per_s": Axis("patterns/s", "cost", "more", "log"),
    "single_pattern_s": Axis("one pattern [s]", "cost", "less", "log"),
    "peak_memory_mb": Axis("memory [MB]", "cost", "less", "log"),
    "train_time_s": Axis("training [s]", "cost", "less", "log"),
    "patterns_trained": Axis("patterns trained", "cost", "less", "log"),
}
_HEADINGS = {
    "run": "run",
    "architecture": "architecture",
    "input_transform": "transform",
    "ssim_phase_floor": "phase SSIM, constant",
    "ssim_amp_floor": "amp. SSIM, constant",
    "inference_iqr_s": "inference IQR [s]",
}


def heading(column: str) -> str:
    """What stands above a column of the table."""
    if column in AXES:
        return AXES[column].heading
    return _HEADINGS.get(column, column.replace("_", " "))


def label(column: str) -> str:
    """What stands beside an axis of the plot."""
    return style.LABELS.get(column, heading(column))


def is_text(values: "pd.Series[Any]") -> bool:
    """Whether a column holds words."""
    return not pd.api.types.is_numeric_dtype(values)


def number(value: Any) -> float | int | None:
    """A cell of a column of numbers as JSON knows it; what is missing or infinite is None."""
    if pd.isna(value) or value in (float("inf"), float("-inf")):
        return None
    return int(value) if float(value).is_integer() else float(value)


def text(value: Any) -> str:
    """A cell as it is read: four digits of a fraction, all digits of a whole number."""
    if pd.isna(value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float):
        return f"{value:,}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:#.4g}"
