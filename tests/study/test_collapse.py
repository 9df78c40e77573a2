"""Runs that have collapsed are named, and none of them is recommended without a word."""

from typing import Any

import pandas as pd
import pytest

from ptychopareto.study.against_time import REFINEMENT
from ptychopareto.study.collapse import collapsed, in_words, with_warnings
from ptychopareto.study.configurations import configurations
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.purposes import purposes
from ptychopareto.study.recommendation import recommend
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES

AXES = {"cost": "model_params", "quality": "ssim_phase"}
SOUND: dict[str, Any] = {
    **{"status": "ok", "reference": "truth", "ssim_phase": 0.8, "ssim_phase_floor": 0.1},
    **{"contrast_phase": 0.9, "contrast_amp": 0.9, "model_params": 100},
}


def table(*rows: dict[str, Any], seeds: int = 1) -> pd.DataFrame:
    """One row for each width, or for each seed of it."""
    runs = [
        Run("fno", "none", 12, 4 + number // seeds, "teacher", number % seeds)
        for number in range(len(rows))
    ]
    filled = [
        {**vars(run), "run": run.id, **SOUND, **row} for run, row in zip(runs, rows, strict=True)
    ]
    return with_warnings(pd.DataFrame(filled, columns=list(COLUMNS)).astype(TYPES))


def warning(**row: Any) -> Any:
    return table(row)["warning"][0]


def test_a_sound_run_has_no_warning() -> None:
    assert pd.isna(warning())
    assert pd.isna(warning(contrast_amp=float("nan")))  # a truth without structure in it
    assert pd.isna(warning(contrast_phase=0.2, ssim_phase=0.2))  # weak, but there


def test_a_constant_is_named() -> None:
    assert warning(contrast_phase=0.004) == (
        "collapsed: the phase is nearly constant, its spread is 0.4 % of that in the truth"
    )
    assert "the amplitude is nearly constant" in warning(contrast_amp=0.05)
    assert "of that in the classical object" in warning(contrast_phase=0, reference="classical")


def test_noise_is_no_better_than_a_constant() -> None:
    words = "collapsed: no better than a constant image, whose ssim_phase is 0.1"
    assert warning(ssim_phase=0.1) == words
    assert warning(ssim_phase=0.02) == words
    void = {"ssim_phase": float("nan"), "ssim_amp": 0.3, "ssim_amp_floor": 0.3}
    assert "whose ssim_amp is 0.3" in warning(**void)


def test_a_measured_scan_is_judged_by_patterns() -> None:
    measured = {"reference": "classical", "r_free": 0.3, "r_free_flat": 0.3}
    assert warning(**measured) == ("collapsed: no better than a flat object, whose r_free is 0.3")
    assert pd.isna(warning(**{**measured, "r_free": 0.2, "ssim_phase": 0.05}))


def test_a_failed_run_has_an_error_and_no_warning() -> None:
    assert pd.isna(warning(status="diverged", contrast_phase=0.0))
    assert pd.isna(warning(status="missing", reference=None, ssim_phase=None))


def test_they_are_counted_and_named() -> None:
    runs = table({}, {"contrast_phase": 0.0}, {}, {}, seeds=2)
    assert collapsed(runs).tolist() == [False, True, False, False]
    assert in_words(runs) == "1 of 4 runs collapsed: fno_tnone_m12_w4_teacher_s1"
    assert in_words(table({})) == ""
    many = table(*[{"contrast_phase": 0.0}] * 9)
    assert in_words(many).startswith("9 of 9 runs collapsed: ")
    assert in_words(many).endswith(" and 4 more")
    assert configurations(runs)["n_collapsed"].tolist() == [1, 0]


def test_none_is_recommended_without_a_word() -> None:
    runs = table({}, {"contrast_phase": 0.0}, seeds=2)
    choice = recommend(runs, pareto_front(runs, **AXES), *AXES.values())
    assert choice["reason"].endswith(
        "1 of its 2 runs collapsed (collapsed: the phase is nearly constant, its spread is 0 % of "
        "that in the truth)."
    )
    sound = table({}, {}, seeds=2)
    assert (
        "collapsed" not in recommend(sound, pareto_front(sound, **AXES), *AXES.values())["reason"]
    )


@pytest.mark.parametrize("purpose", ["fastest", "smallest"])
def test_none_is_fastest_or_smallest(purpose: str) -> None:
    runs = table({"contrast_phase": 0.0, "model_params": 1}, {})
    names = configurations(runs)["configuration"]
    refinement = pd.DataFrame(
        [
            {"run": f"{name}_s0", "configuration": name, "seed": 0, "refine_epochs": 0}
            | {"inference_s": 1.0 + number, "refine_s": 0.0, "total_s": 1.0 + number}
            for number, name in enumerate(names)
        ],
        columns=list(REFINEMENT),
    ).astype(REFINEMENT)
    front = pareto_front(runs, **AXES)
    found = purposes(runs, front, refinement, **AXES).set_index("purpose")
    assert found["configuration"][purpose] == names[1]
