"""The package beside its code: versions, and a library that needs no Snakemake."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import ptychopareto

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RECONSTRUCTION = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)

sys.meta_path.insert(0, Missing())
import numpy as np
import torch
import ptychopareto.models.registry as registry
import ptychopareto.readers.registry
import ptychopareto.preparation.prepare
from ptychopareto.files import Dataset
import ptychopareto.pictures.reconstruction
from ptychopareto.reconstruction.reconstruct import reconstruct

torch.manual_seed(0)
config = registry.NetworkConfig(
    architecture="cnn", input_transform="none", modes=None, width=4, N=16
)
corners = np.array([[0, 0], [0, 4], [4, 0], [4, 4]])
scan = Dataset(
    diffraction=np.ones((4, 16, 16), np.float32),
    probe=np.ones((16, 16), np.complex64),
    corners=corners,
    object_index=np.zeros(4, np.int32),
)
image = reconstruct(registry.build(config).eval(), scan)
assert image.shape == (20, 20) and np.isfinite(image).all()
"""


def importable(requirement: str) -> str:
    """The module of a required package."""
    name = re.match(r"[\w-]+", requirement)
    assert name is not None
    return {"pillow": "PIL"}.get(name[0], name[0])


def test_the_version_stands_in_one_place() -> None:
    assert "version" not in PROJECT
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == ptychopareto.__version__


def test_the_library_reconstructs_without_the_packages_of_the_workflow() -> None:
    # matplotlib needs pillow for its pictures.
    missing = {importable(one) for one in PROJECT["optional-dependencies"]["workflow"]} - {"PIL"}
    assert {"snakemake", "plotly"} <= missing
    code = RECONSTRUCTION.replace("MISSING", repr(missing))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr


def test_imports_point_to_the_left() -> None:
    """From each package only to those that the docstring of the library names before it."""
    assert ptychopareto.__doc__ is not None
    rooms = ptychopareto.__doc__.rsplit("\n\n", 1)[1].replace(",", " ").replace("→", " → ").split()
    rank = {room: rooms[:place].count("→") for place, room in enumerate(rooms) if room != "→"}
    library = ROOT / "src" / "ptychopareto"
    for file in library.glob("*/*.py"):
        room = file.parent.name
        for node in ast.walk(ast.parse(file.read_text())):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("ptychopareto.") and module.count("."):
                other = module.split(".")[1]
                if other in rank and other != room:
                    assert rank[other] < rank[room], f"{file.relative_to(ROOT)}: {module}"


def test_conda_wants_what_pip_wants() -> None:
    environment = yaml.safe_load((ROOT / "workflow/envs/ptychopareto.yaml").read_text())
    conda = dict(line.split(" ", 1) for line in environment["dependencies"])
    conda |= {"torch": conda["pytorch"], "matplotlib": conda["matplotlib-base"]}
    lines = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["workflow"]
    pip = dict(re.match(r"([\w-]+)(.*)", line).groups() for line in lines)  # type: ignore[union-attr]
    shared = {name.lower(): limits for name, limits in pip.items() if name.lower() in conda}
    assert len(shared) >= 10
    assert shared == {name: conda[name] for name in shared}


def test_the_site_has_all_pages() -> None:
    site = (ROOT / "mkdocs.yml").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    assert {name for name in pages if f": {name}\n" not in site} == set()
