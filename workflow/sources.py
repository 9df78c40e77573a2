"""Which code a job depends on: a change in it repeats the job.

Snakemake goes by the time of a job's script, and does not see what the script imports. So the files
are found here, by following the imports that stand in the script and in the library, also those
inside functions.
Nothing is imported for that. A file that a module names and that lies beside it (a style sheet, a
template) counts as imported. Left out are

- PLUMBING, which carries settings and data but computes nothing: a new config key or a better error
  message must not repeat a night of training;
- the other architectures: a change in `models/hybrid.py` trains the hybrid runs and no others;
- files that hold nothing but a docstring.

What counts is the code in these files. Comments, docstrings and layout do not: better words must
not repeat a night of training either.

Pictures and tables are at the end of all chains: no change in them ever repeats a training. The
picture of one reconstruction is drawn by its evaluation, and a change in it repeats that.
"""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

import source_text

ROOT = Path(__file__).resolve().parents[1]
IN_PROJECT = "src/ptychopareto"
LIBRARY = ROOT / IN_PROJECT
SCRIPTS = ROOT / "workflow" / "scripts"

# Whole packages, and the modules that carry names, paths and networks from job to job.
PLUMBING = (
    "__init__.py",
    "memory.py",
    "config/",
    "files/",
    "models/registry.py",
    "study/results.py",
    "study/runs.py",
)


@cache
def sources(job: str, architecture: str | None = None) -> tuple[str, ...]:
    """Find the library files that a job depends on.

    Parameters
    ----------
    job : str
        The name of its rule, which is that of its script.
    architecture : str, optional
        The architecture of its network, if the job depends on one; its file is
        `models/<architecture>.py`.

    Returns
    -------
    tuple of str
        Paths relative to the project, sorted.
    """
    others = {f"models/{name}.py" for name in architectures() if name != architecture}
    start = [SCRIPTS / f"{job}.py"]
    if architecture is not None:
        start.append(LIBRARY / f"models/{architecture}.py")
    files = closure(*start, without=frozenset(LIBRARY / other for other in others))
    names = (_in_library(file) for file in files if not is_empty(file))
    counted = sorted(name for name in names if name and not name.startswith(PLUMBING))
    return tuple(f"{IN_PROJECT}/{name}" for name in counted)


@cache
def code(job: str, architecture: str | None = None) -> str:
    """Return what identifies the code that a job depends on: its script, and the library's.

    Parameters
    ----------
    job : str
        The name of its rule.
    architecture : str, optional
        The architecture of its network, if the job depends on one.

    Returns
    -------
    str
        Sixteen hexadecimal digits. They are the same with every version of Python.
    """
    return digest(*scripts(job), *(ROOT / file for file in sources(job, architecture)))


def scripts(job: str) -> list[Path]:
    """Return the script of a job and those that it imports, but for what all jobs have around them.

    Parameters
    ----------
    job : str
        The name of its rule.

    Returns
    -------
    list of Path
    """
    found = closure(SCRIPTS / f"{job}.py")
    around = {SCRIPTS / "joblog.py", SCRIPTS / "device.py"}
    return sorted(file for file in found - around if file.parent == SCRIPTS)


def code_of_data(jobs: Iterable[str]) -> str:
    """Return what identifies the code of several jobs, as far as it makes data.

    Parameters
    ----------
    jobs : iterable of str
        Names of rules that make data, and may draw them too.

    Returns
    -------
    str
        Sixteen hexadecimal digits: another picture of the data is no reason to train on them again.
    """
    files = {file for job in jobs for file in scripts(job)}
    files |= {ROOT / file for job in jobs for file in sources(job)}
    pictures = LIBRARY / "pictures"
    return digest(*sorted(file for file in files if not file.is_relative_to(pictures)))


def digest(*files: Path) -> str:
    """Return what identifies the content of several files.

    Parameters
    ----------
    *files : Path
        Sources, in an order that does not depend on where the project lies.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    whole = sha256()
    for file in files:
        whole.update(content(file))
    return whole.hexdigest()[:16]


@cache
def content(file: Path) -> bytes:
    """Return what identifies the content of one file.

    Parameters
    ----------
    file : Path
        A Python file, or one that a Python file names.

    Returns
    -------
    bytes
        A digest of the code of a Python file, without comments, docstrings and layout; of any
        other file, a digest of its bytes.
    """
    if file.suffix == ".py":
        return bytes.fromhex(source_text.read(file).code)
    return sha256(file.read_bytes()).digest()


@cache
def architectures() -> tuple[str, ...]:
    """Return the names of all architectures, as the config lists them."""
    from typing import get_args

    from ptychopareto.config import Architecture

    return get_args(Architecture)


@cache
def closure(*start: Path, without: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """Find all files that these files import, directly or not, and these files themselves.

    Parameters
    ----------
    *start : Path
        Scripts or modules of the library.
    without : frozenset of Path, optional
        Files that are neither counted nor followed.

    Returns
    -------
    frozenset of Path
        Scripts, modules, and the files that modules name.
    """
    found: set[Path] = set()
    todo = list(start)
    while todo:
        file = todo.pop()
        if file not in found and file not in without:
            found.add(file)
            todo += imports(file)
    return frozenset(found)


@cache
def imports(file: Path) -> tuple[Path, ...]:
    """Return the files of this project that one file imports or names."""
    if file.suffix != ".py":
        return ()
    text = source_text.read(file)
    found: set[Path] = set()
    for level, module, names in text.imports:
        package = module
        if level:  # relative: `from .axes import AXES`
            base = file.parents[level - 1].relative_to(LIBRARY.parent)
            package = ".".join([*base.parts, *filter(None, [module])])
        found.update(_files_of(package), *(_files_of(f"{package}.{name}") for name in names))
    if _in_library(file):
        beside = (file.parent / name for name in text.file_names)
        found.update(named for named in beside if named.is_file())
    return tuple(sorted(found))


@cache
def is_empty(file: Path) -> bool:
    """Tell whether a Python file holds nothing but a docstring."""
    return file.suffix == ".py" and source_text.read(file).empty


@cache
def _in_library(file: Path) -> str | None:
    """Return the path of a file of the library relative to it, with slashes; None for others."""
    return file.relative_to(LIBRARY).as_posix() if file.is_relative_to(LIBRARY) else None


@cache
def _files_of(module: str) -> tuple[Path, ...]:
    """Return the files that `import module` loads: the module's own and those of its packages."""
    files, parts = _files_of_modules(), module.split(".")
    names = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    loaded = (files[name] for name in names if name in files)
    return tuple(file for file in loaded if file.name == "__init__.py" or file is files.get(module))


@cache
def _files_of_modules() -> dict[str, Path]:
    """Return the file of each script and of each module of the library, by the module's name."""
    files = {file.stem: file for file in SCRIPTS.glob("*.py")}
    for file in LIBRARY.rglob("*.py"):
        *packages, name = file.relative_to(LIBRARY.parent).with_suffix("").parts
        files[".".join(packages if name == "__init__" else [*packages, name])] = file
    return files
