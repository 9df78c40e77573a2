"""The declared inputs of the jobs against what their scripts really import."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from ptychopareto.config import Architecture
from sources import PACKAGE, PLUMBING, SOURCES
from tiny_study import ROOT

LIBRARY = ROOT / PACKAGE
SCRIPTS = ROOT / "workflow/scripts"
ARCHITECTURES = {f"models/{name}.py" for name in get_args(Architecture)}
# The jobs that compute nothing, on a cluster those of the login node: torch takes seconds to load.
LIGHT = [
    *("import_dataset", "dataset_picture", "gather", "gather_classical", "recommend"),
    *("pareto_plot", "gallery", "quality_vs_time", "marginals", "training_curves", "page"),
    *("gather_scenarios", "robustness"),
]


def imports(file: Path) -> Iterator[str]:
    """The library files that a file imports, relative to the library, also by way of scripts."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            path = "/".join(name.split(".")[1:])
            if name in ("ptychopareto.config", "ptychopareto.files"):
                path += "/__init__"
            if name.startswith("ptychopareto.") and (LIBRARY / f"{path}.py").is_file():
                yield f"{path}.py"
            elif (SCRIPTS / f"{name}.py").is_file():
                yield from imports(SCRIPTS / f"{name}.py")


def closure(file: Path) -> set[str]:
    """All library files that are loaded when a script does its work."""
    found: set[str] = set()
    todo = list(imports(file))
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += imports(LIBRARY / path)
    return found


@pytest.mark.parametrize("job", SOURCES)
def test_declared_files_are_what_the_job_imports(job: str) -> None:
    imported = closure(ROOT / f"workflow/scripts/{job}.py")
    declared = {file for file in SOURCES[job] if file.endswith(".py")}
    assert declared == imported - PLUMBING - ARCHITECTURES


@pytest.mark.parametrize("job", LIGHT)
def test_light_jobs_do_not_wait_for_torch(job: str) -> None:
    files = sorted(closure(SCRIPTS / f"{job}.py"))
    modules = [f"ptychopareto.{file.removesuffix('.py').replace('/', '.')}" for file in files]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY.parent)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0


def test_each_job_has_its_script_and_each_script_its_job() -> None:
    shared = {"joblog", "device", "partial"}  # `partial` is made anew whenever it is asked for
    assert {file.stem for file in (ROOT / "workflow/scripts").glob("*.py")} - shared == set(SOURCES)


@pytest.mark.parametrize("file", sorted(ARCHITECTURES))
def test_an_architecture_imports_nothing_that_its_training_does_not_declare(file: str) -> None:
    assert closure(LIBRARY / file) <= {*SOURCES["train"], *PLUMBING}


@pytest.mark.parametrize("file", sorted(PLUMBING | ARCHITECTURES))
def test_exceptions_are_files(file: str) -> None:
    assert (LIBRARY / file).is_file()
