"""After how many scans training pays, in numbers that can be reckoned by hand."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptychopareto.files import Dataset, FileError, write_csv
from ptychopareto.study.against_time import CLASSICAL, REFINEMENT
from ptychopareto.study.break_even import (
    break_even,
    in_words,
    read_break_even,
    teacher_seconds,
)
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES
from ptychopareto.study.time_to_reach import time_to_reach

RUNS = [Run("fno", "none", 12, 8, "teacher", 0), Run("fno", "none", 12, 8, "physics", 0)]
TAUGHT, PHYSICS = (run.configuration for run in RUNS)
Passes = dict[int, float]


def found(
    after: Passes, rpie: Passes, quality: str = "ssim_phase", teacher_s: float = 40.0
) -> pd.DataFrame:
    """A pass of rPIE takes 1 s, a network 0.5 s; the training of each 100 s."""
    runs = [
        {**vars(run), "run": run.id, "status": "ok", "model_params": 10, "train_time_s": 100.0}
        | {quality: after[0]}
        for run in RUNS
    ]
    refined: list[dict[str, Any]] = [
        {
            **{"run": run.id, "configuration": run.configuration, "seed": 0},
            **{"refine_epochs": epochs, "inference_s": 0.5, "refine_s": 1.0 * epochs},
            **{"total_s": 0.5 + epochs, quality: value},
        }
        for run in RUNS
        for epochs, value in after.items()
    ]
    classical = [
        {"epochs": epochs, "seconds": 1.0 * epochs, "engine": "rpie", "early_stop": False}
        | {quality: value}
        for epochs, value in rpie.items()
    ]
    faster = {"epochs": 1, "seconds": 1e-3, "engine": "lsqml", "early_stop": False, quality: 0.5}
    return break_even(
        pd.DataFrame(runs, columns=list(COLUMNS)).astype(TYPES),
        pd.DataFrame(refined, columns=list(REFINEMENT)).astype(REFINEMENT),
        pd.DataFrame([*classical, faster], columns=list(CLASSICAL)).astype(CLASSICAL),
        quality,
        teacher_s,
    )


def test_training_and_teacher_over_what_a_scan_saves() -> None:
    """rPIE has 0.9 after 10 s. Alone: 140 / (10 − 0.5) and 100 / 9.5; + 1 epoch: 20 s, / 18.5."""
    table = found({0: 0.9, 1: 0.97}, {10: 0.9, 20: 0.97})
    assert table["configuration"].tolist() == [TAUGHT, TAUGHT, PHYSICS, PHYSICS]
    assert table["refine_epochs"].tolist() == [0, 1, 0, 1]
    assert table["rpie_s"].tolist() == pytest.approx([10, 20] * 2)
    assert table["teacher_s"].tolist() == [40, 40, 0, 0]
    expected = [140 / 9.5, 140 / 18.5, 100 / 9.5, 100 / 18.5]
    assert table["break_even_scans"].tolist() == pytest.approx(expected)
    assert in_words(table.iloc[0].to_dict()) == "15 scans"


def test_it_never_pays_where_rpie_is_as_fast() -> None:
    """The first pass is as good as the network; with one pass after it, both take 1.5 s."""
    table = found({0: 0.5, 1: 0.6}, {1: 0.55, 2: 0.99})
    assert table["saved_s"][0] == pytest.approx(0.5)  # before the first point nothing is known
    late = found({0: 0.5, 2: 0.6}, {1: 0.55, 2: 0.6})
    assert late["break_even_scans"][1] == math.inf  # 2.5 s against 2
    assert in_words(late.iloc[1].to_dict()) == "never"


def test_void_where_rpie_never_gets_there() -> None:
    """The quality of lsqml, which finds the probe too, does not count."""
    table = found({0: 0.15}, {1: 0.3, 10: 0.2}, "r_free")
    assert table["rpie_s"].isna().all()
    assert table["break_even_scans"].isna().all()
    assert in_words(table.iloc[0].to_dict()) == "rPIE is never as good"


def test_smaller_may_be_better() -> None:
    table = found({0: 0.2}, {1: 0.3, 10: 0.2}, "r_free")
    assert table["rpie_s"].tolist() == pytest.approx([10, 10])


def test_before_anything_is_timed() -> None:
    table = found({0: 0.9}, {}, teacher_s=math.nan)
    assert table["break_even_scans"].isna().all()
    assert in_words({"break_even_scans": math.nan, "scan_s": math.nan}) == "not timed"
    empty = found({0: math.nan}, {10: 0.9})
    assert empty.empty


def test_interpolation_is_that_of_the_picture() -> None:
    """On the scale of the errors 0.1 is halfway from 1 to 0.01; so is 10 s from 1 to 100 s."""
    points = np.array([(1.0, 0.0), (100.0, 0.99)])
    assert time_to_reach(points, 0.9, "ssim_phase") == pytest.approx(10)
    assert time_to_reach(points[:, ::1] * (1, -1), 0.5, "r_free") == 1.0
    assert math.isnan(time_to_reach(points, 0.999, "ssim_phase"))
    assert math.isnan(time_to_reach(points[:0], 0.9, "ssim_phase"))


def test_time_of_a_teacher(small_scan: tuple[Dataset, Dataset]) -> None:
    train, test = small_scan
    timing = {"engine": {"setup_s": 1.0, "epoch_s": 0.5}}
    scored = np.count_nonzero(test.object_index == 0)
    expected = (1 + 60 * 0.5) * len(train.corners) / scored
    assert teacher_seconds(60, train, test, timing) == pytest.approx(expected)
    assert math.isnan(teacher_seconds(60, None, test, timing))


def test_infinity_survives_the_file(tmp_path: Path) -> None:
    table = found({0: 0.5, 2: 0.6, 5: 0.9}, {1: 0.55, 2: 0.6})
    path = tmp_path / "break_even.csv"
    write_csv(path, table)
    pd.testing.assert_frame_equal(read_break_even(path), table)
    assert table["break_even_scans"].isna().any()
    path.write_text(path.read_text().replace("inf", "often"))
    with pytest.raises(FileError, match="break_even_scans is wrong; numbers and inf are wanted"):
        read_break_even(path)
