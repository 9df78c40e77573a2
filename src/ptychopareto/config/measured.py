"""A measured scan: which files hold it, and what they do not say."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ptychopareto.config.dataset import GRIDSIZE, REGISTER_INPUT, Gridsize, Probe, RegisterInput
from ptychopareto.config.sections import Axis, Section, Seed, refusal
from ptychopareto.config.words import shown


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str | Path) else given


def _is_a_path(path: Path) -> Path:
    if not str(path).isprintable() or not {"{", "}"}.isdisjoint(str(path)):
        raise refusal(f"{shown(str(path))} is not allowed; a path without braces is wanted")
    return path


ScanPath = Annotated[Path, Field(strict=False), AfterValidator(_is_a_path)]
ELECTRONVOLT_METRES = 1.239841984e-6  # Planck's constant times the speed of light


class ScoredPart(Section):
    """The patterns that are scored: the last part of the scan, or those of another scan."""

    part: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="part of the scan's region, the last one along its slow axis, that is scored; "
        "null = 0.35, or none of it if another scan is named",
    )
    scan: ScanPath | None = Field(default=None, description="path of another scan to be scored")

    @model_validator(mode="after")
    def _one_of_them(self) -> "ScoredPart":
        if self.part is not None and self.scan is not None:
            raise refusal("part and scan are named; one of them is allowed")
        return self


class Positions(Section):
    """How positions are to be read, where a file does not say it, or says it wrongly."""

    unit: Literal["m", "mm", "um", "nm", "px"] | None = Field(
        default=None,
        description="unit of the file's numbers, which are positions at the sample; it replaces "
        "the unit that the file names; null = as the file or its format says",
    )
    order: Literal["row_column", "x_y"] | None = Field(
        default=None,
        description="x_y exchanges the two coordinates that the format gives as row (vertical) and "
        "column, because the first one is x; row_column and null leave them",
    )
    sign: Axis[Literal["row", "column"]] | None = Field(
        default=None,
        description="list of the coordinates whose sign is to be reversed; null = none but those "
        "of the format",
    )
    origin: Literal["corner", "centre"] | None = Field(
        default=None,
        description="which point of a patch a position is; only an object in the file needs it",
    )


class Orientation(Section):
    """How the frames are to be turned before they agree with the positions."""

    transpose: bool = Field(
        default=False, description="whether rows and columns are exchanged, before any flip"
    )
    flip_rows: bool = Field(default=False, description="whether the order of rows is reversed")
    flip_columns: bool = Field(
        default=False, description="whether the order of columns is reversed"
    )


class Joint(Section):
    """The classical reconstruction that finds probe and object together."""

    epochs: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="number of passes over the scan; null = until patterns that are held out say "
        "that it becomes no better",
    )
    most_epochs: int = Field(
        default=120, ge=1, le=100_000, description="the most passes where their number is open"
    )
    modes: int = Field(
        default=1, ge=1, le=32, description="number of incoherent modes of the probe"
    )
    refine_positions: bool = Field(
        default=False, description="whether the positions are corrected too"
    )


class MeasuredDataset(Section):
    """A measured scan: its files, and what they do not say."""

    scan: Annotated[
        Axis[ScanPath],
        BeforeValidator(_as_list, json_schema_input_type=ScanPath | Axis[ScanPath]),
    ] = Field(description="path of a file or folder with a measured scan, or a list of such paths")
    format: str | None = Field(
        default=None, description="name of the files' format; null = recognised by their content"
    )
    keys: dict[str, str] | None = Field(
        default=None,
        description="for HDF5 and NPZ files of any layout: the path of diffraction, positions, "
        "probe, mask, … in the file; docs/formats.md has all names",
    )
    test: ScoredPart = Field(
        default=ScoredPart(), description="which patterns are scored, not trained on"
    )
    free: float = Field(
        default=0.1,
        gt=0,
        le=0.5,
        description="part of the scored patterns that no reconstruction may use; they say how well "
        "a reconstruction predicts (R-free)",
    )
    N: int | None = Field(
        default=None,
        ge=16,
        le=4096,
        multiple_of=2,
        description="side of a pattern [px] to crop to, around the beam; null = what the file has",
    )
    bin: int = Field(
        default=1, ge=1, le=16, description="side of the squares of detector pixels that are summed"
    )
    pixel_size: float | None = Field(
        default=None, gt=0, le=1e-2, description="pitch of the detector's pixels [m]"
    )
    energy: float | None = Field(
        default=None, ge=0.1, le=100, description="energy of the photons [keV]"
    )
    wavelength: float | None = Field(
        default=None, gt=1e-14, le=1e-7, description="wavelength [m]; instead of the energy"
    )
    distance: float | None = Field(
        default=None, gt=0, le=1e3, description="distance from the sample to the detector [m]"
    )
    positions: Positions = Field(
        default=Positions(),
        description="what the file does not say of its positions, or says wrongly; those of a "
        "reconstruction stay as they are",
    )
    mask: ScanPath | None = Field(
        default=None,
        description="path of a mask of the detector, nonzero where good: a .npy file, or a .npz "
        "file with the key mask or one array only; its shape is that of the frames as they lie in "
        "their file, before orientation, bin and N",
    )
    probe: Probe | None = Field(
        default=None, description="the first guess of the probe, where the file's is not to be used"
    )
    reconstruction: ScanPath | None = Field(
        default=None,
        description="path of a finished reconstruction of ptypy, ptychodus, cdtools or pty-chi: "
        "its probe, and its positions if it has one for each pattern, are used instead of those "
        "of the (first) scan's file",
    )
    orientation: Orientation = Field(
        default=Orientation(), description="how the frames are to be turned"
    )
    counts: Literal["intensity", "amplitude"] | None = Field(
        default=None,
        description="whether a pixel holds counts (intensity) or their square root (amplitude); "
        "null = as the format says, or as the numbers look",
    )
    joint: Joint = Field(
        default=Joint(), description="the reconstruction that finds probe and object together"
    )
    seed: Seed = Field(default=0, description="seed of the choice of free patterns")
    register_input: RegisterInput = Field(
        default="auto",
        description=REGISTER_INPUT,
    )
    gridsize: Gridsize = GRIDSIZE

    @model_validator(mode="after")
    def _one_wavelength(self) -> "MeasuredDataset":
        if self.energy is not None and self.wavelength is not None:
            raise refusal("energy and wavelength are named; one of them is allowed", "energy")
        return self

    @property
    def known_wavelength(self) -> float | None:
        """The wavelength [m] that the config names, as such or as an energy."""
        if self.energy is None:
            return self.wavelength
        return ELECTRONVOLT_METRES / (1e3 * self.energy)

    @property
    def test_part(self) -> float | None:
        """The part of the scan that is scored; None where another scan is."""
        if self.test.scan is not None:
            return None
        return 0.35 if self.test.part is None else self.test.part
