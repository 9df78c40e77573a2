"""The look before the flight, for scans of any shape."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ptychopareto.files import Dataset
from ptychopareto.pictures.scan import _counts_shown, _draw_positions, draw
from ptychopareto.preparation.prepare import Prepared


def prepared(extent: tuple[int, int], masked: bool) -> Prepared:
    """A scan of 60 positions over so many rows and columns, a third of them scored."""
    rng = np.random.default_rng(0)
    corners = np.rint(rng.uniform(0, extent, (60, 2))).astype(np.int64)
    whole = Dataset(
        diffraction=rng.gamma(1, 10, (60, 16, 16)).astype(np.float32),
        probe=rng.normal(size=(16, 16)).astype(np.complex64),
        corners=corners,
        object_index=np.zeros(60, np.int32),
        fractions=np.zeros((60, 2), np.float32),
        valid=rng.random((1, 16, 16)) > 0.1 if masked else None,
        free=np.arange(60) % 10 == 9,
        shape=(extent[0] + 17, extent[1] + 17),
    )

    def part(which: slice) -> Dataset:
        return replace(
            whole,
            diffraction=whole.diffraction[which],
            corners=whole.corners[which],
            object_index=whole.object_index[which],
            fractions=None,
            free=np.arange(60)[which] % 10 == 9,
        )

    dark = np.array([3]) if masked else np.array([], int)
    return Prepared(
        part(slice(0, 40)),
        part(slice(40, 60)),
        {},
        np.arange(40),
        np.arange(40, 60),
        rng.uniform(90, 110, 60),
        dark,
        (2.5e-8, 2.5e-8) if masked else None,
    )


@pytest.mark.parametrize(
    ("extent", "masked"),
    [
        ((100, 100), True),
        ((10, 700), False),
        ((700, 10), True),
        pytest.param((100, 100), False, marks=pytest.mark.long),
        pytest.param((10, 700), True, marks=pytest.mark.long),
        pytest.param((700, 10), False, marks=pytest.mark.long),
    ],
)
def test_scans_of_any_shape_are_drawn(
    extent: tuple[int, int], masked: bool, tmp_path: Path
) -> None:
    draw(prepared(extent, masked), tmp_path / "scan.png")
    with Image.open(tmp_path / "scan.png") as image:
        assert min(image.size) > 500


def test_counts_fill_their_panel() -> None:
    alike = np.random.default_rng(0).uniform(99_000, 101_000, 60)
    low, high = _counts_shown(alike)
    assert 98_000 < low < alike.min() < alike.max() < high < 102_000
    assert _counts_shown(np.full(60, 1e5)) == (pytest.approx(99_800), pytest.approx(100_200))
    assert _counts_shown(np.append(alike, 0.0))[0] == 0  # a dark frame is seen to be one


def test_only_positions_that_there_are_stand_in_the_legend() -> None:
    scan = prepared((100, 100), masked=False)
    none_free = replace(scan.test, free=np.zeros(20, bool))
    for test, free in ((scan.test, True), (none_free, False)):
        axes = Figure().add_subplot()
        _draw_positions(axes, replace(scan, test=test))
        legend = axes.get_legend()
        assert legend is not None
        words = [text.get_text() for text in legend.get_texts()]
        assert any("free" in one for one in words) is free
        assert not any("(0)" in one for one in words)
