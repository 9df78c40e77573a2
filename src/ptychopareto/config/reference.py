"""The page of all keys of a study, made from its JSON schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = """# Every key of a study

Made from the definition of a study by `python -m ptychopareto.config page > docs/config.md`.
[`config.yaml`](../config.yaml) has the keys of the light study with a comment each. A key that is
not named has its default. *Required* keys have none.
"""
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "multiple of {}",
    "minLength": "at least {} characters",
    "maxItems": "at most {} in the list",
}
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "string": "text",
    "object": "mapping",
}


def page(schema: Mapping[str, Any]) -> str:
    """Return the page of all keys in Markdown.

    Parameters
    ----------
    schema : dict
        The JSON schema of a study, as `json_schema` returns it.
    """
    sections = [_HEAD, "## The study", _table(schema, schema), *_sections(schema)]
    return "\n\n".join(part.strip() for part in sections) + "\n"


def _sections(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield heading, description and table of each section, in the order of their first use."""
    for name in _in_order(schema):
        definition = schema["$defs"][name]
        yield f"## {name}"
        yield str(definition.get("description", "")).strip()
        yield _table(definition, schema)


def _in_order(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of the sections, each behind the one that names it first."""
    found: list[str] = []

    def visit(node: Any) -> None:
        for name in _references(node.get("properties", {})):
            if name not in found:
                found.append(name)
                visit(schema["$defs"][name])

    visit(schema)
    return found


def _references(node: Any) -> Iterator[str]:
    """Yield the names of the sections that a part of a schema refers to."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            elif key not in ("default", "discriminator"):
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _table(section: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    required = section.get("required", ())
    rows = ["| key | what it is | values | default |", "| --- | --- | --- | --- |"]
    for key, node in section.get("properties", {}).items():
        default = "*required*" if key in required else _default(node)
        cells = f"`{key}`", node.get("description", ""), _values(node, schema), default
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _default(node: Mapping[str, Any]) -> str:
    """Return the default as it is written in a config; a long one stands in its own section."""
    if "default" not in node:
        return "–"
    text = json.dumps(node["default"], ensure_ascii=False)
    return f"`{text}`" if len(text) <= 40 else "the defaults of its section"


def _values(node: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Say which values a key may have."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{_plain(value)}`" for value in node["enum"])
    for choice in ("oneOf", "anyOf"):
        if choice in node:
            return " or ".join(dict.fromkeys(_values(one, schema) for one in node[choice]))
    bounds = [text.format(_plain(node[key])) for key, text in _BOUNDS.items() if key in node]
    if node.get("type") == "array":
        kind = f"list of: {_in_a_list(node['items'], schema)}" if "items" in node else "list"
    else:
        kind = _TYPES.get(node.get("type", ""), "any")
    return ", ".join([kind, *bounds])


def _in_a_list(node: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Say which values stand in a list; several kinds of them stand in parentheses."""
    values = _values(node, schema)
    return f"({values})" if " or " in values else values


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
