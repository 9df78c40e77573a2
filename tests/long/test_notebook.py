"""The notebook, run by a kernel as a user runs it, with what its extra installs."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tiny_study import ROOT

MINUTES = 20
RUN = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
shown = {kind for cell in cells for output in cell.outputs for kind in output.get("data", {})}
assert {"image/png", "text/html"} <= shown, shown
print("\\n".join(output.text for cell in cells for output in cell.outputs if "text" in output))
"""


@pytest.mark.long
def test_the_notebook_goes_from_a_file_to_a_front(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["optional-dependencies"]["notebook"]
    beside = tmp_path / "packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(beside), *wanted]
    installed = subprocess.run(pip, capture_output=True, text=True, timeout=60 * MINUTES)
    assert installed.returncode == 0, installed.stderr
    path = os.pathsep.join([str(ROOT / "src"), str(beside)])
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT / "examples" / "measured_scan.ipynb")],
        cwd=tmp_path,  # no measured scan lies there: the notebook simulates one
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
    )
    assert done.returncode == 0, done.stderr
    assert "r_free" in done.stdout
