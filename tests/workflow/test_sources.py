"""The files that a job depends on, found without importing any, against what is really imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from ptychopareto.config import Architecture
from sources import LIBRARY, PLUMBING, ROOT, SCRIPTS, closure, content, imports, sources

ARCHITECTURES = get_args(Architecture)
# `partial` is made anew whenever it is asked for; the others are no jobs.
JOBS = sorted({file.stem for file in SCRIPTS.glob("*.py")} - {"joblog", "device", "partial"})
# The jobs that compute nothing, on a cluster those of the login node: torch takes seconds to load.
LIGHT = [
    *("import_dataset", "dataset_picture", "gather", "gather_classical", "recommend"),
    *("pareto_plot", "gallery", "quality_vs_time", "marginals", "training_curves", "page"),
    *("gather_scenarios", "robustness", "break_even", "break_even_plot"),
]


def found(job: str, architecture: str | None = None) -> set[str]:
    """What `sources` finds, relative to the library."""
    paths = (ROOT / file for file in sources(job, architecture))
    return {path.relative_to(LIBRARY).as_posix() for path in paths}


def modules(job: str) -> list[str]:
    """The modules of the library that a script imports, directly or not."""
    files = sorted(file for file in closure(SCRIPTS / f"{job}.py") if file.suffix == ".py")
    return [
        ".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts)
        for file in files
        if file.is_relative_to(LIBRARY) and file.name != "__init__.py"
    ]


def loaded_with(names: list[str]) -> list[str]:
    """All modules there are after these were imported, in a Python of its own."""
    code = f"import json, sys, {', '.join(names)}; print(json.dumps(sorted(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    loaded: list[str] = json.loads(done.stdout)
    return loaded


@pytest.mark.parametrize("job", ["train", pytest.param("evaluate", marks=pytest.mark.long), "page"])
def test_what_is_found_is_what_is_imported(job: str) -> None:
    own = modules(job)
    loaded = {
        name
        for name in loaded_with(own)
        if name.startswith("ptychopareto.") and not (LIBRARY.parent / _path(name)).is_dir()
    }
    assert loaded == set(own)


def _path(module: str) -> Path:
    return Path(*module.split("."))


def test_light_jobs_do_not_wait_for_torch() -> None:
    assert "torch" not in loaded_with(sorted({name for job in LIGHT for name in modules(job)}))


@pytest.mark.parametrize(
    ("job", "files"),
    [
        ("import_dataset", set()),
        ("gather_classical", {"study/against_time.py"}),
        ("simulate", {"physics/objects.py", "physics/scan.py"}),
        ("teach", {"reconstruction/teacher.py", "reconstruction/rpie.py"}),
        # one that is imported inside a function only
        ("evaluate", {"pictures/reconstruction.py", "models/layers.py", "reconstruction/rpie.py"}),
        ("page", {"page/document.py", "page/page.css", "page/page.js", "page/template.html"}),
    ],
)
def test_a_job_depends_on_what_computes_its_results(job: str, files: set[str]) -> None:
    assert files <= found(job)


@pytest.mark.parametrize("job", JOBS)
def test_no_job_depends_on_what_computes_nothing(job: str) -> None:
    assert not {file for file in found(job) if file.startswith(PLUMBING)}


@pytest.mark.parametrize("own", ARCHITECTURES)
def test_a_training_depends_on_its_own_architecture_only(own: str) -> None:
    files = {f"models/{name}.py" for name in ARCHITECTURES}
    assert found("train", own) & files == {f"models/{own}.py"}
    assert not found("evaluate") & files


def test_no_training_depends_on_tables_or_pictures() -> None:
    shown = {"study", "page", "pictures"}
    assert not {file for file in found("train", "fno") if Path(file).parts[0] in shown}


@pytest.mark.parametrize("exception", PLUMBING)
def test_exceptions_are_there(exception: str) -> None:
    assert (LIBRARY / exception).exists()


@pytest.mark.parametrize(
    "line",
    [
        "import ptychopareto.physics.scan",
        "from ptychopareto.physics.scan import corners",
        "from ptychopareto.physics import forward, scan",
        "def work():\n    from ptychopareto.physics.scan import corners",
        "if True:\n    import ptychopareto.physics.scan as scan",
    ],
)
def test_imports_are_found_however_they_are_written(line: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"{line}\n")
    assert LIBRARY / "physics/scan.py" in imports(script)


def test_no_script_imports_another() -> None:
    helpers = {SCRIPTS / name for name in ("device.py", "joblog.py", "one_training.py")}
    others = set(SCRIPTS.glob("*.py")) - helpers
    for script in sorted(SCRIPTS.glob("*.py")):
        assert not others & set(imports(script)), script.name


WORK = """class Work:
    limit = 3

    def do(self, steps=(1, None)):
        return {"done": [step for step in steps if step != self.limit]}
"""


def content_of(text: str, file: Path) -> bytes:
    """Return the content of a file with this text; it is kept, so each text needs its own file."""
    file.write_text(text)
    return content(file)


@pytest.mark.parametrize(
    "text",
    [
        f'"""A module."""\n\n# says why\n{WORK}',
        WORK.replace("class Work:\n", 'class Work:\n    """Works."""\n\n'),
        WORK.replace("limit = 3\n", 'limit = 3  # steps\n    """How many."""\n'),
        WORK.replace("None)):\n", 'None)):\n        """Do it.\n\n        At once.\n        """\n'),
        WORK.replace("steps=(1, None)", "\n        steps=(1, None),\n    "),
        WORK.replace('"done"', "'done'"),
    ],
    ids=["module", "class", "attribute", "function", "layout", "quotes"],
)
def test_words_are_no_content(text: str, tmp_path: Path) -> None:
    assert content_of(text, tmp_path / "other.py") == content_of(WORK, tmp_path / "work.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3", "4"),
        ("3", "3.0"),
        ("None", "0"),
        ("(1, None)", "[1, None]"),
        ('"done"', '"gone"'),
        ("!=", "is not"),
        ("self.limit", "self.limits"),
        ("return", "yield"),
        ("(self, ", "(self, *, "),
        ("    limit = 3\n", ""),
        ("    def do", "    @staticmethod\n    def do"),
        ("def do", "async def do"),
    ],
)
def test_code_is_content(old: str, new: str, tmp_path: Path) -> None:
    assert old in WORK
    changed = content_of(WORK.replace(old, new), tmp_path / "other.py")
    assert changed != content_of(WORK, tmp_path / "work.py")


def test_all_of_a_style_sheet_is_content(tmp_path: Path) -> None:
    plain = content_of("p {}", tmp_path / "plain.css")
    assert plain != content_of("/* text */ p {}", tmp_path / "commented.css")
