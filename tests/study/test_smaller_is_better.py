"""A measure that is to be small gives the results of its mirror image, which is to be large."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from ptychopareto.config import ConfigError, Training, columns, parse_study
from ptychopareto.pictures import gallery, marginals, pareto, quality_vs_time, robustness, style
from ptychopareto.study.configurations import configurations, median_run
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.recommendation import recommend
from ptychopareto.study.runs import Run
from ptychopareto.study.scenario_table import in_words
from ptychopareto.study.table import COLUMNS, TYPES

# Parameters and MAE for each width and seed. Width 16 dominates 32; 64 is the best.
RESULTS = {
    8: (1_000, [0.50, 0.52, 0.51]),
    16: (10_000, [0.15, 0.17, 0.13]),
    32: (100_000, [0.30, 0.32, 0.31]),
    64: (1_000_000, [0.10, 0.12, 0.11]),
}


@pytest.fixture
def table() -> pd.DataFrame:
    rows = []
    for width, (parameters, errors) in RESULTS.items():
        for seed, error in enumerate(errors):
            run = Run("fno", "none", 12, width, "teacher", seed)
            own = {"status": "ok", "model_params": parameters, "mae_phase": error}
            rows.append({**vars(run), "run": run.id, **own, "psnr_phase": 1 - error})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved; nothing is written."""
    saved: list[Figure] = []
    monkeypatch.setattr(style, "save", lambda figure, _: saved.append(figure))
    return saved


def test_config_takes_it() -> None:
    block = {"architecture": ["fno"], "input_transform": ["none"], "modes": [4], "width": [4]}
    study: dict[str, Any] = {
        "sweep": [{**block, "supervision": ["teacher"]}],
        "pareto": {"quality": "mae_phase"},
    }
    assert parse_study(study).plots[0].quality == "mae_phase"
    study["pareto"] = {"quality": "ssim_phase_floor"}
    with pytest.raises(ConfigError, match="mae_amp"):
        parse_study(study)


def test_r_free_is_the_default_of_a_measured_scan() -> None:
    block = {"architecture": ["fno"], "input_transform": ["none"], "modes": [4], "width": [4]}
    study: dict[str, Any] = {"sweep": [block], "dataset": {"scan": "a.cxi"}}
    assert [plot.quality for plot in parse_study(study).plots] == ["r_free"]
    study["pareto"] = [{"cost": "train_time_s"}, {"quality": "ssim_phase"}, {"quality": "r_work"}]
    plots = parse_study(study).plots
    assert [plot.quality for plot in plots] == ["r_free", "ssim_phase", "r_work"]
    assert plots[0].cost == "train_time_s"
    del study["dataset"]
    assert parse_study(study).plots[0].quality == "ssim_phase"
    study["pareto"] = {"quality": "frc50_halves"}
    with pytest.raises(ConfigError, match=r"allowed is .*'r_work' or 'r_free'"):
        parse_study(study)


def test_front_knee_and_bootstrap(table: pd.DataFrame) -> None:
    front = pareto_front(table, "model_params", "mae_phase")
    mirrored = pareto_front(table, "model_params", "psnr_phase")
    assert front["width"].tolist() == [8, 16, 64]
    assert front.loc[front["recommended"], "width"].tolist() == [16]
    np.testing.assert_array_equal(front["p_front"], mirrored["p_front"])
    assert front["mae_phase"].tolist() == pytest.approx([0.51, 0.15, 0.11])  # not negated


def test_recommendation(table: pd.DataFrame) -> None:
    front = pareto_front(table, "model_params", "mae_phase")
    choice = recommend(table, front, "model_params", "mae_phase")
    assert choice["configuration"] == "fno_tnone_m12_w16_teacher"
    assert choice["run"] == "fno_tnone_m12_w16_teacher_s0"  # of median quality
    assert choice["quality"] == pytest.approx(0.15)
    assert "The best one has 0.04 less and costs 100 times as much" in choice["reason"]
    assert "the cheapest one has 0.36 more and costs 10 times less" in choice["reason"]


def test_run_of_two_in_the_middle_is_the_worse(table: pd.DataFrame) -> None:
    table = table[(table["width"] == 16) & (table["seed"] > 0)]
    configuration = configurations(table)["configuration"].tolist()[0]
    assert median_run(table, configuration, "mae_phase") == "fno_tnone_m12_w16_teacher_s1"
    assert median_run(table, configuration, "psnr_phase") == "fno_tnone_m12_w16_teacher_s1"


def test_robustness_in_words() -> None:
    records = [
        {"scenario": "dim", "quality": 0.25, "change": 0.10, "rpie": 0.2},
        {"scenario": "near", "quality": 0.14, "change": -0.01, "rpie": None},
    ]
    assert in_words(records, "mae_phase") == (
        "Its largest loss in 2 scenarios is in dim: mae_phase 0.25, 0.1 more than on the scan "
        "as it is; rPIE from a flat start reaches 0.2."
    )
    assert in_words(records[1:], "mae_phase") == "It loses nothing in any scenario."
    assert "in near: psnr_phase 0.14, 0.01 less" in in_words(records, "psnr_phase")


def drawn(table: pd.DataFrame, quality: str, folder: Path) -> None:
    """Draw a measure against the number of parameters."""
    axes = {"cost": "model_params", "quality": quality}
    front = pareto_front(table, **axes)
    pareto.draw(table, configurations(table), front, {}, axes, folder / "a.png", folder / "a.svg")


def test_pareto_picture(table: pd.DataFrame, figures: list[Figure], tmp_path: Path) -> None:
    drawn(table, "mae_phase", tmp_path)
    axes = figures[0].axes[0]
    bottom, top = axes.get_ylim()
    assert bottom > 0.52  # the worst run is down
    assert top < 0.10  # the best is up, with room for its label
    staircase = next(line for line in axes.lines if len(line.get_xdata()) == 6)
    assert list(staircase.get_ydata()) == pytest.approx([0.51, 0.51, 0.15, 0.15, 0.11, 0.11])
    (shade,) = (one for one in axes.collections if isinstance(one, PolyCollection))
    corners = np.asarray(shade.get_paths()[0].vertices)
    assert corners[:, 1].max() == pytest.approx(bottom)  # what is worse is in the shade


@pytest.mark.parametrize(("flat", "is_a_line"), [(0.54, True), (2.0, False)])
def test_pareto_picture_with_a_flat_object(
    table: pd.DataFrame, figures: list[Figure], tmp_path: Path, flat: float, is_a_line: bool
) -> None:
    """A flat object whose R-factor is far from all others would squeeze them: words say it."""
    runs = table.assign(r_free=table["mae_phase"], r_free_flat=flat)
    drawn(runs, "r_free", tmp_path)
    axes = figures[0].axes[0]
    bottom, top = axes.get_ylim()
    assert (bottom > flat > top) == is_a_line
    assert any("flat object: 0.54" in text.get_text() for text in axes.texts) == is_a_line
    assert (f"flat object: {flat:.3g}, beyond" in axes.get_title(loc="left")) != is_a_line


def test_picture_of_quality_and_time(tmp_path: Path) -> None:
    classical = pd.DataFrame(
        {"epochs": [1, 10, 100], "seconds": [0.1, 1, 10], "mae_phase": [0.5, 0.2, 0.1]}
    ).assign(engine="rpie", early_stop=False)
    refined = pd.DataFrame(
        [("fno_tsqrt_m12_w8_teacher", 0, 0.05, 0.3), ("fno_tsqrt_m12_w8_teacher", 1, 0.2, 0.1)],
        columns=["configuration", "refine_epochs", "total_s", "mae_phase"],
    )
    path = tmp_path / "picture.svg"
    run = Run("fno", "sqrt", 12, 8, "teacher", 0)
    front = {run.configuration: run.settings(Training())}
    rows = [("refined", run.configuration, 1)]
    purposes = pd.DataFrame(rows, columns=["purpose", "configuration", "refine_epochs"])
    quality_vs_time.draw(classical, refined, front, purposes, "mae_phase", path)
    words = "fno sqrt m12 w8 teacher + 1 pass of rPIE reaches phase MAE 0.1, 50× sooner"
    assert words in path.read_text()


def test_picture_of_scenarios(figures: list[Figure], tmp_path: Path) -> None:
    name = "fno_tsqrt_m12_w8_teacher"
    rows = [(scenario, name, "ok", error) for scenario, error in (("as_trained", 0.1), ("a", 0.4))]
    table = pd.DataFrame(rows, columns=["scenario", "configuration", "status", "mae_phase"])
    table = table.assign(rpie_epochs=np.nan, at_best=False)
    robustness.draw(table, [], {name: {"architecture": "fno"}}, {}, "mae_phase", tmp_path / "a.svg")
    left, right = figures[0].axes[0].get_xlim()
    assert left > 0.4 > 0.1 > right


def test_marginals_count_what_is_better(table: pd.DataFrame, tmp_path: Path) -> None:
    marginals.draw(table[table["width"] < 32], "mae_phase", "model_params", tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    assert ">−0.36<" in svg
    assert ">1 of 1<" in svg


@pytest.mark.parametrize(("quality", "shown"), [("mae_amp", "amplitude"), ("mae_phase", "phase")])
def test_gallery(tmp_path: Path, quality: str, shown: str) -> None:
    truth = np.exp(1j * np.random.default_rng(0).random((16, 16)))
    gallery.draw([("fno", truth)], truth, [{}], tmp_path / "a.svg", quality)
    assert f">{shown}" in (tmp_path / "a.svg").read_text()


def test_every_line_of_the_table_says_the_direction() -> None:
    better = {name: column.better for name, column in columns.MEASURES.items()}
    large = {name for name in columns.AXES if better[name] == "more"}
    measures = {name for name in large if name.startswith(("ssim_", "psnr_", "frc50_"))}
    assert len(measures) == 7
    assert large - measures == {"published_ssim_amp", "published_ssim_phase", "patterns_per_s"}
