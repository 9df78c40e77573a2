"""Show a scan that is followed to the user: a line on the screen, and a picture."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from ptychopareto.files import atomic
from ptychopareto.following.live_object import LiveObject
from ptychopareto.following.watch import Look
from ptychopareto.pictures import image_style

_EVERY = 1.0  # seconds between two lines on a screen, or two pictures
_EVERY_IN_A_LOG = 10.0  # seconds between two lines in a file
_LEAST_REST = 20  # showing may take one part in this many of the time
_SIDE = 800  # px of a picture's half, at most
_GAP = 8  # px


class View:
    """Shows how a scan that is followed comes along.

    Parameters
    ----------
    picture : Path or None
        The PNG that is renewed; None for none.
    stream : TextIO or None
        Takes the lines; on a terminal each one replaces the last. None for no lines.
    clock : callable, optional
        Tells seconds that never run backwards.
    """

    def __init__(
        self,
        picture: Path | None,
        stream: TextIO | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._picture = picture
        self._stream = stream
        self._clock = clock
        self._on_screen = stream is not None and stream.isatty()
        self._line = _Turn(_EVERY if self._on_screen else _EVERY_IN_A_LOG)
        self._drawing = _Turn(_EVERY)
        self._before = (clock(), 0)  # when, and how many patterns
        self._drawn = 0

    def __call__(self, live: LiveObject | None, look: Look) -> None:
        """Show what is due: a line and a picture a second, and less where they cost much."""
        now = self._clock()
        if self._stream is not None and self._line.due(now):
            self._write(self._stream, self._words(live, look, now))
            self._line.took(now, self._clock())
        if live is not None and live.done > self._drawn and self._drawing.due(self._clock()):
            started = self._clock()
            self.draw(live)
            self._drawing.took(started, self._clock())

    def draw(self, live: LiveObject) -> None:
        """Renew the picture."""
        self._drawn = live.done
        if self._picture is not None and live.done:
            write_picture(self._picture, live.object())

    def end(self) -> None:
        """Leave the last line on the screen."""
        if self._stream is not None and self._on_screen:
            self._stream.write("\n")
            self._stream.flush()

    def _words(self, live: LiveObject | None, look: Look, now: float) -> str:
        if live is None:
            return f"waiting: {look.count:,} patterns"
        before, done = self._before
        rate = (live.done - done) / max(now - before, 1e-9)
        self._before = now, live.done
        return (
            f"{live.done:,} patterns, {rate:,.0f}/s, {look.count - live.done:,} behind, "
            f"R-factor {live.latest_r_factor():.3f} of the latest"
        )

    def _write(self, stream: TextIO, words: str) -> None:
        stream.write(f"\r{words}\x1b[K" if self._on_screen else f"{words}\n")
        stream.flush()


class _Turn:
    """When something is due that may take only a part of the time."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._next = -np.inf

    def due(self, now: float) -> bool:
        return now >= self._next

    def took(self, started: float, ended: float) -> None:
        self._next = ended + max(self._every, _LEAST_REST * (ended - started))


def write_picture(path: Path, image: NDArray[np.complexfloating]) -> None:
    """Draw the amplitude and the phase of an object side by side, in some milliseconds.

    The phase is that beside the mean one, which a measurement does not fix. Each is scaled to what
    it spans between its 1st and 99th percentile.

    Parameters
    ----------
    path : Path
        The PNG; it is there whole or not at all.
    image : (rows, columns) complex
        The object; 0 where no light reached it, which is drawn white.
    """
    step = -(-max(image.shape) // _SIDE)
    small = image[::step, ::step]
    lit = small != 0
    turned = small * np.exp(-1j * np.angle(small.sum(dtype=np.complex128)))
    halves = [
        _coloured(np.abs(turned), lit, image_style.AMPLITUDE_MAP),
        np.full((small.shape[0], _GAP, 3), 255, np.uint8),
        _coloured(np.angle(turned), lit, image_style.PHASE_MAP),
    ]
    with atomic(path) as temporary:
        Image.fromarray(np.concatenate(halves, axis=1)).save(temporary, "PNG", compress_level=1)


def _coloured(values: NDArray[Any], lit: NDArray[np.bool_], name: str) -> NDArray[np.uint8]:
    """Give values the colours (rows, columns, 3) of a map of matplotlib."""
    low, high = np.percentile(values[lit], (1, 99)) if lit.any() else (0.0, 1.0)
    colours = colormaps[name]((values - low) / max(high - low, 1e-9), bytes=True)
    return np.where(lit[..., None], np.asarray(colours)[..., :3], np.uint8(255))
