"""What a user sees when something is wrong: one clear line, and the rest of the study."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from counts import LONG
from ptychopareto.files import read_dataset, read_npz, write_dataset, write_npz
from tiny_study import FNO, HYBRID, PHYSICS, RUNS, TABLE, TINY, Project

pytestmark = pytest.mark.xdist_group("workflow_failures")

METRICS = [f"results/runs/{run}/metrics.json" for run in RUNS]
HYBRID_SOURCE = "src/ptychopareto/models/hybrid.py"
A_DEFECT = """

def _defect(self, x):
    raise RuntimeError("a defect")


Hybrid.forward = _defect
"""
NOT_FINITE = """

_finite = Hybrid.forward
Hybrid.forward = lambda self, x: _finite(self, x) * float("nan")
"""


def sweep_with(**axes: object) -> list[object]:
    return [{**TINY["sweep"][0], **axes}]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"sweep": sweep_with(modes=[17])}, ("sweep[0].modes[0]", "17", "16")),
        ({"sweep": sweep_with(architecture=["unet"])}, ("architecture", "unet", "fno", "hybrid")),
        ({"sweep": sweep_with(width=[])}, ("sweep[0].width", "empty")),
        ({"sweep": []}, ("sweep",)),
        ({"sweep": [TINY["sweep"][0]] * 2}, (FNO, "once")),
        ({"training": {"epoch": 3}}, ("training.epoch", "epochs")),
        ({"training": {"learning_rate": "1e-3"}}, ("training.learning_rate", "1e-3", "number")),
        ({"dataset": {**TINY["dataset"], "scan_step_test": 80}}, ("scan_step_test", "80", "32")),
        (
            {"dataset": {"train_npz": "none.npz", "test_npz": "none.npz"}},
            ("dataset.train_npz", "none.npz"),
        ),
        (
            {"dataset": {"object": {"kind": "npz", "path": "none.npz", "test_path": "b.npz"}}},
            ("dataset.object.path", "none.npz"),
        ),
    ],
)
def test_wrong_config_is_refused_in_one_line(
    fresh: Project, section: dict[str, object], words: tuple[str, ...]
) -> None:
    fresh.configure(**section)
    refused = fresh.snakemake("-n")
    assert refused.returncode != 0
    assert len(refused.stderr.splitlines()) == 1
    assert all(word in refused.stderr for word in words), refused.stderr
    assert refused.stdout == ""


def test_misspelt_target_is_refused(project: Project) -> None:
    refused = project.snakemake("-n", f"results/runs/{FNO.replace('fno', 'fnu')}/metrics.json")
    assert refused.returncode != 0
    said = refused.stderr.splitlines()[-1]
    assert said.startswith(f"there is no run {FNO.replace('fno', 'fnu')!r} in this study; allowed ")
    assert FNO in said


def test_defect_fails_its_job_and_no_other(project: Project) -> None:
    project.append(HYBRID_SOURCE, A_DEFECT)
    project[f"results/runs/{FNO}/metrics.json"].unlink()

    failed = project.snakemake("--cores", "2", "--keep-going", *METRICS)

    assert failed.returncode != 0
    log = f"results/logs/train/{HYBRID}.log"
    (line,) = (line for line in failed.stderr.splitlines() if "a defect" in line)
    assert HYBRID in line
    assert log in line
    assert "Traceback" not in failed.stderr
    assert "Traceback" in project[log].read_text()
    assert project[f"results/runs/{FNO}/metrics.json"].exists()

    source = project[HYBRID_SOURCE]
    source.write_text(source.read_text().removesuffix(A_DEFECT))
    done = project.build(*METRICS)
    assert f"train/{HYBRID}" in done
    assert not done & {f"train/{FNO}", f"evaluate/{FNO}", f"train/{PHYSICS}"}


def test_diverged_run_is_a_row_of_the_table(project: Project) -> None:
    project.append(HYBRID_SOURCE, NOT_FINITE)
    picture = f"results/runs/{HYBRID}/reconstruction.png"
    project.build(*([] if LONG else [TABLE, picture]))
    table = pd.read_csv(project[TABLE], index_col="run")
    assert dict(table["status"]) == {FNO: "ok", HYBRID: "diverged", PHYSICS: "ok"}
    assert "non-finite" in table.loc[HYBRID, "error"]
    assert pd.isna(table.loc[HYBRID, "ssim_phase"])
    assert project[picture].stat().st_size > 0


def test_existing_scans_are_used(finished: Project, fresh: Project) -> None:
    for split in ("train", "test"):
        shutil.copy(finished[f"results/dataset/{split}.npz"], fresh[f"{split}.npz"])
    fresh.configure(dataset={"train_npz": "train.npz", "test_npz": "test.npz"})
    assert "import_dataset" in fresh.plan()
    assert "simulate" not in fresh.plan()
    fresh.build("results/dataset/test.npz")
    made, given = (read_dataset(fresh[file]) for file in ("results/dataset/test.npz", "test.npz"))
    assert (made.diffraction == given.diffraction).all()
    assert (made.corners == given.corners).all()
    assert (made.truth == given.truth).all()


def test_given_objects_are_scanned(fresh: Project) -> None:
    paths = {"path": "train objects.npz", "test_path": "test objects.npz"}
    rng = np.random.default_rng(0)
    for path in paths.values():
        write_npz(fresh[path], object=np.exp(1j * rng.random((100, 96))))
    fresh.configure(dataset={**TINY["dataset"], "object": {"kind": "npz", **paths}})
    fresh.build("results/dataset/test.npz")
    made = read_dataset(fresh["results/dataset/test.npz"])
    given = read_npz(fresh[paths["test_path"]])["object"][2:98]
    np.testing.assert_allclose(made.objects[0], given / made.norm_Y_I, rtol=1e-6)
    assert "simulate" not in fresh.plan("results/dataset/test.npz")
    write_npz(fresh[paths["path"]], object=np.ones((90, 90)))
    failed = fresh.snakemake("--cores", "1", "results/dataset/test.npz")
    assert failed.returncode != 0
    said = "train objects.npz: object holds float64; complex numbers are wanted"
    assert said in fresh["results/logs/simulate.log"].read_text()


def test_scan_without_truth_is_reconstructed(finished: Project, fresh: Project) -> None:
    for split in ("train", "test"):
        scan = read_dataset(finished[f"results/dataset/{split}.npz"])
        blind = replace(scan, objects=None, patches=None, ground_truth=None)
        write_dataset(fresh[f"{split}.npz"], blind)
    fresh.configure(
        dataset={"train_npz": "train.npz", "test_npz": "test.npz"}, sweep=TINY["sweep"][1:]
    )
    fresh.build(*([] if LONG else [TABLE, "results/gallery.png"]))
    (run,) = pd.read_csv(fresh[TABLE]).to_dict("records")
    assert (run["run"], run["status"]) == (PHYSICS, "ok")
    assert pd.isna(run["ssim_phase"])
    assert "no truth" in run["error"]


def test_networks_too_large_for_existing_patterns_are_refused_at_once(
    finished: Project, fresh: Project
) -> None:
    for split in ("train", "test"):
        shutil.copy(finished[f"results/dataset/{split}.npz"], fresh[f"{split}.npz"])
    fresh.configure(
        dataset={"train_npz": "train.npz", "test_npz": "test.npz"}, sweep=sweep_with(modes=[4, 40])
    )
    failed = fresh.snakemake("--cores", "1")
    assert failed.returncode != 0
    assert "sweep[0].modes[1]: 40 is too large; at most N/2 = 16 is allowed" in failed.stderr
    assert not fresh["results/dataset"].exists()


def test_a_training_scan_on_one_line_is_refused_by_its_name(
    finished: Project, fresh: Project
) -> None:
    shutil.copy(finished["results/dataset/test.npz"], fresh["test.npz"])
    scan = read_dataset(finished["results/dataset/train.npz"])
    line = scan.corners[:, 0] == 0
    parts = ("diffraction", "corners", "object_index")
    row = replace(scan, **{part: getattr(scan, part)[line] for part in parts})
    write_dataset(fresh["train.npz"], row)
    fresh.configure(dataset={"train_npz": "train.npz", "test_npz": "test.npz"})
    failed = fresh.snakemake("--cores", "1", "results/dataset/train.npz")
    assert failed.returncode != 0
    assert "train.npz: its positions span too little to be scored" in failed.stderr


def test_damaged_scan_is_refused_in_one_line(finished: Project, fresh: Project) -> None:
    whole = finished["results/dataset/train.npz"].read_bytes()
    fresh["train.npz"].write_bytes(whole[: len(whole) // 2])
    shutil.copy(finished["results/dataset/test.npz"], fresh["test.npz"])
    fresh.configure(dataset={"train_npz": "train.npz", "test_npz": "test.npz"})

    failed = fresh.snakemake("--cores", "1")

    assert failed.returncode != 0
    (line,) = (line for line in failed.stderr.splitlines() if "failed: train.npz" in line)
    assert "results/logs/import_dataset.log" in line
    assert "Traceback" not in failed.stderr
    assert "Traceback" not in fresh["results/logs/import_dataset.log"].read_text()


def test_study_file_stands_alone(fresh: Project) -> None:
    """What a --configfile does not name has its default, not config.yaml's value."""
    fresh["other.yaml"].write_text(yaml.safe_dump({"sweep": TINY["sweep"]}))
    fresh.configure(seeds=[0, 1, 2])
    plan = fresh.plan("--configfile", "other.yaml")
    assert {job for job in plan if job.startswith("train/")} == {
        f"train/{run}" for run in (FNO, HYBRID, PHYSICS)
    }
