from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ptychopareto.assessment.metrics import evaluate
from ptychopareto.config.columns import QUALITIES
from ptychopareto.files import FileError, write_csv, write_json
from ptychopareto.study.against_time import (
    classical_table,
    read_classical,
    refinement_table,
    with_latencies,
)
from ptychopareto.study.runs import Run
from ptychopareto.study.table import MEASURES

RUN = Run("fno", "none", 4, 4, "teacher", 0)
OTHER = Run("hybrid", "none", 4, 4, "teacher", 1)
TIMING = {
    "engine": {"scored_fraction": 1.0, "stitch_s": 0.5, "setup_s": 1.0, "epoch_s": 0.25},
    "models": {
        RUN.id: {
            "inference_time_s": 2.0,
            "inference_iqr_s": 0.1,
            "patterns_per_s": 50.0,
            "single_pattern_s": 0.02,
        }
    },
}


def test_latencies_replace_those_of_the_evaluations() -> None:
    table = pd.DataFrame({"run": [RUN.id, OTHER.id], "inference_time_s": [9.0, 9.0]})
    timed = with_latencies(table, TIMING)
    assert timed["inference_time_s"].tolist()[0] == 2.0
    assert timed["single_pattern_s"].tolist()[0] == 0.02
    assert timed.loc[1, ["inference_time_s", "patterns_per_s"]].isna().all()


def test_classical_seconds_are_setup_and_epochs() -> None:
    table = classical_table([{"epochs": 2, "ssim_phase": 0.5}, {"epochs": 8}], TIMING)
    assert table["seconds"].tolist() == [1.5, 3.0]
    assert table["epochs"].tolist() == [2, 8]
    assert table["ssim_phase"].tolist()[0] == 0.5


def test_engines_of_classical_reconstructions_have_their_own_clocks() -> None:
    """rPIE's is that of the networks; the engine that finds the probe too says how long it took."""
    steps = [
        {"epochs": 2, "r_free": 0.2},
        {"epochs": 8, "r_free": 0.19, "engine": None},
        {"epochs": 8, "r_free": 0.16, "engine": "lsqml", "seconds": 12.5},
        {"epochs": 9, "r_free": 0.16, "engine": "lsqml"},
    ]
    table = classical_table(steps, TIMING, best_epochs=8)
    assert table["seconds"].tolist()[:3] == [1.5, 3.0, 12.5]
    assert np.isnan(table["seconds"].tolist()[3])
    assert table["engine"].tolist() == ["rpie", "rpie", "lsqml", "lsqml"]
    assert table["early_stop"].tolist() == [False, True, False, False]
    assert not classical_table(steps, TIMING)["early_stop"].any()


def test_classical_reconstructions_are_read_as_they_were_gathered(tmp_path: Path) -> None:
    path = tmp_path / "classical.csv"
    table = classical_table([{"epochs": 2}, {"epochs": 3, "engine": "lsqml"}], TIMING, 2)
    write_csv(path, table)
    read = read_classical(path)
    assert read["engine"].tolist() == ["rpie", "lsqml"]
    assert read["early_stop"].tolist() == [True, False]
    for column in ("engine", "early_stop"):
        write_csv(path, table.assign(**{column: [None, table[column][1]]}))
        with pytest.raises(FileError, match="engine or early_stop is empty in a row"):
            read_classical(path)


def test_refinement_adds_network_stitching_and_epochs(tmp_path: Path) -> None:
    steps = [{"epochs": 0, "ssim_phase": 0.8}, {"epochs": 4, "ssim_phase": 0.9}]
    write_json(tmp_path / "refinement.json", {"steps": steps})
    scores = {RUN.id: tmp_path / "refinement.json", OTHER.id: tmp_path / "missing.json"}
    table = refinement_table([RUN, OTHER], scores, TIMING)
    assert table["refine_epochs"].tolist() == [0, 4]
    assert table["total_s"].tolist() == [2.5, 4.5]
    assert table["refine_s"].tolist() == [0.0, 2.0]
    assert table["configuration"].unique().tolist() == [RUN.configuration]
    assert table["ssim_phase"].tolist() == [0.8, 0.9]


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "refinement.json", {"other": 1})
    with pytest.raises(FileError, match="steps is missing"):
        refinement_table([RUN], {RUN.id: tmp_path / "refinement.json"}, TIMING)


def test_all_measures_have_their_column() -> None:
    truth = (2 + np.cos(np.arange(16.0))) * np.exp(1j * np.sin(np.arange(16.0)[:, None]))
    without_truth = {"r_work", "r_free", "r_free_flat", "frc50_halves"}
    assert set(QUALITIES) == set(evaluate(truth, truth)) | without_truth
    assert set(QUALITIES) <= set(MEASURES)
