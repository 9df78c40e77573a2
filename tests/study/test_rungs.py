"""What a search leaves at its rungs: decisions, rows of the table, time, and how sure it is."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from ptychopareto.config import parse_study
from ptychopareto.files import FileError, write_json
from ptychopareto.study.certainty import certainty
from ptychopareto.study.results import Results
from ptychopareto.study.rung_decision import decided, kind_of_loss
from ptychopareto.study.rungs import (
    Decision,
    decisions_so_far,
    finished,
    read_decision,
    read_reached,
)
from ptychopareto.study.runs import Run, expand
from ptychopareto.study.spending import in_words, spending
from ptychopareto.study.stopped_runs import stopped_rows
from ptychopareto.study.table import SEARCHED, gather, read_table
from ptychopareto.study.tables import table_of_runs

STUDY = parse_study(
    {
        "sweep": [
            {
                "architecture": ["fno"],
                "input_transform": ["none"],
                "modes": [4],
                "width": [4, 6, 8, 10],
            }
        ],
        "seeds": [0, 1],
        "training": {"epochs": 4},
        "search": {"rungs": [1, 2], "keep": [0.5, 0.25]},
    }
)
RUNS = expand(STUDY)
NAMES = list(dict.fromkeys(run.configuration for run in RUNS.values()))
GROUPS = dict.fromkeys(NAMES, "teacher, free gauge")
COSTS = dict(zip(NAMES, (100, 200, 300, 400), strict=True))
LOSSES = dict(zip(NAMES, (0.5, 0.3, 0.45, 0.44), strict=True))


def run_of(name: str, seed: int = 0) -> Run:
    return RUNS[f"{name}_s{seed}"]


def record(name: str, rung: int, status: str = "ok", seed: int = 0) -> dict[str, Any]:
    run, epochs = run_of(name, seed), rung if status == "ok" else rung - 1
    return {
        **run.settings(STUDY.training),
        "run": run.id,
        "configuration": name,
        "settings": f"settings of {run.id}",
        "status": status,
        "error": "" if status == "ok" else "non-finite loss",
        "val_loss": [LOSSES[name] / (1 + epoch) for epoch in range(epochs)],
        "train_time_s": 10.0 * epochs,
        "patterns_trained": 100 * epochs,
        "model_params": COSTS[name],
        "model_params_real": COSTS[name],
    }


def decision(rung: int, names: list[str], part: float, failed: str = "") -> Decision:
    records = [record(name, rung, "diverged" if name == failed else "ok") for name in names]
    content = decided(rung, part, records, GROUPS, "model_params")
    return Decision(**content)


@pytest.fixture
def decisions() -> list[Decision]:
    first = decision(1, NAMES, 0.5)
    return [first, decision(2, first.survivors, 0.25)]


def test_the_search_of_this_page(decisions: list[Decision]) -> None:
    assert decisions[0].survivors == NAMES[:2]
    assert len(decisions[1].survivors) == 1


def test_decision_as_a_file(decisions: list[Decision], tmp_path: Path) -> None:
    path = tmp_path / "rung_1.json"
    records = [record(name, 1) for name in NAMES]
    write_json(path, decided(1, 0.5, records, GROUPS, "model_params"))
    assert read_decision(path) == decisions[0]
    content = json.loads(path.read_text())
    del content["configurations"][0]["goes_on"]
    path.write_text(json.dumps(content))
    with pytest.raises(FileError, match="goes_on"):
        read_decision(path)


def test_decisions_that_still_hold(tmp_path: Path) -> None:
    files = [tmp_path / f"rung_{rung}.json" for rung in (1, 2)]
    settings = {run: f"settings of {run}" for run in RUNS}

    def so_far(**changed: Any) -> list[int]:
        asked = {"runs": RUNS.values(), "settings": settings, "keep": (0.5, 0.25)}
        asked = {**asked, "cost": "model_params", **changed}
        return [one.rung for one in decisions_so_far(files, **asked)]

    assert so_far() == []
    records = [record(name, 1) for name in NAMES]
    write_json(files[0], decided(1, 0.5, records, GROUPS, "model_params"))
    assert so_far() == [1]
    records = [record(name, 2) for name in NAMES[:2]]
    write_json(files[1], decided(2, 0.25, records, GROUPS, "model_params"))
    assert so_far() == [1, 2]
    assert so_far(keep=(0.5, 0.5)) == [1]
    assert so_far(keep=(0.75, 0.25)) == []
    assert so_far(cost="train_time_s") == []
    assert so_far(settings={**settings, f"{NAMES[3]}_s0": "others"}) == []
    assert so_far(runs=list(RUNS.values())[2:]) == []
    more_seeds = [*RUNS.values(), run_of(NAMES[3])]
    assert so_far(runs=more_seeds) == [1, 2]
    write_json(files[1], decided(2, 0.25, records[:1], GROUPS, "model_params"))
    assert so_far() == [1]
    files[0].write_text("{")
    assert so_far() == []


def test_where_all_fail_the_decision_is_a_file_too(tmp_path: Path) -> None:
    records = [record(name, 1, "diverged") for name in NAMES]
    write_json(tmp_path / "rung.json", decided(1, 0.5, records, GROUPS, "model_params"))
    found = read_decision(tmp_path / "rung.json")
    assert found.survivors == []
    assert [one["loss"] for one in found.configurations] == [None] * 4


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rung_1.json"
    write_json(path, {**record(NAMES[0], 1), "val_loss": "none"})
    with pytest.raises(FileError, match="val_loss"):
        read_reached(path)


def test_cost_of_training_is_that_of_the_whole() -> None:
    records = [record(name, 2) for name in NAMES]
    ones = decided(2, 1.0, records, GROUPS, "train_time_s")["configurations"]
    assert [one["cost"] for one in ones] == [40.0] * 4


def test_cost_of_inference_is_measured() -> None:
    times = dict(zip(NAMES, (0.4, 0.3, 0.2, 0.1), strict=True))
    records = [record(name, 1) for name in NAMES]
    ones = decided(1, 0.25, records, GROUPS, "inference_time_s", times)["configurations"]
    assert [one["cost"] for one in ones] == [0.4, 0.3, 0.2, 0.1]
    unknown = decided(1, 0.25, records, GROUPS, "inference_time_s", {})["configurations"]
    assert not any(one["goes_on"] for one in unknown)


def test_those_that_go_on_run_with_all_seeds(decisions: list[Decision]) -> None:
    (last,) = decisions[1].survivors
    ids = [run.id for run in finished(decisions, RUNS.values())]
    assert ids == [f"{last}_s0", f"{last}_s1"]


def test_a_run_whose_training_ended_at_the_rung_is_finished() -> None:
    at_the_end = [decision(4, NAMES, 0.25)]
    (last,) = at_the_end[0].survivors
    ids = {run.id for run in finished(at_the_end, RUNS.values())}
    assert ids == {f"{name}_s0" for name in NAMES} | {f"{last}_s1"}
    assert set(stopped_rows(at_the_end, RUNS.values())) == {
        f"{name}_s1" for name in NAMES if name != last
    }


def test_rows_of_stopped_runs(decisions: list[Decision], tmp_path: Path) -> None:
    rows = stopped_rows(decisions, RUNS.values())
    assert len(rows) == 6
    table = gather(RUNS.values(), {}, stopped=rows).set_index("run")
    tried, other = (table.loc[f"{NAMES[3]}_s{seed}"] for seed in (0, 1))
    assert (tried["status"], tried["rung"], tried["rung_loss"]) == ("stopped", 1, LOSSES[NAMES[3]])
    assert (other["status"], other["rung"]) == ("stopped", 1)
    assert math.isnan(other["rung_loss"])
    assert tried["model_params"] == other["model_params"] == 400
    assert tried["epochs"] == other["epochs"] == 4
    (last,) = decisions[1].survivors
    assert table.loc[f"{last}_s0", "status"] == "missing"  # not evaluated yet
    table.reset_index()[[*gather(RUNS.values(), {}, stopped=rows).columns]].to_csv(
        tmp_path / "table.csv", index=False
    )
    assert set(SEARCHED) < set(read_table(tmp_path / "table.csv").columns)


def test_stopped_runs_have_the_inference_time_of_the_untrained(
    decisions: list[Decision], tmp_path: Path
) -> None:
    times = dict(zip(NAMES, (0.4, 0.3, 0.2, 0.1), strict=True))
    results = Results(tmp_path, tuple(RUNS.values()))
    table = table_of_runs(results, decisions=decisions, untrained=times).set_index("run")
    (last,) = decisions[1].survivors
    for name in NAMES:
        for seed in (0, 1):
            time = table.loc[f"{name}_s{seed}", "inference_time_s"]
            assert math.isnan(time) if name == last else time == times[name]
    without = table_of_runs(results, decisions=decisions)
    assert without["inference_time_s"].isna().all()


def test_table_of_a_study_without_a_search_has_no_such_columns() -> None:
    assert not set(SEARCHED) & set(gather(RUNS.values(), {}).columns)


def test_a_failed_run_of_a_stopped_configuration_says_so() -> None:
    rows = stopped_rows([decision(1, NAMES, 0.5, failed=NAMES[0])], RUNS.values())
    failed = rows[f"{NAMES[0]}_s0"]
    assert (failed["status"], failed["error"]) == ("diverged", "non-finite loss")
    assert rows[f"{NAMES[0]}_s1"]["status"] == "stopped"


def test_decisions_about_other_settings_do_not_count(decisions: list[Decision]) -> None:
    settings = {run: f"settings of {run}" for run in RUNS}
    assert len(stopped_rows(decisions, RUNS.values(), settings)) == 6
    settings[f"{NAMES[3]}_s0"] = "others"
    assert len(stopped_rows(decisions, RUNS.values(), settings)) == 4


def test_only_equal_losses_are_compared() -> None:
    settings = {"supervision": "teacher", "gauge": "free", "physics_weight": 0}
    assert kind_of_loss(settings) == "teacher, free gauge"
    assert kind_of_loss({**settings, "physics_weight": 0.1}).endswith("physics weight 0.1")
    assert kind_of_loss({"supervision": "physics", "gauge": None}) == "physics"


def finished_table(decisions: list[Decision]) -> Any:
    table = gather(RUNS.values(), {}, stopped=stopped_rows(decisions, RUNS.values()))
    ok = table["status"] == "missing"
    table.loc[ok, "status"] = "ok"
    table.loc[ok, "epochs"] = 4
    table.loc[ok, ["train_time_s", "model_params", "ssim_phase"]] = [40.0, 200, 0.8]
    return table


def test_time_spent_and_saved(decisions: list[Decision]) -> None:
    spent = spending(decisions, finished_table(decisions))
    # two runs to the end, one for two epochs, two for one
    assert spent["train_time_s"] == pytest.approx(80 + 20 + 10 + 10)
    # of eight runs of four epochs each, an epoch of 10 s
    assert spent["saved_s"] == pytest.approx(320 - 120)
    assert spent["part"] == pytest.approx(120 / 320)
    assert [rung["kept"] for rung in spent["rungs"]] == [2, 1]
    words = in_words(spent)
    assert "1 of 4 configurations to the end, in 2 min of training, some 38 %" in words
    assert "it saved about 3.33 min" in words


def test_how_sure_the_front_is(decisions: list[Decision]) -> None:
    table = finished_table(decisions)
    (last,) = decisions[1].survivors
    alike = {
        f"{last}_s{seed}": [LOSSES[last] / (1 + epoch) for epoch in range(4)] for seed in (0, 1)
    }
    sure = certainty(decisions, alike, table, "model_params", "ssim_phase")
    assert sure == {last: {"p_kept": 1.0, "p_front": 1.0}}
    bad = {**alike, f"{last}_s1": [9.0, 9.0, 9.0, 9.0]}  # where this seed is the first, it is lost
    unsure = certainty(decisions, bad, table, "model_params", "ssim_phase")
    assert 0.3 < unsure[last]["p_kept"] < 0.7


def test_one_seed_leaves_nothing_to_resample(decisions: list[Decision]) -> None:
    (last,) = decisions[1].survivors
    one = {f"{last}_s0": [0.1, 0.1]}
    assert certainty(decisions, one, finished_table(decisions), "model_params", "ssim_phase") == {}
