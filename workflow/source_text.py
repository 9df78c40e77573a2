"""What one source of the project says: what it imports, which files it names, what its code is.

Each call of Snakemake asks this of some 140 sources, and so does each job on a cluster. To parse
them took longer than the rest of a plan. So what was found is kept beside the bytecode of the
source, in the same folder and by the same rules (`sys.dont_write_bytecode`, a folder where nobody
may write), and holds while the content of the source is the same.
"""

import ast
import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path
from typing import TypeGuard
from uuid import uuid4


@dataclass(frozen=True)
class SourceText:
    """What stands in one Python file.

    Attributes
    ----------
    code : str
        What identifies its code (SHA-256, hexadecimal), whatever its comments, docstrings and
        layout; the same with every version of Python.
    imports : list of (int, str, list of str)
        For each import, also inside functions, the number of leading dots, the module, and the
        names that are taken from it.
    file_names : list of str
        The texts in it that could be names of files.
    empty : bool
        Whether it holds nothing but a docstring.
    """

    code: str
    imports: list[tuple[int, str, list[str]]]
    file_names: list[str]
    empty: bool


@cache
def read(file: Path) -> SourceText:
    """Read a Python file, or what an earlier call has kept of it.

    Parameters
    ----------
    file : Path
        A source of the project.

    Returns
    -------
    SourceText
    """
    source = file.read_bytes()
    key = sha256(_of_this_module() + source).hexdigest()
    kept = Path(cache_from_source(str(file))).with_suffix(".json")
    with suppress(OSError, ValueError):  # nothing is kept, or it is damaged
        record = json.loads(kept.read_bytes())
        if isinstance(record, dict) and record.pop("key", None) == key:
            record["imports"] = [tuple(one) for one in record["imports"]]  # JSON has none
            return SourceText(**record)
    text = _parsed(source)
    if not sys.dont_write_bytecode:
        _keep(kept, {"key": key, **asdict(text)})
    return text


@cache
def _of_this_module() -> bytes:
    """Return what changes with the code below, which decides what is found."""
    return sha256(Path(__file__).read_bytes()).digest()


def _keep(path: Path, record: dict[str, object]) -> None:
    """Write a record whole or not at all; where nobody may write, do without.

    Nothing is synchronised with the disk: what a power cut damages is found anew.
    """
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{uuid4().hex}.json")
        try:
            temporary.write_text(json.dumps(record), encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _parsed(source: bytes) -> SourceText:
    tree = ast.parse(source)
    imports: list[tuple[int, str, list[str]]] = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(0, alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append((node.level, node.module or "", [alias.name for alias in node.names]))
        elif isinstance(node, ast.Constant) and _could_be_a_file(node.value):
            names.add(node.value)
    code = sha256(_outline(tree).encode()).hexdigest()
    return SourceText(code, imports, sorted(names), empty=not tree.body[1:])


def _could_be_a_file(value: object) -> TypeGuard[str]:
    """Tell whether a text looks like the name of a file that is no source."""
    if not isinstance(value, str) or "." not in value or len(value) >= 100:
        return False
    path = Path(value)
    return value == path.name and path.suffix not in ("", ".py")


def _outline(node: object) -> str:
    """Write a syntax tree as text, as `ast.dump` does, but alike in all versions of Python.

    What is absent, an empty list or a field that a later version adds, is left out. So are texts
    that stand alone as a statement: docstrings.
    """
    if isinstance(node, list):
        return f"[{','.join(_outline(item) for item in node if not _is_text(item))}]"
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        inner = ",".join(f"{name}={_outline(value)}" for name, value in fields)
        return f"{type(node).__name__}({inner})"
    return repr(node)


def _is_text(node: object) -> bool:
    """Tell whether a statement is nothing but a text."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
