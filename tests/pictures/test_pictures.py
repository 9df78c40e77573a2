"""The pictures: made whatever the study looks like, honest in words, the same each time."""

import math
import textwrap
from collections.abc import Iterable
from itertools import combinations, product
from pathlib import Path
from typing import Any, get_args

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.config import Architecture, Cost, InputTransform, Quality, Supervision
from ptychopareto.config.columns import MEASURES
from ptychopareto.files import Dataset
from ptychopareto.page.marks import SYMBOLS
from ptychopareto.pictures import marks, pareto, reconstruction, style, training_scan
from ptychopareto.pictures.labels import label_points
from ptychopareto.study.configurations import configurations
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES


def study(runs: Iterable[Run]) -> pd.DataFrame:
    """A table in which larger networks are better, up to noise; every run is ok."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for run in runs:
        parameters = 8 * run.modes**2 * run.width**2 * (5 if run.architecture == "hybrid" else 2)
        rows.append(
            {
                **{name: getattr(run, name) for name in COLUMNS if hasattr(run, name)},
                "run": run.id,
                "status": "ok",
                "ssim_phase": 1 - 3 / math.log(parameters) ** 1.5 + 0.02 * rng.standard_normal(),
                "ssim_phase_floor": 0.07,
                "psnr_amp": 20 + rng.random(),
                "model_params": parameters,
                "inference_time_s": 1e-7 * parameters,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def grid(*axes: list[Any]) -> list[Run]:
    return [Run(*values) for values in product(*axes)]


LIGHT = grid(["fno", "hybrid"], ["sqrt"], [8, 12], [8, 16], ["teacher"], [0])
FULL = grid(
    ["fno", "hybrid"],
    ["none", "log1p", "sqrt"],
    [12, 16, 24],
    [32, 48, 64],
    ["physics", "teacher"],
    [0],
)


def drawn(table: pd.DataFrame, folder: Path, cost: Cost = "model_params") -> str:
    """Draw phase SSIM against a cost, look at the PNG, and return the SVG."""
    draw_front(table, folder, cost)
    assert_is_a_picture(folder / "plot.png")
    return (folder / "plot.svg").read_text()


def draw_front(
    table: pd.DataFrame,
    folder: Path,
    cost: Cost = "model_params",
    quality: Quality = "ssim_phase",
) -> None:
    axes = {"cost": cost, "quality": quality}
    files = (folder / "plot.png", folder / "plot.svg")
    front = pareto_front(table, **axes)
    chosen = dict.fromkeys(front["configuration"][front["recommended"]], "alone, smallest")
    pareto.draw(table, configurations(table), front, chosen, axes, *files)


def assert_is_a_picture(path: Path) -> None:
    pixels = imread(path)
    assert min(pixels.shape[:2]) > 500
    assert len(np.unique(pixels[..., :3] @ (1, 2, 4))) > 20  # shades
    assert 0.01 < np.mean(pixels[..., :3].min(axis=-1) < 0.9) < 0.95  # drawn upon, and not full


def smooth_object(shape: tuple[int, int]) -> NDArray[np.complex128]:
    rng = np.random.default_rng(1)
    phase, absorption = (gaussian_filter(rng.standard_normal(shape), 3) for _ in range(2))
    return (1 + absorption) * np.exp(5j * phase)


def scan(step: int, **changes: Any) -> Dataset:
    n, size = 16, 48
    side = range(0, size - n + 1, step)
    corners = np.array(list(product(side, side)), dtype=np.int64)
    y, x = np.mgrid[:n, :n] - n / 2
    rng = np.random.default_rng(2)
    content: dict[str, Any] = {
        "diffraction": rng.exponential(size=(len(corners), n, n)).astype(np.float32),
        "probe": np.exp((-0.05 + 0.1j) * (x**2 + y**2)).astype(np.complex64),
        "corners": corners,
        "object_index": np.zeros(len(corners), np.int32),
        "objects": smooth_object((size, size))[None].astype(np.complex64),
        "intensity_scale": 100.0,
    }
    return Dataset(**(content | changes))


def test_every_value_of_the_config_has_its_words_and_looks() -> None:
    assert set(get_args(Cost) + get_args(Quality)) <= set(MEASURES) <= set(COLUMNS)
    for values, looks in (
        (Architecture, marks.MARKERS),
        (InputTransform, marks.COLOURS),
        (Supervision, marks.FILLS),
    ):
        assert set(get_args(values)) == set(looks)
        assert len(set(looks.values())) == len(looks)


def test_pareto_of_the_light_study(tmp_path: Path) -> None:
    svg = drawn(study(LIGHT), tmp_path)
    for words in (
        "8 runs of 8 configurations",
        "trainable parameters",
        "phase SSIM",
        "constant reconstruction: 0.07",
        "100k",
        "1M",
        "fno m8 w8",
        "alone, smallest: fno m12 w16",
        "one seed each: no interval of the mean can be given",
    ):
        assert words in svg, words
    assert "failed" not in svg
    assert "single run" not in svg
    assert "%" not in svg.replace("100%", "")  # of the size


def test_pareto_of_the_full_grid(tmp_path: Path) -> None:
    assert "108 runs of 108 configurations" in drawn(study(FULL), tmp_path)


def test_pareto_of_several_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars are the intervals of the means, and the front's labels say how sure it is."""
    table = study(grid(["fno", "hybrid"], ["sqrt"], [8], [8, 16], ["teacher"], [0, 1, 2]))
    table.loc[1:2, "status"] = "diverged"
    figures: list[Figure] = []
    save = style.save
    monkeypatch.setattr(style, "save", lambda f, path: (figures.append(f), save(f, path)))
    svg = drawn(table, tmp_path)
    assert "2 failed (2 diverged)" in svg
    assert "1 configuration with one run only: no interval" in svg
    assert all(words in svg for words in ("single run", "its 95 % interval", "alone, smallest: "))
    front = pareto_front(table, "model_params", "ssim_phase")
    assert (front["p_front"].notna() == (front["n_ok"] > 1)).all()
    assert all(f"({100 * p:.0f} %)" in svg for p in front["p_front"].dropna())

    means = configurations(table).dropna(subset=["ssim_phase_ci95"])
    expected = means["ssim_phase"].to_numpy(), means["ssim_phase_ci95"].to_numpy()
    bars = [
        line.get_segments()[0][:, 1]
        for container in figures[0].axes[0].containers
        if isinstance(container, ErrorbarContainer)
        for line in container.lines[2]
        if line.get_segments()
    ]
    bars.sort(key=lambda ends: float(ends.sum()))
    order = np.argsort(expected[0])
    low, high = np.transpose(bars)
    np.testing.assert_allclose((low + high) / 2, expected[0][order])
    np.testing.assert_allclose((high - low) / 2, expected[1][order])


@pytest.mark.parametrize("quality", ["ssim_phase", "psnr_amp"])
def test_pareto_keeps_its_scale_beside_intervals_of_two_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quality: Quality
) -> None:
    """The interval of 0.6 and 0.8 goes from -0.6 to 2.0, beyond what an SSIM can be."""
    table = study(grid(["fno"], ["sqrt"], [8], [8], ["teacher"], [0, 1]))
    table[quality] = [0.6, 0.8]
    figures: list[Figure] = []
    monkeypatch.setattr(style, "save", lambda f, _: figures.append(f))
    draw_front(table, tmp_path, quality=quality)
    low, high = figures[0].axes[0].get_ylim()
    assert -0.1 < low < 0.6
    assert 0.8 < high < 1.0


def test_pareto_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        drawn(study(LIGHT), folder)
    for name in ("plot.png", "plot.svg"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_pareto_counts_what_it_cannot_draw(tmp_path: Path) -> None:
    table = study(grid(["fno"], ["none"], [8, 12], [8, 16], ["truth"], [0, 1]))
    results = ["ssim_phase", "model_params", "inference_time_s"]
    table.loc[:2, "status"] = ["diverged", "out_of_memory", "missing"]
    table.loc[:2, results] = pd.NA
    table.loc[3, "inference_time_s"] = pd.NA
    svg = drawn(table, tmp_path, cost="inference_time_s")
    note = (
        "8 runs of 4 configurations, 2 failed (1 diverged, 1 out of memory), 1 missing, "
        "1 without a value on these axes"
    )
    for line in textwrap.wrap(note, pareto.MOST_LETTERS):
        assert line in svg
    assert "inference time of the test scan [s]" in svg


def test_pareto_of_settings_that_only_some_have(tmp_path: Path) -> None:
    runs = [
        Run("fno", "sqrt", 8, 8, "teacher", 0),
        Run("hybrid", "sqrt", 8, 16, "teacher", 0, max_channels=64, head="amp_phase"),
        Run("hybrid", "sqrt", 8, 32, "teacher", 0, skips=False),
    ]
    table = study(runs)
    table["ssim_phase"] = [0.5, 0.8, 0.9]
    svg = drawn(table, tmp_path)
    for name in ("fno w8", "hybrid w16 c64 amp_phase", "hybrid w32 noskips"):
        assert f"{name}<" in svg, name


def test_there_are_marks_for_many_architectures() -> None:
    assert len(set(style.MARKERS)) == len(style.MARKERS) == len(SYMBOLS) >= 8


def test_pareto_of_one_run(tmp_path: Path) -> None:
    assert "fno sqrt m8 w8 teacher" in drawn(study(LIGHT[:1]), tmp_path)


@pytest.mark.parametrize("n_runs", [0, 2])
def test_pareto_without_results_says_so(tmp_path: Path, n_runs: int) -> None:
    table = study(LIGHT[:n_runs])
    table["status"] = pd.Series(["missing"] * n_runs, dtype="string")
    draw_front(table, tmp_path, quality="psnr_amp")
    assert "no run with a result" in (tmp_path / "plot.svg").read_text()


def test_pareto_of_a_long_front_lists_its_names(tmp_path: Path) -> None:
    table = study(grid(["fno"], ["sqrt"], [8, 10, 12, 14, 16], [8, 16, 24, 32], ["teacher"], [0]))
    table["ssim_phase"] = table["model_params"].rank().astype(float) / 25
    svg = drawn(table, tmp_path)
    assert "1  m8 w8" in svg
    assert f"{len(table)}  m16 w32" in svg


def test_pareto_draws_equal_points_and_seeds(tmp_path: Path) -> None:
    table = study(grid(["fno", "hybrid"], ["sqrt"], [8], [8], ["teacher"], [0, 1]))
    table[["model_params", "ssim_phase"]] = 1000, 1.0
    svg = drawn(table, tmp_path)
    assert all(words in svg for words in (">fno<", ">hybrid<", "single run", "mean over seeds"))


def test_labels_hide_neither_each_other_nor_points() -> None:
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlim=(0, 10), ylim=(0, 12))
    points = np.array([(x, x + 0.5 * (x > 5)) for x in (2.0, 4.0, 4.1, 5.0, 5.2, 7.0, 9.5)])
    texts = [f"configuration {i}" for i in range(len(points))]
    label_points(figure, axes, points, texts, points + np.array([0.4, -0.4]))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    assert [text.get_text() for text in axes.texts] == texts
    boxes = [mpl.text.Text.get_window_extent(text, renderer) for text in axes.texts]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    frame = axes.get_window_extent(renderer)
    for box in boxes:
        assert frame.contains(*box.min)
        assert frame.contains(*box.max)
        assert not any(box.contains(*point) for point in axes.transData.transform(points))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"objects": None, "intensity_scale": None},
        {"objects": np.ones((2, 48, 48), np.complex64)},
        {"diffraction": np.zeros((9, 16, 16), np.float32)},
        {"corners": np.random.default_rng(3).integers(0, 32, (9, 2), endpoint=True)},
    ],
    ids=["usual", "unknown object", "flat objects", "dark", "off a grid"],
)
def test_dataset(tmp_path: Path, changes: dict[str, Any]) -> None:
    training_scan.draw(scan(16, **changes), tmp_path / "dataset.png")
    assert_is_a_picture(tmp_path / "dataset.png")


def test_dataset_of_one_pattern(tmp_path: Path) -> None:
    training_scan.draw(scan(64), tmp_path / "dataset.svg")
    svg = (tmp_path / "dataset.svg").read_text()
    assert "pattern 1" in svg
    assert "pattern 2" not in svg
    assert all(words in svg for words in ("phase [rad]", "amplitude", "photons"))


def test_reconstruction(tmp_path: Path) -> None:
    truth = smooth_object((60, 48))
    other = 2j * truth + 0.05 * np.random.default_rng(3).standard_normal(truth.shape)
    measures = evaluate(other, truth)
    for name in ("a.png", "b.png", "a.svg"):
        reconstruction.draw(other, truth, measures, "fno_tsqrt", tmp_path / name)
    assert_is_a_picture(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    svg = (tmp_path / "a.svg").read_text()
    assert f"SSIM {measures['ssim_phase']:.3g}" in svg
    assert all(words in svg for words in ("fno_tsqrt", "truth", "error [rad]"))


def test_reconstruction_of_a_flat_phase(tmp_path: Path) -> None:
    truth = np.abs(smooth_object((48, 60)))
    measures = {**evaluate(truth + 0.1j, truth), "psnr_amp": None}  # as JSON has it
    reconstruction.draw(truth + 0.1j, truth, measures, "flat", tmp_path / "flat.svg")
    svg = (tmp_path / "flat.svg").read_text()
    assert "no measures: the truth is flat" in svg
    assert "PSNR – dB" in svg


def test_what_cannot_be_drawn_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="truth"):
        reconstruction.draw(np.ones((9, 9)), np.ones((9, 8)), {}, "no", tmp_path / "no.png")
    assert list(tmp_path.iterdir()) == []


def test_drawing_leaves_matplotlib_as_it_was(tmp_path: Path) -> None:
    with mpl.rc_context({"font.size": 17, "savefig.dpi": 33}):
        drawn(study(LIGHT[:1]), tmp_path)
        assert mpl.rcParams["font.size"] == 17
        assert mpl.rcParams["savefig.dpi"] == 33


def test_reconstruction_without_a_truth(tmp_path: Path) -> None:
    image = np.exp(1j * np.arange(80).reshape(8, 10) / 80)
    reconstruction.draw(image, None, {"status": "ok"}, "alone", tmp_path / "alone.svg")
    assert "no truth to compare with" in (tmp_path / "alone.svg").read_text()


@pytest.mark.parametrize("shape", [(50, 300), (300, 50), (120, 330), (100, 100)])
@pytest.mark.parametrize("compared", [True, False])
def test_nothing_hides_a_reconstruction_of_any_shape(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shape: tuple[int, int], compared: bool
) -> None:
    """Neither colour bars nor words lie on an image or on each other, but for the scale bar."""
    figures: list[Figure] = []
    monkeypatch.setattr(style, "save", lambda figure, _: figures.append(figure))
    truth = np.exp(1j * np.random.default_rng(0).random(shape)) * (1 + np.arange(shape[1]) / 99)
    y, x = np.indices(shape)
    region = np.hypot(y / shape[0] - 0.5, x / shape[1] - 0.5) < 0.5
    measures = {**evaluate(truth + 0.1, truth, region=region), "r_free": 0.15, "r_work": 0.14}
    reference = truth if compared else None
    title, path = "fno_tsqrt_m12_w32_teacher_s0", tmp_path / "a.png"
    reconstruction.draw(truth, reference, measures, title, path, region, "classical")
    (figure,) = figures
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    images = [axes for axes in figure.axes if axes.images]
    bars = [axes for axes in figure.axes if not axes.images]
    assert (len(images), len(bars)) == ((6, 4) if compared else (2, 2))
    words = [*figure.texts, *(text for axes in images for text in [*axes.texts, axes.title])]
    shown = [text for text in words if text.get_text() and not text.get_text().endswith(" px")]
    boxes = [thing.get_window_extent(renderer) for thing in (*images, *shown)]
    boxes += [axes.get_tightbbox(renderer) for axes in bars]
    for one, other in combinations(boxes, 2):
        assert not one.padded(-1).overlaps(other.padded(-1))


def test_reconstruction_compared_with_the_classical_one_says_so(tmp_path: Path) -> None:
    image = np.exp(1j * np.random.default_rng(0).random((16, 16)))
    path = tmp_path / "a.svg"
    measures = {"ssim_phase": 0.5, "ssim_amp": 0.5, "r_free": 0.1503}
    reconstruction.draw(image, 2 * image, measures, "run", path, None, "classical")
    svg = path.read_text()
    assert all(
        words in svg for words in ("classical", "(whole scan)", "difference", "R-free 0.150")
    )
    assert "truth" not in svg
    assert "error" not in svg


def test_reconstruction_of_a_failed_run(tmp_path: Path) -> None:
    measures = {"status": "diverged", "error": "non-finite loss in epoch 2"}
    image = np.full((8, 8), np.nan, np.complex64)
    reconstruction.draw(image, image, measures, "failed", tmp_path / "failed.svg")
    assert "diverged: non-finite loss in epoch 2" in (tmp_path / "failed.svg").read_text()
