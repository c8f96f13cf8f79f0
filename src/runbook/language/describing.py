"""Says in words what a piece of the schema takes, for the reference on a terminal and on a page.

Descriptions come from the schema itself, so that the reference, an editor and the checker cannot disagree.
"""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from runbook.language.typed import elements, mapping, text
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import KindClass

_NAMED = {
    "expression": "an expression",
    "duration": "a duration",
    "time": "a duration",
    "step_id": "the id of a step",
    "name": "a name in snake_case",
    "variable": "a name",
    "value": "any value but null",
    **dict.fromkeys(("undo", "probe", "read", "member", "step"), "a step"),
}
_TYPES = {"string": "text", "boolean": "true or false", "integer": "a whole number", "number": "a number"}
_TEMPLATE = {"$ref": "#/$defs/template"}


class Key(NamedTuple):
    """A key of a mapping: how deep it stands, what it takes, whether it must be there, and its description."""

    depth: int
    name: str
    takes: str
    required: bool
    text: str


def keys(schema: Json, definitions: Mapping[str, Json], depth: int = 0) -> Iterator[Key]:
    """The keys that a piece of schema has, each followed by those inside its value."""
    required = elements(mapping(schema).get("required"))
    for name, piece in mapping(mapping(schema).get("properties")).items():
        target = _target(piece, definitions)
        said = text(mapping(piece).get("description")) or text(target.get("description"))
        yield Key(depth, name, _takes(piece, definitions), name in required, said)
        yield from keys(_either(list(_inside(piece, definitions))), definitions, depth + 1)


def _either(forms: Sequence[Mapping[str, Json]]) -> JsonObject:
    """One mapping in place of several forms of it: with the keys of all, of which those of all are required."""
    properties: JsonObject = {}
    for form in forms:
        properties = {**properties, **mapping(form["properties"])}
    required = [name for name in properties if all(name in elements(form.get("required")) for form in forms)]
    return {"properties": properties, "required": [*required]}


def page_of(kind: KindClass) -> str:
    """A kind's reference page as plain text, with the marks of a docstring turned into those of Markdown."""
    page = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", inspect.getdoc(kind) or "")
    return re.sub(r"``([^\n]*?)``", r"`\1`", page).replace("For example::", "For example:")


def observed(kind: KindClass) -> Iterator[tuple[str, str, str]]:
    """The fields of a kind's observation: the name, its type and when it is there, and what it is."""
    for name, seen in kind.OBSERVES.items():
        facts = [seen.type]
        if not seen.always:
            facts.append("on some answers only")
        if seen.after_failure and kind.TRAITS.observes_failure:
            facts.append("after a failure too")
        yield name, "; ".join(facts), seen.text


def _target(piece: Json, definitions: Mapping[str, Json]) -> Mapping[str, Json]:
    """The piece that a reference leads to; the piece itself if it is none."""
    schema = mapping(piece)
    return mapping(definitions.get(_name(schema))) if "$ref" in schema else schema


def _name(schema: Mapping[str, Json]) -> str:
    return text(schema.get("$ref")).rpartition("/")[2]


def _takes(piece: Json, definitions: Mapping[str, Json]) -> str:
    """What a value may be, with its limits and its default."""
    schema = _target(piece, definitions)
    word = _form(piece, definitions)
    plain = mapping(schema.get("else")) if schema.get("then") == _TEMPLATE else schema
    if "minimum" in plain:
        word += f" from {plain['minimum']}" + (f" to {plain['maximum']:,}" if "maximum" in plain else "")
    default = mapping(piece).get("default", schema.get("default"))
    if default is None:
        return word
    return f"{word}; otherwise `{_written(default)}`"


def _written(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _form(piece: Json, definitions: Mapping[str, Json]) -> str:
    schema = mapping(piece)
    if "$ref" in schema:
        return _NAMED.get(_name(schema)) or _form(definitions.get(_name(schema)), definitions)
    if words := elements(schema.get("enum")) or ([schema["const"]] if "const" in schema else []):
        shown = [f"`{_written(word)}`" for word in words]
        return " or ".join([*([", ".join(shown[:-1])] if shown[1:] else []), shown[-1]])
    match schema.get("type"):
        case "array":
            element = _form(schema.get("items"), definitions)
            return "a list of texts" if element == "text" else f"a list, each {element}"
        case "object" if "additionalProperties" in schema and schema["additionalProperties"] is not False:
            return f"a mapping of names to {_form(schema['additionalProperties'], definitions)}"
        case "object":
            return "a mapping"
        case str() as type_:
            return _TYPES.get(type_, type_)
    if "if" in schema:
        both = [_form(schema.get(branch), definitions) for branch in ("then", "else")]
        return both[1] if schema.get("then") == _TEMPLATE else " or ".join(dict.fromkeys(both))
    return "any value"


def _inside(piece: Json, definitions: Mapping[str, Json]) -> Iterator[JsonObject]:
    """The closed mappings in a value, but for steps, which have a page of their own."""
    schema = mapping(piece)
    if "$ref" in schema:
        if _NAMED.get(_name(schema)) is None:
            yield from _inside(definitions.get(_name(schema)), definitions)
    elif "properties" in schema:
        yield dict(schema)
    else:
        for part in ("items", "additionalProperties", "then", "else"):
            if isinstance(schema.get(part), dict) and schema[part] != _TEMPLATE:
                yield from _inside(schema[part], definitions)
