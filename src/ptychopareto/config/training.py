"""How networks are trained, and by which teacher."""

from typing import Literal

from pydantic import Field

from ptychopareto.config.axes import BatchSize, Epochs, Gauge, LearningRate
from ptychopareto.config.sections import Section


class Teacher(Section):
    """The classical reconstruction (rPIE) of a simulated training scan that networks learn from.

    The teacher of a measured scan is the joint reconstruction of its object and probe.
    """

    epochs: int = Field(default=60, ge=1, le=100_000, description="number of passes over the scan")
    alpha: float = Field(default=0.1, gt=0, le=1, description="regularisation of rPIE; 1 is ePIE")


class Training(Section):
    """How each network is trained."""

    epochs: Epochs = Field(default=20, description="number of sweeps over the training patterns")
    batch_size: BatchSize = Field(default=16, description="patterns in a step")
    learning_rate: LearningRate = Field(default=1e-3, description="peak learning rate of Adam")
    warmup: float = Field(
        default=0.1, ge=0, lt=1, description="part of the steps in which the learning rate rises"
    )
    weight_decay: float = Field(default=0.0, ge=0, le=1, description="decoupled weight decay")
    gradient_clip: float = Field(
        default=1.0, gt=0, le=1e6, description="largest norm of the gradient"
    )
    validation_fraction: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        description="part of the training scan held out to choose the epoch",
    )
    physics_loss: Literal["amplitude", "poisson"] = Field(
        default="amplitude",
        description="loss of physics supervision: mean |amplitude error|, or the Poisson negative "
        "log-likelihood of the counts",
    )
    gauge: Gauge = Field(
        default="free",
        description="where a block of the grid does not name it: whether object losses compare "
        "patches as they are (fixed) or after their best global phase (free)",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="of the convolutions in training; spectral layers, physics and loss are always "
        "in float32. bfloat16 is for processors that have it in hardware",
    )
