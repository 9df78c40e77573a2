"""Quality by scenario: every network and rPIE in every row, and void rows say so."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from ptychopareto.config import Scenario, Training
from ptychopareto.pictures import robustness, style
from ptychopareto.study.runs import Run

CHANGES = [
    Scenario(name="low_dose", photons=1e5),
    Scenario(name="bad_day", defocus_error=-0.05, position_error=2.0),
]
SETTINGS = {
    run.configuration: run.settings(Training())
    for width in range(2, 18, 2)
    for run in (
        Run("fno", "sqrt", 12, width, "teacher", 0),
        Run("hybrid", "none", 12, width, "truth", 0),
    )
}
FRONT = [Run("fno", "sqrt", 12, width, "teacher", 0).configuration for width in (8, 16)]


def of(front: list[str]) -> dict[str, dict[str, Any]]:
    return {name: SETTINGS[name] for name in front}


def scored(
    names: list[str], front: list[str], seeds: int = 1, quality: str = "ssim_phase"
) -> pd.DataFrame:
    """Configurations of the front, from 0.9 on, losing 0.1 in each scenario; rPIE 0.05 better."""
    rows = [
        {
            "scenario": name,
            "run": f"{configuration}_s{seed}",
            "configuration": configuration,
            "rpie_epochs": 100 if configuration == "rpie" else np.nan,
            "status": "ok",
            quality: 0.9 + 0.01 * lane - 0.05 * row + 0.005 * seed,
            "ssim_phase_floor": 0.07,
            "at_best": False,
        }
        for row, name in enumerate(names)
        for lane, configuration in enumerate([*front, "rpie"])
        for seed in range(1 if configuration == "rpie" else seeds)
    ]
    return pd.DataFrame(rows)


def drawn(folder: Path, scenarios: pd.DataFrame, changes: list[Scenario], front: list[str]) -> str:
    purposes = {front[-1]: "alone"} if front else {}
    path = folder / "picture.svg"
    robustness.draw(scenarios, changes, of(front), purposes, "ssim_phase", path)
    return path.read_text()


def test_rows_and_lanes_are_named(tmp_path: Path) -> None:
    scenarios = scored(["as_trained", "low_dose", "bad_day"], FRONT)
    svg = drawn(tmp_path, scenarios, CHANGES, FRONT)
    for words in (
        *("as trained", "low dose", "1e5 photons", "bad day", "fno w8", "fno w16 (alone)"),
        *("defocus −5 %, positions ± 2 px", "rPIE alone, 100 passes"),
        "a constant reconstruction",
    ):
        assert f">{words}<" in svg, words
    assert "bars:" not in svg
    assert "void" not in svg


def test_rpie_at_its_best_is_beside_it_and_hollow(tmp_path: Path) -> None:
    fixed = scored(["as_trained", "low_dose"], FRONT)
    stopped = fixed[fixed["configuration"] != FRONT[0]].assign(at_best=True, rpie_epochs=7)
    svg = drawn(tmp_path, pd.concat([fixed, stopped]), CHANGES[:1], FRONT)
    for words in ("fno w16 + rPIE at its best", "rPIE alone at its best", "rPIE alone, 100 passes"):
        assert f">{words}<" in svg, words
    assert "fno w8 + rPIE at its best" not in svg
    assert "hollow: free patterns stop rPIE" in svg
    assert "hollow" not in drawn(tmp_path, fixed, CHANGES[:1], FRONT)


def test_seeds_have_bars(tmp_path: Path) -> None:
    scenarios = scored(["as_trained", "low_dose"], FRONT, seeds=2)
    assert "bars: 95 % interval" in drawn(tmp_path, scenarios, CHANGES[:1], FRONT)


@pytest.mark.parametrize("longest", [False, True])
def test_words_stay_in_the_picture(tmp_path: Path, longest: bool) -> None:
    """With all notes, and with long names of networks and scenarios."""
    front = [
        Run("hybrid_resnet", "none", 12, width, "physics", 0, blocks=2).configuration
        for width in (8, 16, 32)
    ]
    settings = {
        name: Run("hybrid_resnet", "none", 12, width, "physics", 0, blocks=2).settings(Training())
        for name, width in zip(front, (8, 16, 32), strict=True)
    }
    assumed = {"probe_defocus": -0.05, "probe_rotation": 30.0, "probe_size": 0.02}
    change = {"name": "bad_day", "assumed": assumed} if longest else {"name": "bad_day"}
    purposes = {front[0]: "alone, refined, fastest, smallest"} if longest else {}
    fixed = scored(["as_trained", "bad_day"], front, seeds=3)
    figures: list[Figure] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "save", lambda figure, path: figures.append(figure))
        robustness.draw(
            pd.concat([fixed, fixed.assign(at_best=True)]),
            [Scenario.model_validate({"photons": 1e5} | change)],
            settings,
            purposes,
            "ssim_phase",
            tmp_path / "picture.png",
        )
    [figure] = figures
    with style.style():
        figure.set_dpi(mpl.rcParams["savefig.dpi"])  # widths of letters depend on it
        figure.draw_without_rendering()
        for text in figure.findobj(Text):
            place = text.get_window_extent()
            inside = place.x0 >= 0 and place.x1 <= figure.bbox.width
            assert inside or not text.get_text(), text.get_text()
    said = figure.axes[0].get_title(loc="left")
    assert said.count(";") == 2
    assert said.replace(";\n", "; ") == (
        "thin lines: from the scan as it is; hollow: free patterns stop rPIE; "
        "bars: 95 % interval of the mean over seeds"
    )


def test_a_void_row_says_so(tmp_path: Path) -> None:
    scenarios = scored(["as_trained", "low_dose"], FRONT)
    void = scenarios["scenario"] == "low_dose"
    scenarios.loc[void, ["ssim_phase", "ssim_phase_floor"]] = np.nan
    assert "void: no value" in drawn(tmp_path, scenarios, CHANGES[:1], FRONT)


@pytest.mark.parametrize("count", [1, 8])
def test_from_one_to_many(tmp_path: Path, count: int) -> None:
    widths = [2 * n + 2 for n in range(count)]
    front = [Run("hybrid", "none", 12, width, "truth", 0).configuration for width in widths]
    changes = [Scenario(name=f"scenario_{n}_{'x' * 19}", scan_step=n + 1) for n in range(count + 2)]
    names = ["as_trained", *(change.name for change in changes)]
    svg = drawn(tmp_path, scored(names, front), changes, front)
    assert all(f">step {n + 1} px<" in svg for n in range(count + 2))


def test_of_another_measure(tmp_path: Path) -> None:
    scenarios = scored(["as_trained", "low_dose"], FRONT, quality="psnr_amp")
    robustness.draw(scenarios, CHANGES, of(FRONT), {}, "psnr_amp", tmp_path / "picture.svg")
    svg = (tmp_path / "picture.svg").read_text()
    assert "amplitude PSNR [dB]" in svg
    assert "constant" not in svg


def test_of_nothing_says_so(tmp_path: Path) -> None:
    assert "no scenario has been scored" in drawn(tmp_path, scored(["as_trained"], [])[:0], [], [])


def test_is_the_same_each_time(tmp_path: Path) -> None:
    scenarios = scored(["as_trained", "low_dose"], FRONT)
    for name in ("a.png", "b.png"):
        robustness.draw(
            scenarios, CHANGES, of(FRONT), {FRONT[0]: "alone"}, "ssim_phase", tmp_path / name
        )
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_a_scenario_changes_in_words() -> None:
    change = Scenario.model_validate(
        {"name": "other", "object": {"kind": "lines", "segments": 100}, "scan_step": 20}
    )
    assert robustness.described(change) == "object lines segments 100, step 20 px"


def test_what_is_assumed_is_said() -> None:
    change = Scenario.model_validate(
        {
            "name": "wrong",
            "second_mode": 0.2,
            "assumed": {"probe_defocus": -0.05, "probe_rotation": 30.0, "position_scale": 0.01},
        }
    )
    assert robustness.described(change) == (
        "second mode 20 %, assumed: defocus −5 %, probe turned by +30°, positions 1 % closer"
    )
