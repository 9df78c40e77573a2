"""The picture of a search, and its stopped configurations in the Pareto plot."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from ptychopareto.config.columns import SEARCH_COSTS
from ptychopareto.pictures import pareto, rungs, style
from ptychopareto.pictures.pareto_data import stopped_configurations
from ptychopareto.study.configurations import configurations
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.rungs import Decision
from ptychopareto.study.table import COLUMNS, SEARCHED, TYPES

AXES = {"cost": "model_params", "quality": "ssim_phase"}
NAMES = [f"fno_tnone_m8_w{width}_teacher" for width in (4, 8, 16)]


def table(stopped: bool = True) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "run": f"{name}_s0",
            **{"architecture": "fno", "input_transform": "none", "modes": 8, "width": 4 * 2**i},
            **{"supervision": "teacher", "seed": 0, "head": "real_imag", "physics_weight": 0},
            **{"model_params": 1000 * 4**i, "status": "ok", "ssim_phase": 0.5 + 0.1 * i},
        }
        for i, name in enumerate(NAMES)
    ]
    if not stopped:
        return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    rows[1] |= {"status": "stopped", "ssim_phase": None, "rung": 1, "rung_loss": 0.4}
    types = {**TYPES, **SEARCHED}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def decision(rung: int, group: str = "teacher") -> Decision:
    ones = [
        {
            **{"configuration": name, "group": group, "cost": 1000.0 * 4**i, "loss": 0.5 / (1 + i)},
            **{"front": 0, "goes_on": i != 1},
            "runs": [{"run": f"{name}_s0", "train_time_s": 60.0 * rung}],
        }
        for i, name in enumerate(NAMES)
    ]
    return Decision(rung, 0.5, "model_params", ones)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    figures: list[Figure] = []
    save = style.save
    monkeypatch.setattr(
        style, "save", lambda figure, path: (figures.append(figure), save(figure, path))
    )
    return figures


def draw_front(rows: pd.DataFrame, folder: Path, cost: str = "model_params") -> None:
    axes = {**AXES, "cost": cost}
    front = pareto_front(rows, axes["cost"], axes["quality"])
    pareto.draw(rows, configurations(rows), front, {}, axes, folder / "a.png", folder / "a.svg")


def test_a_panel_for_each_rung_and_kind_of_loss(drawn: list[Figure], tmp_path: Path) -> None:
    decisions = [decision(1), decision(3)]
    decisions[0].configurations[0]["group"] = "physics"
    rungs.draw(decisions, table(), AXES, tmp_path / "rungs.png")
    assert imread(tmp_path / "rungs.png").ndim == 3
    titles = [axes.get_title("left") for axes in drawn[0].axes]
    assert len(titles) == 4
    assert "after 1 epoch\n1 of 1 go on\n60 s of training" in titles
    assert "after 3 epochs\n2 of 3 go on\n6 min of training" in titles


def test_what_failed_has_no_place(tmp_path: Path) -> None:
    lost = decision(1)
    for one in lost.configurations:
        one.update(loss=None, front=None, goes_on=False)
    rungs.draw([lost], table(), AXES, tmp_path / "rungs.png")
    rungs.draw([], table(), AXES, tmp_path / "nothing.png")


def test_stopped_ones_lie_apart_and_hollow(drawn: list[Figure], tmp_path: Path) -> None:
    draw_front(table(), tmp_path)
    above, below = drawn[0].axes
    assert "1 stopped by the search" in above.get_title("left")
    (point,) = below.get_lines()
    assert point.get_xydata().tolist() == [[4000, 0.4]]
    assert point.get_markerfacecolor() == "none"


KNOWN = {
    **{"model_params": 4000, "model_params_real": 6000, "inference_time_s": 0.25},
    **{"train_time_s": 10.0, "epochs": 8},
}
# One epoch of eight was done.
COSTS_OF_STOPPED = {
    **{"model_params": 4000, "model_params_real": 6000, "inference_time_s": 0.25},
    "train_time_s": 80.0,
}


def test_every_cost_of_a_search_is_tried_here() -> None:
    assert set(COSTS_OF_STOPPED) == set(SEARCH_COSTS)


@pytest.mark.parametrize(
    "cost",
    [SEARCH_COSTS[0], *(pytest.param(cost, marks=pytest.mark.long) for cost in SEARCH_COSTS[1:])],
)
def test_stopped_ones_lie_at_each_cost(cost: str, drawn: list[Figure], tmp_path: Path) -> None:
    rows = table()
    for name, value in KNOWN.items():
        rows[name] = rows[name].fillna(value)
    draw_front(rows, tmp_path, cost)
    above, below = drawn[0].axes
    assert "without a value" not in above.get_title("left")
    (point,) = below.get_lines()
    assert point.get_xydata().tolist() == [[COSTS_OF_STOPPED[cost], 0.4]]
    low, high = below.get_xlim()
    assert low < COSTS_OF_STOPPED[cost] < high


def test_a_run_stopped_after_its_end_has_the_cost_of_its_training() -> None:
    rows = table().assign(epochs=2, rung=3, train_time_s=10.0)
    assert stopped_configurations(rows, "train_time_s")["train_time_s"].tolist() == [10.0]


def test_stopped_ones_without_a_cost_are_counted(drawn: list[Figure], tmp_path: Path) -> None:
    rows = table()
    rows["peak_memory_mb"] = [100.0, None, 200.0]
    draw_front(rows, tmp_path, "peak_memory_mb")
    (above,) = drawn[0].axes
    heading = " ".join(above.get_title("left").split())
    assert "1 stopped configuration without a value on these axes" in heading


def test_what_the_last_rung_stopped_is_a_point_of_the_plot(
    drawn: list[Figure], tmp_path: Path
) -> None:
    """Its first seed was trained to the end, and its further seeds were not begun."""
    rows = table()
    further = rows[rows["status"] == "ok"].iloc[[0]].assign(seed=1, status="stopped")
    empty = [name for name in ("ssim_phase", "model_params", "rung_loss") if name in further]
    further[empty] = float("nan")
    draw_front(pd.concat([rows, further], ignore_index=True), tmp_path)
    heading = drawn[0].axes[0].get_title("left")
    assert "2 stopped by the search" in heading
    assert "without a value" not in heading


def test_a_long_heading_has_lines_that_end_before_the_legend(
    drawn: list[Figure], tmp_path: Path
) -> None:
    rows = table()
    states = [f"{name}_failure_with_a_name" for name in ("first", "second", "third", "fourth")]
    more = [rows.iloc[[0]].assign(seed=n + 2, status=name) for n, name in enumerate(states)]
    draw_front(pd.concat([rows, *more], ignore_index=True), tmp_path)
    lines = drawn[0].axes[0].get_title("left").splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= pareto.MOST_LETTERS


def test_without_a_search_the_plot_is_as_before(drawn: list[Figure], tmp_path: Path) -> None:
    draw_front(table(stopped=False), tmp_path)
    assert len(drawn[0].axes) == 1
    assert "stopped" not in drawn[0].axes[0].get_title("left")
