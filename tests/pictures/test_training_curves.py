"""The training curves: all runs, panels that can be compared, names at the ends of the lines."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ptychopareto.config import Training
from ptychopareto.pictures import training_curves
from ptychopareto.pictures.labels import LINE, _spread, label_ends
from ptychopareto.pictures.names import short_names
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES


def table(*axes: list[Any]) -> pd.DataFrame:
    runs = [Run(*values) for values in product(*axes)]
    rows = [{**vars(run), "run": run.id, "status": "ok"} for run in runs]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def histories(runs: pd.DataFrame, epochs: int = 4) -> dict[str, pd.DataFrame]:
    number = np.arange(1, epochs + 1)
    return {
        run: pd.DataFrame({"epoch": number, "val_loss": (1 + 0.1 * i) / number})
        for i, run in enumerate(runs["run"])
    }


def drawn(folder: Path, of: dict[str, pd.DataFrame], runs: pd.DataFrame) -> str:
    training_curves.draw(of, runs, folder / "picture.svg")
    return (folder / "picture.svg").read_text()


def test_of_the_light_study(tmp_path: Path) -> None:
    runs = table(["fno", "hybrid"], ["none", "sqrt"], [12], [8, 16], ["teacher"], [0])
    svg = drawn(tmp_path, histories(runs), runs)
    assert all(svg.count(f">{name}</text>") == 2 for name in ("none w8", "sqrt w16"))
    assert all(svg.count(f">{name}</text>") == 1 for name in ("fno", "hybrid", "(teacher)"))
    assert "runs drawn: 8 of 8; dot: the epoch that is kept" in svg


def test_splits_what_is_too_much_for_a_panel(tmp_path: Path) -> None:
    runs = table(
        ["fno", "hybrid"], ["none", "log1p", "sqrt"], [12, 16], [8, 16], ["physics", "teacher"], [0]
    )
    svg = drawn(tmp_path, histories(runs), runs)
    assert svg.count(">fno log1p</text>") == 2  # one for each supervision
    assert svg.count(">m12 w8</text>") == 12
    assert all(name in svg for name in ("(physics)", "(teacher)"))


def test_marks_seeds_failures_and_what_is_not_there(tmp_path: Path) -> None:
    runs = table(["fno"], ["sqrt"], [12], [8, 16, 32], ["teacher"], [0, 1])
    losses = histories(runs)
    runs.loc[2:3, "status"] = "diverged"
    for run in runs["run"][2:4]:
        losses[run].loc[2:, "val_loss"] = [np.nan, np.inf]
    del losses[runs["run"][5]]
    svg = drawn(tmp_path, losses, runs)
    assert ">w16 failed</text>" in svg
    assert "runs drawn: 5 of 6" in svg
    assert all(words in svg for words in ("cross: training failed", "thick line: mean over seeds"))


def test_of_one_epoch_of_one_run(tmp_path: Path) -> None:
    runs = table(["fno"], ["sqrt"], [12], [8], ["teacher"], [0])
    assert "fno sqrt m12 w8" in drawn(tmp_path, histories(runs, epochs=1), runs)


@pytest.mark.parametrize("empty", [{}, {"fno_tsqrt_m12_w8_teacher_s0": np.nan}])
def test_without_an_epoch_says_so(tmp_path: Path, empty: dict[str, float]) -> None:
    runs = table(["fno"], ["sqrt"], [12], [8], ["teacher"], [0])
    of = {run: pd.DataFrame({"epoch": [1], "val_loss": [loss]}) for run, loss in empty.items()}
    assert "no run has trained an epoch" in drawn(tmp_path, of, runs)


def test_names_move_as_little_as_they_must() -> None:
    wanted = np.array([50.0, 20.0, 50.0, 99.0])
    spread = _spread(wanted, 100.0)
    assert spread == pytest.approx([50 - LINE / 2, 20, 50 + LINE / 2, 100 - LINE / 2])


def test_names_stand_in_the_order_of_their_lines() -> None:
    figure = Figure(layout="constrained")
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1))
    ends = np.array([(1, 0.5), (1, 0.501), (1, 0.499)])
    label_ends(figure, [(axes, ends, ["middle", "top", "bottom"], ["#004488"] * 3)])
    heights = {text.get_text(): text.xyann[1] for text in axes.texts}
    assert heights["bottom"] < heights["middle"] < heights["top"]


def settings(*values: Any, **others: Any) -> dict[str, Any]:
    return Run(*values, 0, **others).settings(Training())


def test_short_names() -> None:
    names = [settings("fno", "sqrt", 8, 8, "teacher"), settings("u_no", "none", 8, 16, "teacher")]
    assert short_names(names) == ["fno sqrt w8", "u_no none w16"]
    assert short_names(names[:1]) == ["fno sqrt m8 w8 teacher"]
    assert short_names([]) == []
    widths = [settings("fno", "sqrt", 8, width, "teacher") for width in (8, 16)]
    assert short_names(widths) == ["w8", "w16"]
    assert short_names(widths, always=["architecture"]) == ["fno w8", "fno w16"]


def test_short_names_of_what_only_some_have() -> None:
    names = [
        settings("fno", "sqrt", 8, 8, "teacher"),
        settings("cnn", "sqrt", None, 8, "teacher", max_channels=64, head="amp_phase"),
        settings("hybrid_resnet", "sqrt", 8, 8, "teacher", skips=False),
    ]
    assert short_names(names) == ["fno m8", "cnn c64 amp_phase", "hybrid_resnet m8 noskips"]
    # the default, which has no word of its own, is called by its architecture
    heads = [
        settings("fno", "sqrt", 8, 8, "teacher", head=head) for head in ("real_imag", "amp_phase")
    ]
    assert short_names(heads) == ["fno", "amp_phase"]
    assert short_names(heads[:1], among=heads) == ["fno"]


def test_short_names_of_training_and_depth() -> None:
    """Depth is said where it is not the architecture's own, training where it differs."""
    epochs = [settings("fno", "sqrt", 8, 8, "teacher", epochs=n, blocks=b) for n, b in [(5, 6)]]
    plain = settings("fno", "sqrt", 8, 8, "teacher")
    assert short_names([plain, *epochs]) == ["e20", "b6 e5"]
    assert short_names([plain, {**plain, "epochs": pd.NA}]) == ["fno sqrt m8 w8 teacher"] * 2


def test_of_settings_that_only_some_have(tmp_path: Path) -> None:
    """Lines of different configurations are never taken for seeds of one."""
    grid = [
        Run("fno", "sqrt", 12, 8, "teacher", 0),
        Run("fno", "sqrt", 12, 8, "teacher", 0, head="amp_phase"),
        Run("hybrid", "sqrt", 12, 8, "teacher", 0),
        Run("hybrid", "sqrt", 12, 8, "teacher", 0, max_channels=16),
        Run("hybrid", "sqrt", None, 8, "teacher", 0, skips=False),
    ]
    rows = [{**vars(run), "run": run.id, "status": "ok"} for run in grid]
    runs = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)
    svg = drawn(tmp_path, histories(runs), runs)
    for name in ("m12", "m12 amp_phase", "m12 c16", "noskips"):
        assert f">{name}</text>" in svg, name
    assert "mean over seeds" not in svg


def test_is_the_same_each_time(tmp_path: Path) -> None:
    runs = table(["fno"], ["sqrt"], [12], [8, 16], ["teacher"], [0])
    for name in ("a.png", "b.png"):
        training_curves.draw(histories(runs), runs, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
