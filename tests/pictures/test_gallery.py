"""The gallery: every reconstruction beside the truth, whatever is missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.pictures import gallery


@pytest.fixture
def truth() -> NDArray[np.complex128]:
    rng = np.random.default_rng(0)
    phase, absorption = (gaussian_filter(rng.standard_normal((40, 48)), 3) for _ in range(2))
    return (1 + absorption) * np.exp(5j * phase)


def items(truth: NDArray[np.complex128], number: int) -> list[tuple[str, NDArray[np.complex64]]]:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((number, *truth.shape))
    return [
        (f"fno_tsqrt_m{i}", (2j * truth + 0.05 * i * noise[i]).astype(np.complex64))
        for i in range(number)
    ]


def drawn(folder: Path, *args: Any) -> str:
    gallery.draw(*args[:3], folder / "gallery.svg", *args[3:])
    return (folder / "gallery.svg").read_text()


@pytest.mark.parametrize("number", [1, 5, 8])
def test_shows_all(tmp_path: Path, truth: NDArray[np.complex128], number: int) -> None:
    made = items(truth, number)
    measures = [evaluate(obj, truth) for _, obj in made]
    svg = drawn(tmp_path, made, truth, measures)
    assert svg.count("<image") == 2 * number + 1 + 2  # the truth, and two colour bars
    assert all(f"fno tsqrt m{i}" in svg for i in range(number))
    assert all(words in svg for words in ("truth", "phase [rad]", "error [rad]", "px", "SSIM 1.00"))
    for name in ("a.png", "b.png"):
        gallery.draw(made, truth, measures, tmp_path / name)
    assert imread(tmp_path / "a.png").shape[1] > 500
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_shows_the_amplitude_for_a_measure_of_it(
    tmp_path: Path, truth: NDArray[np.complex128]
) -> None:
    svg = drawn(tmp_path, items(truth, 2), truth, [{"ssim_amp": 0.9876}] * 2, "psnr_amp")
    assert ">amplitude<" in svg
    assert "[rad]" not in svg
    assert "SSIM 0.988" in svg


def test_without_a_truth_compares_with_the_first(
    tmp_path: Path, truth: NDArray[np.complex128]
) -> None:
    svg = drawn(tmp_path, items(truth, 3), None, [{"ssim_phase": None}] * 3)
    assert "no truth: the reference" in svg
    assert "difference [rad]" in svg
    assert "SSIM" not in svg


def test_names_what_it_cannot_show(tmp_path: Path, truth: NDArray[np.complex128]) -> None:
    made = items(truth, 3)
    made[1] = ("diverging", np.full(truth.shape, np.nan, np.complex64))
    measures: list[dict[str, Any]] = [{"status": "out_of_memory"}, {}, {}]
    svg = drawn(tmp_path, made, truth, measures)
    assert all(words in svg for words in ("out of memory", "diverging", "nothing to show"))
    assert svg.count("<image") == 2 + 1 + 2


def test_of_nothing_says_so(tmp_path: Path) -> None:
    assert "no reconstruction to show" in drawn(tmp_path, [], None, [])


def test_a_wrong_shape_leaves_no_file(tmp_path: Path, truth: NDArray[np.complex128]) -> None:
    with pytest.raises(ValueError, match="truth"):
        drawn(tmp_path, items(truth, 1), truth[1:], [{}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ssim", "words"), [(0.5, "0.50"), (0.95, "0.950"), (0.9876, "0.988"), (1.0, "1.0000")]
)
def test_digits_follow_the_error(ssim: float, words: str) -> None:
    assert gallery._number(ssim) == words
