"""Which architectures there are, and which keys of the grid each one has.

An architecture is one file, `models/<name>.py`, and one line of this table.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

Key = Literal["modes", "width", "max_channels", "skips", "blocks"]

ARCHITECTURES: dict[str, tuple[Key, ...]] = {
    "fno": ("modes", "width", "blocks"),
    "hybrid": ("modes", "width", "max_channels", "blocks"),
    "cnn": ("width", "max_channels"),
    "fno_vanilla": ("modes", "width", "blocks"),
    "ffno": ("modes", "width", "blocks"),
    "hybrid_resnet": ("modes", "width", "max_channels", "skips", "blocks"),
    "uno": ("modes", "width"),
    "tfno": ("modes", "width"),
}

# The smallest patterns [px] of those that do not take all: at the coarsest of the four levels of
# hybrid, ⌈N/8⌉ px, there must be a frequency to keep.
SMALLEST_PATTERN: dict[str, int] = {"hybrid": 9}

# The depth of each architecture that has `blocks`, where a block of the grid does not name it.
BLOCKS = {"fno": 4, "hybrid": 1, "fno_vanilla": 4, "ffno": 4, "hybrid_resnet": 6}

# Architectures that need a package which the library does without: its module and its name. The
# module's name is also that of the extra in pyproject.toml.
NEEDS: dict[str, tuple[str, str]] = {
    "uno": ("neuralop", "neuraloperator"),
    "tfno": ("neuralop", "neuraloperator"),
}

if TYPE_CHECKING:
    Architecture = str
else:
    Architecture = Literal[tuple(ARCHITECTURES)]


def missing_package(architecture: str) -> str | None:
    """Say which package an architecture needs that is not installed; None if it needs none.

    No package is loaded for it.
    """
    module, package = NEEDS.get(architecture, (None, None))
    if module is None or find_spec(module) is not None:
        return None
    return (
        f"{architecture} needs the package {package}, which is not installed: pip install {package}"
    )
