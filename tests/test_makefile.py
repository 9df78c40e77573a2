"""What `make` says before it installs anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def make_study(folder: Path) -> subprocess.CompletedProcess[str]:
    """Call `make study` in a folder, with an interpreter that is not there."""
    folder.mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    command = ["make", "study", "PYTHON=no-such-python"]
    # `make test` runs this: its make would have the one called here say which folder it enters
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("name", ["my scan", "it's", 'a"b', "a&b", "a(b", "a{b}", "a$b", "a;b"])
def test_a_folder_that_shells_stumble_over_is_refused(tmp_path: Path, name: str) -> None:
    said = make_study(tmp_path / name)
    assert said.returncode != 0
    (line,) = said.stdout.splitlines()
    assert line.startswith(f"The project lies in {tmp_path / name}: ")
    assert not (tmp_path / name / ".venv").exists()


def test_other_folders_are_not_refused(tmp_path: Path) -> None:
    said = make_study(tmp_path / "plain-1.2_é+@")
    assert "'no-such-python' is not there" in said.stdout
