"""Lay out images of any shape on a page, with their titles and colour bars."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from ptychopareto.pictures.style import WIDTH

Box = tuple[float, float, float, float]

MOST_COLUMNS = 6
LARGEST = 1.8  # inches: an image's width, but for a wide one
TALLEST = 2.3  # inches: an image's height
NARROWEST, LOWEST = 1.2, 0.12  # inches: a column, an image
LEGIBLE = 0.45  # inches: a wide image gets more width, and there are fewer columns, to be so high
CHARACTER = 0.056  # inches: mean width of a letter of a title
LINE = 0.13  # inches: height of a line of a title
GAP = 0.04  # inches between images
BAR = (0.09, 0.42)  # inches: height of a colour bar, and with its ticks and its label
WIDEST_BAR = 2.2  # inches


@dataclass(frozen=True)
class Grid:
    """Bands of titles and images, one or two images below each title, and colour bars below all.

    Attributes
    ----------
    titles : list of str
        The titles, broken into lines that are no wider than a column.
    columns : int
        Images side by side.
    rows : int
        Images below each title.
    image : tuple of float
        Width and height of an image [inches].
    lines : list of int
        Lines of the longest title of each band.
    """

    titles: list[str]
    columns: int
    rows: int
    image: tuple[float, float]
    lines: list[int]

    @classmethod
    def of(cls, number: int, shape: tuple[int, ...], titles: Sequence[str], *, two: bool) -> "Grid":
        """Lay out images of one shape.

        Parameters
        ----------
        number : int
            The number of titles.
        shape : tuple of int
            Rows and columns (H, W) of an image [px].
        titles : sequence of str
            The title of each.
        two : bool
            Whether there is a second image below each first one.

        Returns
        -------
        Grid
        """
        aspect = shape[0] / shape[1]
        most = min(MOST_COLUMNS, max(2, int(WIDTH * aspect / LEGIBLE)))
        columns = math.ceil(number / math.ceil(number / most))
        # A single column may be as wide as a legible image needs.
        column = min(WIDTH / columns, max(LARGEST, LEGIBLE / aspect))
        column = max(min(column, TALLEST / aspect + GAP), min(NARROWEST, WIDTH / columns))
        width = min(column - GAP, TALLEST / aspect)
        broken = [_wrapped(title, column) for title in titles]
        lines = [
            max(title.count("\n") + 1 for title in broken[first : first + columns])
            for first in range(0, number, columns)
        ]
        return cls(broken, columns, 2 if two else 1, (width, max(width * aspect, LOWEST)), lines)

    @property
    def column(self) -> float:
        """Width of a column [inches]."""
        return max(self.image[0] + GAP, min(NARROWEST, WIDTH / self.columns))

    @property
    def width(self) -> float:
        """Width of the figure [inches]."""
        return max(self.column * self.columns, LARGEST)

    @property
    def height(self) -> float:
        """Height of the figure [inches]."""
        bars = 1 if self._bars_side_by_side() else self.rows
        return self._top(len(self.lines)) + bars * BAR[1] + GAP

    def title(self, number: int) -> tuple[float, float]:
        """Return the place of the bottom centre of a title, as fractions of the figure."""
        band, column = divmod(number, self.columns)
        x = self._left + (column + 0.5) * self.column
        y = self._top(band) + self.lines[band] * LINE + GAP / 2
        return x / self.width, 1 - y / self.height

    def box(self, number: int, row: int) -> Box:
        """Return the box of an image.

        Parameters
        ----------
        number : int
            Number of its title, from 0.
        row : int
            0 for the first image below the title, 1 for the second.

        Returns
        -------
        tuple of float
            Left, bottom, width and height, as fractions of the figure.
        """
        band, column = divmod(number, self.columns)
        width, height = self.image
        left = self._left + (column + 0.5) * self.column - width / 2
        bottom = self._top(band) + self.lines[band] * LINE + GAP + row * (height + GAP) + height
        return self._box(left, bottom, width, height)

    def bar(self, number: int) -> Box:
        """Return the box of a colour bar, as fractions of the figure."""
        top = self._top(len(self.lines)) + GAP
        share = self.width / (self.rows if self._bars_side_by_side() else 1)
        width = min(WIDEST_BAR, 0.8 * share)
        left = share / 2 - width / 2
        if self._bars_side_by_side():
            left += number * share
        else:
            top += number * BAR[1]
        return self._box(left, top + BAR[0], width, BAR[0])

    @property
    def _left(self) -> float:
        return (self.width - self.column * self.columns) / 2

    def _bars_side_by_side(self) -> bool:
        return self.width > 2 * LARGEST

    def _top(self, band: int) -> float:
        """Return where a band begins, from the top of the figure [inches]."""
        height = self.rows * (self.image[1] + GAP) + GAP
        return GAP + sum(lines * LINE + GAP + height for lines in self.lines[:band])

    def _box(self, left: float, bottom: float, width: float, height: float) -> Box:
        """Convert a box [inches], its bottom below the figure's top, to fractions of the figure."""
        return (
            left / self.width,
            1 - bottom / self.height,
            width / self.width,
            height / self.height,
        )


def _wrapped(title: str, width: float) -> str:
    """Break a title into lines that are no wider than a column [inches]."""
    lines = (textwrap.wrap(line, max(int(width / CHARACTER), 1)) for line in title.split("\n"))
    return "\n".join(word for line in lines for word in line)
