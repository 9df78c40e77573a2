"""The scale bar: a round length in the unit that suits it, as long as it says."""

import pytest
from matplotlib.figure import Figure

from ptychopareto.pictures.image_style import scale_bar


@pytest.mark.parametrize(
    ("width", "pixel", "words", "length"),
    [
        (392, None, "50 px", 50),
        (392, 10e-9, "500 nm", 50),
        (392, 11.2e-9, "1 µm", 1e3 / 11.2),
        (2048, 30e-9, "10 µm", 1e4 / 30),
        (100, 0.5, "10 m", 20),
        (100, 3e-12, "50 pm", 50 / 3),
    ],
)
def test_length_is_round_in_its_unit(
    width: int, pixel: float | None, words: str, length: float
) -> None:
    axes = Figure().add_subplot()
    axes.set_xlim(0, width)
    scale_bar(axes, width, pixel)
    (bar,), (label,) = axes.lines, axes.texts
    assert label.get_text() == words
    begin, end = bar.get_xdata()
    assert end - begin == pytest.approx(length)
    assert width / 12 < length <= width / 4
