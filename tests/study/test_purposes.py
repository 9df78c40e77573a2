"""One network for each purpose: the rules, in numbers that can be reckoned by hand."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptychopareto.files import FileError, read_json, write_csv, write_json
from ptychopareto.study.against_time import REFINEMENT
from ptychopareto.study.pareto import pareto_front
from ptychopareto.study.per_scan import networks_refined
from ptychopareto.study.purposes import (
    PURPOSES,
    as_records,
    in_words,
    named,
    purposes,
    read_purposes,
)
from ptychopareto.study.runs import Run
from ptychopareto.study.table import COLUMNS, TYPES

FLOOR = 0.1
# width: parameters, seconds for a scan, quality alone, and after 1 and 5 epochs of rPIE
Networks = dict[int, tuple[float, float, float, float, float]]
LIGHT: Networks = {
    4: (10, 0.9, 0.78, 0.9957, 0.999),
    8: (100, 1.6, 0.86, 0.993, 0.998),
    16: (1000, 2.1, 0.90, 0.995, 0.9991),
}


def name(width: int) -> str:
    return Run("fno", "none", 12, width, "teacher", 0).configuration


def table_of(networks: Networks, quality: str, floors: dict[str, float]) -> pd.DataFrame:
    rows = [
        {**vars(run), "run": run.id, "status": "ok", "model_params": parameters}
        | {quality: alone, "inference_time_s": seconds, **floors}
        for width, (parameters, seconds, alone, *_) in networks.items()
        for run in [Run("fno", "none", 12, width, "teacher", 0)]
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES)


def refinement_of(networks: Networks, quality: str) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            **{"run": f"{name(width)}_s0", "configuration": name(width), "seed": 0},
            **{"refine_epochs": epochs, "inference_s": seconds, "refine_s": 0.1 * epochs},
            **{"total_s": seconds + 0.1 * epochs, quality: value},
        }
        for width, (_, seconds, *values) in networks.items()
        for epochs, value in zip((0, 1, 5), values, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(REFINEMENT)).astype(REFINEMENT)


def answers(
    networks: Networks, quality: str = "ssim_phase", floors: dict[str, float] | None = None
) -> pd.DataFrame:
    floors = {"ssim_phase_floor": FLOOR} if floors is None else floors
    table = table_of(networks, quality, floors)
    axes = {"cost": "model_params", "quality": quality}
    return purposes(
        table, pareto_front(table, **axes), refinement_of(networks, quality), **axes
    ).set_index("purpose")


def test_one_answer_for_each_purpose() -> None:
    """The best gains 0.8 over a constant: 0.72 of it is 0.82, and width 4 stays below."""
    found = answers(LIGHT)
    assert list(found.index) == list(PURPOSES)
    assert found["configuration"].to_dict() == {
        "alone": name(8),  # the knee
        "refined": name(4),
        "fastest": name(8),
        "smallest": name(8),
    }
    assert found["refine_epochs"].tolist() == [0, 5, 0, 0]
    assert found["seconds"].tolist() == pytest.approx([1.6, 1.4, 1.6, 1.6])
    assert found["quality"].tolist() == pytest.approx([0.86, 0.999, 0.86, 0.86])
    assert found["run"]["refined"] == f"{name(4)}_s0"
    assert found["why_not"].isna().all()
    assert "90 % of the best one's gain over a constant image" in found["rule"]["fastest"]


def test_what_keeps_nine_tenths_of_the_gain_may_be_fastest() -> None:
    """Width 4 gains 0.72 of the 0.8 exactly."""
    found = answers({**LIGHT, 4: (10, 0.9, 0.82, 0.9957, 0.999)})
    assert found["configuration"][["fastest", "smallest"]].tolist() == [name(4)] * 2
    slow = {**LIGHT, 4: (10, 9.9, 0.82, 0.9957, 0.999)}
    assert answers(slow)["configuration"][["fastest", "smallest"]].tolist() == [name(8), name(4)]


def test_refined_is_the_knee_of_quality_and_time() -> None:
    """Front of (1.0 s, 0.9), (1.4 s, 0.998), (2.6 s, 0.999): the second is far above the chord."""
    found = answers({**LIGHT, 4: (10, 0.9, 0.8, 0.9, 0.998)})
    assert found.loc["refined", ["configuration", "refine_epochs"]].tolist() == [name(4), 5]


def test_refinement_that_harms_is_no_answer() -> None:
    """R-free rises after rPIE, or falls for a network that stays behind the one alone."""
    networks: Networks = {8: (10, 1, 0.15, 0.16, 0.17), 16: (100, 2, 0.19, 0.18, 0.17)}
    found = answers(networks, "r_free", {"r_free_flat": 0.3})
    assert found["configuration"]["alone"] == name(8)
    assert pd.isna(found["configuration"]["refined"])
    assert found["why_not"]["refined"] == (
        "rPIE makes no sound network surely better than the network of alone."
    )
    assert found["configuration"]["smallest"] == name(8)
    assert "a flat object" in found["rule"]["smallest"]
    helped = answers({**networks, 16: (100, 2, 0.19, 0.18, 0.14)}, "r_free", {"r_free_flat": 0.3})
    assert helped.loc["refined", ["configuration", "refine_epochs"]].tolist() == [name(16), 5]


def test_a_change_must_be_sure_where_there_are_seeds() -> None:
    """Changes of 0.1 and −0.02: their mean, 0.04, is inside ± 12.7 · 0.085 / √2."""
    runs = [Run("fno", "none", 12, 8, "teacher", seed) for seed in (0, 1)]
    table = pd.concat([table_of({8: LIGHT[8]}, "ssim_phase", {})] * 2, ignore_index=True)
    table = table.assign(run=[run.id for run in runs], seed=[0, 1])
    refinement = pd.concat([refinement_of({8: LIGHT[8]}, "ssim_phase")] * 2, ignore_index=True)
    refinement["run"] = [run.id for run in runs for _ in range(3)]
    refinement["ssim_phase"] = [0.86, 0.96, 0.97, 0.86, 0.84, 0.97]
    means = networks_refined(table, refinement, "ssim_phase").set_index("refine_epochs")
    assert means["change"].tolist() == pytest.approx([0.04, 0.11])
    assert means["change_ci95"].tolist() == pytest.approx([12.7062 * 0.06, 0], rel=1e-4, abs=1e-9)
    axes = {"cost": "model_params", "quality": "ssim_phase"}
    found = purposes(table, pareto_front(table, **axes), refinement, **axes).set_index("purpose")
    assert found["refine_epochs"]["refined"] == 5


def test_nothing_is_fastest_where_nothing_was_learned() -> None:
    found = answers({8: (10, 1, FLOOR, FLOOR, FLOOR), 16: (99, 2, FLOOR, FLOOR, FLOOR)})
    assert pd.isna(found["configuration"][["fastest", "smallest", "refined"]]).all()
    assert found["why_not"]["fastest"] == (
        "No network is better than a constant in all of its runs."
    )


def test_measures_without_a_floor_are_compared_with_the_best_itself() -> None:
    networks: Networks = {8: (10, 1, 27.1, 30, 30), 16: (100, 2, 30, 31, 31)}
    found = answers(networks, "psnr_phase", {})
    assert found["configuration"]["smallest"] == name(8)
    found = answers({**networks, 8: (10, 1, 26.9, 30, 30)}, "psnr_phase", {})
    assert found["configuration"]["smallest"] == name(16)
    errors: Networks = {8: (10, 1, 0.11, 0.1, 0.1), 16: (100, 2, 0.1, 0.1, 0.1)}
    assert answers(errors, "mae_phase", {})["configuration"]["smallest"] == name(8)
    errors[8] = (10, 1, 0.112, 0.1, 0.1)
    assert answers(errors, "mae_phase", {})["configuration"]["smallest"] == name(16)


def test_nothing_yet() -> None:
    found = answers({})
    assert found["configuration"].isna().all()
    assert set(found["why_not"]) == {"No run has a result on these axes."}


def test_before_the_timing_there_is_no_fastest() -> None:
    nothing = float("nan")
    networks: Networks = {8: (10, nothing, 0.5, 0.6, 0.7)}
    found = answers(networks)
    assert found["why_not"]["fastest"] == "No network has been timed yet."
    assert found["configuration"]["smallest"] == name(8)


def test_words_and_records(tmp_path: Path) -> None:
    found = answers(LIGHT).reset_index()
    assert in_words(found, "ssim_phase")[1] == (
        f"refined: {name(4)} + 5 passes of rPIE, ssim_phase 0.999, 1.4 s for a scan, 10 parameters"
    )
    records = as_records(found)
    assert named(records) == {name(8): "alone, fastest, smallest", name(4): "refined"}
    write_json(tmp_path / "a.json", records)
    assert read_json(tmp_path / "a.json") == records
    write_csv(tmp_path / "a.csv", found)
    assert as_records(read_purposes(tmp_path / "a.csv")) == records
    write_csv(tmp_path / "a.csv", found.iloc[1:])
    with pytest.raises(FileError, match="one row for each of alone, refined"):
        read_purposes(tmp_path / "a.csv")
