"""The line and the picture of a scan that is followed."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ptychopareto.following.view import View, write_picture
from ptychopareto.following.watch import Look


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class Live:
    """An object of which nothing but its picture is asked, which takes its time."""

    def __init__(self, clock: list[float], cost: float) -> None:
        self.done, self.pictures = 0, 0
        self._clock, self._cost = clock, cost

    def object(self) -> np.ndarray:
        self.pictures += 1
        self._clock[0] += self._cost
        return np.ones((4, 5), np.complex64)

    def latest_r_factor(self) -> float:
        return 0.125


def shown(tmp_path: Path, stream: io.StringIO, cost: float) -> int:
    """How many pictures there are in 100 s."""
    clock = [0.0]
    live, view = Live(clock, cost), View(tmp_path / "a.png", stream, lambda: clock[0])
    view(None, Look(None))
    while clock[0] < 100:
        clock[0] += 0.1
        live.done += 50
        view(live, Look(None))  # type: ignore[arg-type]
    return live.pictures


def test_a_picture_a_second(tmp_path: Path) -> None:
    assert 80 < shown(tmp_path, Screen(), 0.0) < 101
    assert Image.open(tmp_path / "a.png").size == (5 + 8 + 5, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_pictures_that_cost_much_are_few(tmp_path: Path) -> None:
    assert shown(tmp_path, Screen(), 2.0) in (2, 3)


def test_the_lines(tmp_path: Path) -> None:
    screen, log = Screen(), io.StringIO()
    shown(tmp_path, screen, 0.0)
    shown(tmp_path, log, 0.0)
    lines = screen.getvalue().split("\r")
    assert lines[1] == "waiting: 0 patterns\x1b[K"
    assert len(lines) > 80
    assert "500/s" in lines[5]
    assert "R-factor 0.125 of the latest" in lines[5]
    assert 9 < len(log.getvalue().splitlines()) < 13


def test_a_picture(tmp_path: Path) -> None:
    image = np.zeros((1700, 30), np.complex64)
    image[100:900] = np.exp(1j * np.linspace(0, 1, 30))
    write_picture(tmp_path / "b.png", image)
    pixels = np.asarray(Image.open(tmp_path / "b.png"))
    assert pixels.shape == (567, 10 + 8 + 10, 3)
    assert (pixels[:30] == 255).all()
    assert len(np.unique(pixels[100, 18:], axis=0)) > 5
