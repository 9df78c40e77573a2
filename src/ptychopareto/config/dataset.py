"""The scan: simulated, or in two existing files."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from ptychopareto.config.sections import SMALLEST_SCORED, NpzPath, Section, Seed, refusal
from ptychopareto.config.words import shown

RegisterInput = Literal["auto", "none"]
REGISTER_INPUT = (
    "auto: resample each input so that the object's shadow image, which a curved beam throws on "
    "the detector, lies on the object (docs/science.md); none: do not"
)

Gridsize = Annotated[int, Field(ge=1, le=4)]
GRIDSIZE = Field(
    default=1,
    description="side of the groups of neighbouring patterns that enter a network together, as its "
    "channels: their patches agree where they overlap; 1 = each pattern alone",
)


class _DrawnObject(Section):
    """The keys of every kind of random object."""

    phase: Literal["coupled", "independent", "none"] = Field(
        default="coupled",
        description="coupled: a function of the amplitude; independent: the same function of a "
        "second draw of this kind; none: flat, and phase measures are void",
    )


class LinesObject(_DrawnObject):
    """Blurred random line segments."""

    kind: Literal["lines"] = Field(default="lines", description="kind of object")
    segments: int = Field(default=400, ge=1, le=100_000, description="number of line segments")


class GrfObject(_DrawnObject):
    """A Gaussian random field: rough on all scales up to its correlation length."""

    kind: Literal["grf"] = Field(default="grf", description="kind of object")
    correlation_length: float = Field(
        default=10.0, gt=0, le=1024, description="correlation length of the field [px]"
    )


class SiemensObject(_DrawnObject):
    """A Siemens star, each with a centre and an orientation of its own."""

    kind: Literal["siemens"] = Field(default="siemens", description="kind of object")
    spokes: int = Field(default=36, ge=2, le=10_000, description="number of dark spokes")


class NpzObject(Section):
    """Objects that exist already, read from the key `object` of two files."""

    kind: Literal["npz"] = Field(default="npz", description="kind of object")
    path: NpzPath = Field(
        description="file of the training objects: key object, complex (H, W) or (n, H, W)"
    )
    test_path: NpzPath = Field(description="file of the scored objects, with the same key")

    @field_validator("test_path")
    @classmethod
    def _is_another_file(cls, test_path: Path, info: ValidationInfo) -> Path:
        if test_path == info.data.get("path"):
            raise refusal(f"{shown(str(test_path))} is the training file; another one is wanted")
        return test_path


Object = Annotated[LinesObject | GrfObject | SiemensObject | NpzObject, Field(discriminator="kind")]


class _Probe(Section):
    """The keys of every kind of probe, applied in this order after it is made."""

    smooth: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="standard deviation of the Gaussian smoothing [px]; 0 = off",
    )
    mask_radius: float | None = Field(
        default=None, gt=0, le=1024, description="radius of the circular mask [px]; null = no mask"
    )
    probe_scale: float = Field(
        default=4.0, gt=0, le=1e6, description="inverse of the mean |P| inside radius N/4"
    )


class ProbeZonePlate(_Probe):
    """A defocused, aberrated beam behind a zone plate, computed from first principles."""

    kind: Literal["zone_plate"] = Field(default="zone_plate", description="kind of probe")
    aperture: float = Field(
        default=0.42, gt=0, le=0.5, description="radius of the aperture [cycles/px]; 0.5 is Nyquist"
    )
    central_stop: float = Field(
        default=0.25,
        ge=0,
        lt=1,
        description="radius of the central stop [fraction of the aperture]",
    )
    beam_radius: float = Field(
        default=0.39, gt=0, le=0.5, description="radius of the beam at the sample [fraction of N]"
    )
    curvature: Literal["up", "down"] = Field(
        default="up", description="sign of the defocus: the phase at the sample curves up or down"
    )
    astigmatism: float = Field(
        default=0.5, ge=-20, le=20, description="astigmatism [rad at the aperture's edge]"
    )
    coma: float = Field(default=0.5, ge=-20, le=20, description="coma [rad at the aperture's edge]")
    spherical: float = Field(
        default=0.5, ge=-20, le=20, description="spherical aberration [rad at the aperture's edge]"
    )


class ProbeDisk(_Probe):
    """An idealised disk of flat phase: single patterns are then ambiguous."""

    kind: Literal["disk"] = Field(default="disk", description="kind of probe")
    radius: float = Field(
        default=0.39, gt=0, le=0.5, description="radius of the disk [fraction of N]"
    )


class ProbeNpz(_Probe):
    """A measured probe, read from the key `probeGuess` of a file.

    A measured scan takes the weaker modes too, which are `further_modes` there.
    """

    kind: Literal["npz"] = Field(default="npz", description="kind of probe")
    path: NpzPath = Field(description="file with the key probeGuess, complex (N0, N0)")
    resize: Literal["pad", "interpolate", "pad_extrapolate"] = Field(
        default="pad_extrapolate",
        description="how N0 becomes N: pad with zeros, interpolate, or continue the amplitude's "
        "edge and the quadratic phase",
    )


Probe = Annotated[ProbeZonePlate | ProbeDisk | ProbeNpz, Field(discriminator="kind")]


def check_step(step: int, n: int, size: int, *at: str | int) -> None:
    """Refuse a scan step that leaves gaps or too few positions.

    There must be two positions on each axis at least, and no gap between neighbouring patterns. The
    scored region must be large enough for the window of the SSIM.

    Parameters
    ----------
    step : int
        Distance of neighbouring positions [px].
    n : int
        Side of a pattern [px].
    size : int
        Side of an object [px].
    *at : str or int
        Keys of the part that is refused, if it is not the value being validated.

    Raises
    ------
    PydanticCustomError
        The step does not fit.
    """
    if step > min(n, size - n):
        raise refusal(
            f"{step} is too large for N = {n} on an object of size = {size}; "
            f"at most {min(n, size - n)} is allowed (no more than N and than size - N)",
            *at,
        )
    span = (size - n) // step * step + 1
    if span < SMALLEST_SCORED:
        raise refusal(
            f"{step} lets the patterns span {span} px of an object of size = {size}; at "
            f"least {SMALLEST_SCORED} px are needed to be scored",
            *at,
        )


class SimulatedDataset(Section):
    """A scan to be simulated: two grid scans, one to train on and a sparser one to score."""

    N: int = Field(
        default=64, ge=16, le=1024, multiple_of=2, description="side of a pattern [px], even"
    )
    size: int = Field(
        default=392, ge=16, le=16_384, description="side of an object [px], at least N"
    )
    scan_step_train: int = Field(
        default=4,
        ge=1,
        le=1024,
        description="step of the training scan [px], at most N and size - N",
    )
    scan_step_test: int = Field(
        default=10,
        ge=1,
        le=1024,
        description="step of the scored scan [px], at most N and size - N",
    )
    scan_jitter: int = Field(
        default=0,
        ge=0,
        le=512,
        description="each position of both scans moves by up to so much on each axis [px], less "
        "than half a step",
    )
    images_train: int = Field(default=1, ge=1, le=1000, description="number of objects to train on")
    images_test: int = Field(
        default=1, ge=1, le=1000, description="number of test objects; only the first one is scored"
    )
    photons: float = Field(
        default=1e9, ge=1, le=1e18, description="mean number of photons in a training pattern"
    )
    seed: Seed = Field(default=1, description="seed of the objects and of the photon noise")
    object: Object = Field(default=LinesObject(), description="the object; lines by default")
    probe: Probe = Field(
        default=ProbeZonePlate(), description="the illumination; that of a zone plate by default"
    )
    register_input: RegisterInput = Field(
        default="auto",
        description=REGISTER_INPUT,
    )
    gridsize: Gridsize = GRIDSIZE

    def patterns(self, split: Literal["train", "test"]) -> int:
        """Return the number of patterns of a split, "train" or "test"."""
        step, images = getattr(self, f"scan_step_{split}"), getattr(self, f"images_{split}")
        return int(((self.size - self.N) // step + 1) ** 2 * images)

    @field_validator("size")
    @classmethod
    def _holds_a_pattern(cls, size: int, info: ValidationInfo) -> int:
        n = info.data.get("N", 0)
        if size < n:
            raise refusal(f"{size} is too small; at least N = {n} is allowed")
        return size

    @field_validator("scan_step_train", "scan_step_test")
    @classmethod
    def _scan_fits(cls, step: int, info: ValidationInfo) -> int:
        if {"N", "size"} <= info.data.keys():
            check_step(step, info.data["N"], info.data["size"])
        return step

    @field_validator("scan_jitter")
    @classmethod
    def _jitter_fits(cls, jitter: int, info: ValidationInfo) -> int:
        """No two positions meet, no gap opens, and enough is left to be scored."""
        if {"N", "size", "scan_step_train", "scan_step_test"} <= info.data.keys():
            n, size = info.data["N"], info.data["size"]
            steps = [info.data[f"scan_step_{split}"] for split in ("train", "test")]
            most = min(_largest_jitter(n, size, step) for step in steps)
            if jitter > most:
                raise refusal(
                    f"{jitter} is too large for steps of {steps[0]} and {steps[1]} px, N = {n} and "
                    f"size = {size}; at most {most} is allowed"
                )
        return jitter


def _largest_jitter(n: int, size: int, step: int) -> int:
    span = (size - n) // step * step + 1
    # An edge of the scan moves by up to the jitter, and the scored region is drawn in from it by
    # up to twice as much (see `Dataset.scored_region`).
    return min((step - 1) // 2, (n - step) // 2, (span - SMALLEST_SCORED) // 6)


class ExistingDataset(Section):
    """A scan that exists already, in the files that `docs/files.md` describes."""

    train_npz: NpzPath = Field(description="path of the training scan (.npz)")
    test_npz: NpzPath = Field(description="path of the scored scan (.npz)")
    register_input: RegisterInput = Field(
        default="auto",
        description=REGISTER_INPUT,
    )
    gridsize: Gridsize = GRIDSIZE
