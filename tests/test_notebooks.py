"""The notebooks: without outputs, and calling what the library has. `make test-long` runs them."""

import ast
import importlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_holds_no_outputs(notebook: Path) -> None:
    for cell in code_cells(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert notebook.stat().st_size < 50_000


def syntax(notebook: Path) -> ast.Module:
    return ast.parse("\n".join("".join(cell["source"]) for cell in code_cells(notebook)))


def imported(program: ast.Module) -> dict[str, tuple[str, str]]:
    """Names of the library's parts in a program, each with its module and its name there."""
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in ast.walk(program)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ptychopareto")
        for alias in node.names
    }


def arguments(call: ast.Call) -> Iterator[ast.expr]:
    """The positional arguments of a call, those of a tuple in it one by one."""
    for argument in call.args:
        if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Tuple):
            yield from argument.value.elts
        else:
            yield argument


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_imports_what_there_is(notebook: Path) -> None:
    names = imported(syntax(notebook))
    assert names
    for module, name in names.values():
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_calls_functions_with_the_arguments_that_they_take(notebook: Path) -> None:
    program, seen = syntax(notebook), 0
    names = imported(program)
    for call in (node for node in ast.walk(program) if isinstance(node, ast.Call)):
        given = list(arguments(call))
        unknown = [a for a in given if isinstance(a, ast.Starred)]
        if not isinstance(call.func, ast.Name) or call.func.id not in names or unknown:
            continue
        module, name = names[call.func.id]
        keywords = {word.arg: None for word in call.keywords if word.arg}
        # Who takes ** of a dict has some of the arguments from there.
        bind = inspect.Signature.bind if len(keywords) == len(call.keywords) else None
        signature = inspect.signature(getattr(importlib.import_module(module), name))
        (bind or inspect.Signature.bind_partial)(signature, *given, **keywords)
        seen += 1
    assert seen > 10
