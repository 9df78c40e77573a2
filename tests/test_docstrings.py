"""Docstrings name what they describe: each parameter and each field there is, and no other.

The rule stands in CONTRIBUTING.md. Only syntax trees are read here, so nothing is imported.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("workflow/**/*.py")])
Function = ast.FunctionDef | ast.AsyncFunctionDef
HEADING = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)
# A name or several at the margin of a section, with a type or not: `x, y : (B, 2) float`.
NAMES = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: :.*)?$")
FEW = 2  # parameters, from which on a section describes them


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield the public functions and classes of a module or class, and their names."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def sections(docstring: str) -> dict[str, str]:
    """Split a docstring at its headings."""
    parts = HEADING.split(docstring)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def described(section: str) -> list[str]:
    """Return the names that a section describes."""
    found = [NAMES.match(line) for line in section.splitlines() if line and line[0] != " "]
    return [name for match in found if match for name in match[1].split(", ")]


def parameters(function: Function, in_class: bool) -> list[str]:
    """Return the parameters of a function as a docstring names them, without `self`."""
    own = function.args
    plain = [argument.arg for argument in (*own.posonlyargs, *own.args)]
    if in_class and not any(_name(item) == "staticmethod" for item in function.decorator_list):
        plain = plain[1:]
    rest = [f"*{own.vararg.arg}"] if own.vararg else []
    named = [argument.arg for argument in own.kwonlyargs]
    return plain + rest + named + ([f"**{own.kwarg.arg}"] if own.kwarg else [])


def returns_something(function: Function) -> bool:
    """Tell whether a function's annotation promises a value."""
    value = function.returns
    nothing = {"None", "NoReturn", "Never", "Iterator[None]"}  # the last one: a context manager
    return value is not None and ast.unparse(value) not in nothing


def fields(kind: ast.ClassDef) -> list[str]:
    """Return the public fields of a dataclass, a named tuple or a typed dictionary."""
    is_record = any(_name(item) == "dataclass" for item in kind.decorator_list) or any(
        _name(base) in {"NamedTuple", "TypedDict", "Protocol"} for base in kind.bases
    )
    if not is_record:
        return []
    names = [
        item.target.id
        for item in kind.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    ]
    return [name for name in names if not name.startswith("_")]


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def faults_of_function(function: Function, docstring: str, in_class: bool) -> Iterator[str]:
    """Yield what is wrong with the docstring of a function."""
    found, own = sections(docstring), parameters(function, in_class)
    if "Parameters" in found:
        names = described(found["Parameters"])
        if names != own:
            yield f"Parameters describes {', '.join(names)}; the function has {', '.join(own)}"
    elif len(own) >= FEW:
        yield "has no section Parameters"
    if len(own) >= FEW and returns_something(function) and not {"Returns", "Yields"} & {*found}:
        yield "has no section Returns"


def faults_of_class(kind: ast.ClassDef, docstring: str) -> Iterator[str]:
    """Yield what is wrong with the docstring of a class, which describes its `__init__` too."""
    for method in kind.body:
        if isinstance(method, Function) and method.name == "__init__":
            found = sections(docstring)
            names, wanted = described(found.get("Parameters", "")), parameters(method, True)
            if "Parameters" in found and names != wanted:
                yield f"Parameters describes {', '.join(names)}; it has {', '.join(wanted)}"
    own, section = fields(kind), sections(docstring).get("Attributes")
    if section is None:
        if own:
            yield "has no section Attributes"
    elif own and described(section) != own:
        names = described(section)
        yield f"Attributes describes {', '.join(names)}; the class has {', '.join(own)}"


def faults(text: str) -> list[str]:
    """List what is wrong with the docstrings of a module."""
    found = []
    for name, node in public(ast.parse(text).body):
        assert isinstance(node, Function | ast.ClassDef)
        docstring = ast.get_docstring(node)
        if docstring is None:
            continue  # ruff's D rules find that
        wrong = (
            faults_of_class(node, docstring)
            if isinstance(node, ast.ClassDef)
            else faults_of_function(node, docstring, "." in name)
        )
        found += [f"{name} {what}" for what in wrong]
    return found


def test_docstrings_describe_what_there_is() -> None:
    found = {file.relative_to(ROOT).as_posix(): faults(file.read_text()) for file in FILES}
    assert len(found) > 200
    assert not {file: wrong for file, wrong in found.items() if wrong}


GOOD = '''
@dataclass
class Scan:
    """A scan.

    Attributes
    ----------
    corners : (B, 2) int array
        Where patches begin [px].
    """

    corners: Any

    def cut(self, image: Any, N: int) -> Any:
        """Cut the patches.

        Parameters
        ----------
        image : (rows, columns) array
            The object.
        N : int
            Side of a patch [px].

        Returns
        -------
        (B, N, N) array
        """
'''


def test_a_good_docstring_has_no_fault() -> None:
    assert not faults(GOOD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        N : int\n            Side of a patch [px].\n", ""),
        ("        N : int\n", "        side : int\n"),
        ("        Parameters\n        ----------\n", ""),
        ("        Returns\n        -------\n", ""),
        ("    Attributes\n    ----------\n", ""),
        ("    corners : (B, 2)", "    places : (B, 2)"),
    ],
    ids=["missing", "unknown", "parameters", "returns", "attributes", "field"],
)
def test_a_bad_docstring_is_found(old: str, new: str) -> None:
    assert old in GOOD
    assert len(faults(GOOD.replace(old, new))) == 1
