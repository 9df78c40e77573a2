"""A small search, and its full grid, for tests that ask the real Snakemake about them."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from counts import LONG
from disturbed import TIMES
from tiny_study import PATIENCE, TABLE, TINY, Project, built_once, copy_of_project

GRID: dict[str, Any] = {
    "dataset": {**TINY["dataset"], "size": 64},
    "sweep": [
        {
            "architecture": ["fno", "ffno"],
            "supervision": ["teacher"],
            "input_transform": ["none"],
            "modes": [4],
            "width": [4, 6],
        }
    ],
    "seeds": [0, 1],
    "training": {"epochs": 3},
    "classical": {"epochs": [1]},
}
SEARCH: dict[str, Any] = {"rungs": [1, 2], "keep": [0.5, 0.25], "first_seeds": 1}
CONFIGURATIONS = [f"{a}_tnone_m4_w{w}_teacher" for a in ("fno", "ffno") for w in (4, 6)]


# Half of the latencies' time goes into the export of networks, which the tiny study has as well.
WITHOUT_ONNX = "\n\ndef can_run(device):\n    return False\n"


def copy_for_search(folder: Path) -> Project:
    """The project without results; with the full counts its networks are timed with onnxruntime."""
    project = copy_of_project(folder)
    if not LONG:
        project.append("src/ptychopareto/assessment/onnx_timing.py", WITHOUT_ONNX)
    return project


def finished_search(factory: pytest.TempPathFactory) -> Project:
    """The search, finished, with all that it shows. Tests only read it."""

    def build(folder: Path) -> None:
        project = copy_for_search(folder)
        project.configure(**GRID, search=SEARCH)
        project.build(timeout=PATIENCE)

    return built_once("searched", build, factory)


def finished_grid(factory: pytest.TempPathFactory) -> Project:
    """The table of the full grid of the same study. Tests only read it."""

    def build(folder: Path) -> None:
        project = copy_for_search(folder)
        project.configure(**GRID)
        project.build(TABLE, timeout=PATIENCE)

    return built_once("grid_of_search", build, factory)


def table_of(project: Project) -> pd.DataFrame:
    """The table by run, without what differs between two builds of the same study."""
    return pd.read_csv(project[TABLE], index_col="run").drop(columns=TIMES)


def decision(project: Project, rung: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(project[f"results/search/rung_{rung}.json"].read_text())
    return content


def verdicts(project: Project) -> list[tuple[Any, ...]]:
    """What was decided at all rungs, without the times."""
    return [
        (rung, *(one[key] for key in ("configuration", "cost", "loss", "front", "goes_on")))
        for rung in SEARCH["rungs"]
        for one in decision(project, rung)["configurations"]
    ]


def trainings(jobs: set[str]) -> set[str]:
    """Those of the jobs that train, to a rung or to the end."""
    return {job for job in jobs if job.startswith(("rung_", "rung/", "train/"))}


def survivors(project: Project, rung: int) -> list[str]:
    return [
        one["configuration"] for one in decision(project, rung)["configurations"] if one["goes_on"]
    ]
