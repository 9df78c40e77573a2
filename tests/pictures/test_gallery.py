"""The gallery: every reconstruction beside the truth, whatever is missing."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.files import Dataset, write_dataset, write_npz
from ptychopareto.pictures import gallery, image_style, style
from ptychopareto.study.against_time import classical_table
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.results import NO_TIMING, Results
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES


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


@pytest.mark.parametrize("number", [1, pytest.param(5, marks=pytest.mark.long), 8])
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


SHAPES = [(50, 300), (300, 50), (120, 330), (330, 120), (100, 100), (12, 400), (400, 12)]


@pytest.mark.parametrize("number", [0, 1, 3, 7, 14])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_lies_on_anything_else_on_a_region_of_any_shape(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shape: tuple[int, int], number: int
) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr(style, "save", lambda figure, _: figures.append(figure))
    truth = np.exp(1j * np.random.default_rng(0).random(shape))
    made = [(f"hybrid sqrt m12 w{i} teacher noskips, seed 2", truth * 1j) for i in range(number)]
    measures = [{"ssim_phase": 0.987, "r_free": 0.15}] * number
    gallery.draw(made, truth, measures, tmp_path / "a.png", "r_free", reference="classical")
    (figure,) = figures
    renderer = FigureCanvasAgg(figure).get_renderer()
    titles = [text.get_window_extent(renderer) for text in figure.texts]
    images, bars = [], []
    for axes in figure.axes:
        (images if axes.images else bars).append(axes.get_tightbbox(renderer))
    assert len(titles) == number + 1
    assert len(images) == 2 * number + 1
    assert len(bars) == 1 + (number > 0)
    # An image of few pixels is no wider than the number at its scale bar.
    images = [axes.get_window_extent(renderer) for axes in figure.axes if axes.images]
    boxes = [*titles, *images, *bars]
    for one, other in combinations(boxes, 2):
        assert not one.padded(-0.5).overlaps(other.padded(-0.5))
    for box in (*images, *bars):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


def test_pixels_outside_of_the_region_are_blank(
    tmp_path: Path, truth: NDArray[np.complex128]
) -> None:
    """And whatever stands there, the picture is the same."""
    y, x = np.indices(truth.shape)
    region = np.hypot(y - 20, x - 24) < 18
    made = items(truth, 2)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    gallery.draw(made, truth, [{}] * 2, paths[0], region=region)
    garbage = [(name, np.where(region, obj, np.nan)) for name, obj in made]
    gallery.draw(garbage, np.where(region, truth, 50), [{}] * 2, paths[1], region=region)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    blank = np.array(to_rgb(image_style.BLANK))
    share = (np.abs(imread(paths[0])[..., :3] - blank).max(axis=-1) < 0.01).mean()
    assert 0.1 < share < 1 - region.mean()


def test_classical_reference_is_named_and_errors_are_differences(
    tmp_path: Path, truth: NDArray[np.complex128]
) -> None:
    measures = [{"ssim_phase": 0.9, "r_free": 0.1501}] * 2
    svg = drawn(tmp_path, items(truth, 2), truth, measures, "r_free", None, "classical")
    assert all(words in svg for words in ("classical", "(whole scan)", "difference [rad]"))
    assert "R-free 0.150" in svg
    assert "truth" not in svg


def test_study_of_a_measured_scan(
    tmp_path: Path, measured_scan: tuple[Dataset, NDArray[np.complex64]]
) -> None:
    """Its networks have readable names; the engine that finds the probe too is the reference."""
    scan, whole = measured_scan
    obj = whole[scan.scored_region()]
    runs = [Run("fno", "sqrt", 8, width, "teacher", seed) for width in (4, 8) for seed in (0, 1)]
    results = Results(tmp_path, tuple(runs))
    (tmp_path / "dataset").mkdir()
    write_dataset(tmp_path / "dataset" / "test.npz", scan)
    write_npz(tmp_path / "reference.npz", object=obj)
    write_npz(tmp_path / "classical.npz", objects=np.stack([obj, 2 * obj, 3 * obj]))
    steps = [{"epochs": epochs, "r_free": 0.2} for epochs in (1, 5, 20)]
    steps.append({"epochs": 90, "r_free": 0.16, "engine": "lsqml", "seconds": 90.0})
    classical = classical_table(steps, NO_TIMING, best_epochs=5)
    rows = []
    for number, run in enumerate(runs):
        path = results.of_runs("reconstruction.npz")[run.id]
        path.parent.mkdir(parents=True)
        write_npz(path, object=obj * np.exp(0.01j * number))
        own = {"status": "ok", "r_free": 0.16 - 0.01 * run.width, "model_params": run.width}
        rows.append({**vars(run), "run": run.id, "ssim_phase": 0.97, **own})
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    front = pareto_front(table, "model_params", "r_free")
    gallery.draw_study(results, table, front, classical, "r_free", tmp_path / "gallery.svg")
    svg = (tmp_path / "gallery.svg").read_text()
    for words in ("classical", "(whole scan)", "rPIE, 5 passes", "R-free 0.200", "R-free 0.120"):
        assert f">{words}<" in svg, words
    assert all(f"fno w{width}, seed\N{NO-BREAK SPACE}" in svg for width in (4, 8))
    assert not any(words in svg for words in ("LSQML", "truth", "tsqrt", "no truth"))


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
