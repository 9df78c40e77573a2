"""The definition of a study: every key of the config, its type, unit, default and bounds.

The models here are the only definition; the schema that editors and Snakemake users read is made
from them::

    python -m ptychopareto.config > workflow/schemas/config.schema.json

They are closed and strict: an unknown key is refused, and so is a text where a number belongs.
:func:`parse_study` says what is wrong in one line.
"""

from collections.abc import Mapping
from itertools import count
from typing import Any

from pydantic import ValidationError

from ptychopareto.config.architectures import ARCHITECTURES, BLOCKS, Architecture, missing_package
from ptychopareto.config.axes import AXES, Gauge, GridAxis, Head, InputTransform, Supervision
from ptychopareto.config.dataset import (
    ExistingDataset,
    GrfObject,
    LinesObject,
    NpzObject,
    Object,
    Probe,
    ProbeDisk,
    ProbeNpz,
    ProbeZonePlate,
    RegisterInput,
    SiemensObject,
    SimulatedDataset,
)
from ptychopareto.config.measured import Joint, MeasuredDataset
from ptychopareto.config.mistakes import explain, plain
from ptychopareto.config.scenarios import AS_TRAINED, Assumed, AtBest, Scenario
from ptychopareto.config.search import Search
from ptychopareto.config.sections import ConfigError
from ptychopareto.config.study import (
    Classical,
    Cost,
    Pareto,
    Quality,
    Refine,
    StudyConfig,
    check_pattern_size,
)
from ptychopareto.config.sweep import SweepBlock
from ptychopareto.config.training import Teacher, Training

__all__ = [
    "ARCHITECTURES",
    "AS_TRAINED",
    "AXES",
    "BLOCKS",
    "Architecture",
    "Assumed",
    "AtBest",
    "Classical",
    "ConfigError",
    "Cost",
    "ExistingDataset",
    "Gauge",
    "GrfObject",
    "GridAxis",
    "Head",
    "InputTransform",
    "Joint",
    "LinesObject",
    "MeasuredDataset",
    "NpzObject",
    "Object",
    "Pareto",
    "Probe",
    "ProbeDisk",
    "ProbeNpz",
    "ProbeZonePlate",
    "Quality",
    "Refine",
    "RegisterInput",
    "Scenario",
    "Search",
    "SiemensObject",
    "SimulatedDataset",
    "StudyConfig",
    "Supervision",
    "SweepBlock",
    "Teacher",
    "Training",
    "check_pattern_size",
    "json_schema",
    "missing_package",
    "parse_study",
]


def parse_study(mapping: Mapping[str, Any]) -> StudyConfig:
    """Check a config and give it types.

    Parameters
    ----------
    mapping : dict
        The config as YAML or JSON gives it: mappings, lists, numbers and texts.

    Returns
    -------
    StudyConfig
        The study, with the default of each key that is not named.

    Raises
    ------
    ConfigError
        In one line, the first mistake and the number of further ones.
    """
    try:
        return StudyConfig.model_validate(plain(mapping, (), count(1)))
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a study.

    Conditions on several keys at once are not in it; `parse_study` alone checks them.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **StudyConfig.model_json_schema(),
    }
