"""The results of a study half done: `snakemake --cores 1 partial`."""

import pandas as pd
import pytest

from counts import LONG
from ptychopareto.config.columns import LATENCIES
from tiny_study import FNO, HYBRID, PHYSICS, TABLE, Project

pytestmark = pytest.mark.xdist_group("workflow_partial")

PARTIAL = "results/partial"
MAIN = {"cost": "model_params", "quality": "ssim_phase"}
OTHER = {"cost": "train_time_s", "quality": "ssim_amp"}
TIMED = [*LATENCIES]
TIMES = [*TIMED, "train_time_s", "peak_memory_mb"]


def table(project: Project, folder: str = "results") -> pd.DataFrame:
    return pd.read_csv(project[f"{folder}/study_results.csv"], index_col="run")


def test_half_a_study_is_shown_and_continued(finished: Project, fresh: Project) -> None:
    fresh.take_scan(finished)
    fresh.build(f"results/runs/{FNO}/metrics.json")
    fresh.build("partial")
    half, whole = table(fresh, PARTIAL), table(finished)
    assert dict(half["status"]) == {FNO: "ok", HYBRID: "missing", PHYSICS: "missing"}
    assert half.loc[FNO].drop(TIMES).equals(whole.loc[FNO].drop(TIMES))
    assert half.loc[FNO, TIMED].isna().all()  # measured at the end, side by side
    for name in ("pareto_plot.png", "training_curves.png", "gallery.png", "index.html"):
        assert fresh[f"{PARTIAL}/{name}"].stat().st_size > 0
    assert fresh[f"{PARTIAL}/recommended/model.safetensors"].exists()

    assert f"train/{FNO}" not in fresh.plan(TABLE)
    if LONG:
        fresh.build(TABLE)
        assert table(fresh).drop(columns=TIMES).equals(whole.drop(columns=TIMES))


def test_nothing_yet_is_shown_too(fresh: Project) -> None:
    fresh.build("partial")
    assert set(table(fresh, PARTIAL)["status"]) == {"missing"}
    assert fresh[f"{PARTIAL}/pareto_plot.png"].stat().st_size > 0
    assert "missing" in fresh[f"{PARTIAL}/index.html"].read_text()


def test_results_from_before_a_change_are_not_shown(project: Project) -> None:
    project.configure(training={"epochs": 2}, pareto=[MAIN, OTHER])
    project.build("partial")
    assert set(table(project, PARTIAL)["status"]) == {"missing"}
    assert not list(project[f"{PARTIAL}/recommended"].iterdir())
    assert project[f"{PARTIAL}/pareto_train_time_s_ssim_amp.png"].stat().st_size > 0


def test_each_pair_of_axes_has_its_front(project: Project) -> None:
    project.configure(pareto=[MAIN, OTHER])
    plot = "results/pareto_train_time_s_ssim_amp.png"
    assert project.build(plot) == {"gather", "pareto_plot/train_time_s_ssim_amp"}
    front = pd.read_csv(project["results/pareto_front_train_time_s_ssim_amp.csv"])
    main = pd.read_csv(project["results/pareto_front.csv"])
    chosen = main["configuration"][main["recommended"]].tolist()
    assert len(chosen) == 1  # the main axes decide
    assert front["configuration"][front["recommended"]].isin(chosen).all()
    assert front["train_time_s"].is_monotonic_increasing
    assert front["ssim_amp"].is_monotonic_increasing


def test_partial_is_made_anew_each_time_also_beside_a_running_study(project: Project) -> None:
    """It shares no file with the study, so the lock of the study does not keep it out."""
    outputs = sorted(
        str(path.relative_to(project.folder)) for path in project["results"].rglob("*")
    )
    assert project.build("partial") == {"partial"}
    locks = project[".snakemake/locks"]
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("\n".join(outputs))
    refused = project.snakemake("--cores", "1", "--forceall", "results/pareto_plot.png")
    assert refused.returncode != 0
    assert project.build("partial") == {"partial"}
