"""The schema of a runbook as it is published, for editors and validators that know nothing but it.

Our own checker fills in what a file's ``defaults`` say before it judges. Others cannot, and would miss in a step what
stands in ``defaults``. So in a file that has ``defaults`` the published schema leaves to the checker whether a field is
missing that they can fill; in every other file it demands it.
"""

from runbook.language.schema import compose, plain_fields
from runbook.language.typed import elements, mapping
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Registry

_PREFIX, _LENIENT = "#/$defs/", "_with_defaults"


def published(registry: Registry) -> JsonObject:
    """The schema of a runbook whose steps are of these kinds, to be judged by alone."""
    schema = compose(registry)
    definitions = mapping(schema["$defs"])
    relaxed = {name: _relaxed(name, piece, registry) for name, piece in definitions.items()}
    others = {name for name in definitions if relaxed[name] != definitions[name]}
    while more := {name for name in definitions if name not in others and _refers(relaxed[name], others)}:
        others |= more
    lenient: JsonObject = {f"{name}{_LENIENT}": _renamed(relaxed[name], others) for name in sorted(others)}
    properties = mapping(schema["properties"])
    steps = mapping(properties["steps"])
    return {
        **schema,
        "properties": {**properties, "steps": {key: value for key, value in steps.items() if key != "items"}},
        "if": {"type": "object", "required": ["defaults"]},
        "then": _steps(f"step{_LENIENT}"),
        "else": _steps("step"),
        "$defs": {**definitions, **lenient},
    }


def _steps(name: str) -> Json:
    return {"properties": {"steps": {"items": {"$ref": f"{_PREFIX}{name}"}}}}


def _relaxed(name: str, piece: Json, registry: Registry) -> Json:
    """A definition without the demand for what ``defaults`` can fill."""
    _, _, kind = name.partition("_")
    required = elements(mapping(piece).get("required"))
    if kind not in registry or not required:
        return piece
    fillable = plain_fields(registry[kind]).keys()
    return {**mapping(piece), "required": [field for field in required if field not in fillable]}


def _refers(piece: Json, names: set[str]) -> bool:
    """Whether a piece of schema refers to one of these definitions."""
    match piece:
        case {"$ref": str() as target} if target.removeprefix(_PREFIX) in names:
            return True
        case dict():
            return any(_refers(inner, names) for inner in piece.values())
        case list():
            return any(_refers(inner, names) for inner in piece)
        case _:
            return False


def _renamed(piece: Json, names: set[str]) -> Json:
    """A piece of schema that refers to the lenient ones of these definitions."""
    match piece:
        case dict():
            return {key: _reference(key, value, names) for key, value in piece.items()}
        case list():
            return [_renamed(inner, names) for inner in piece]
        case _:
            return piece


def _reference(key: str, value: Json, names: set[str]) -> Json:
    if key == "$ref" and isinstance(value, str) and value.removeprefix(_PREFIX) in names:
        return f"{value}{_LENIENT}"
    return _renamed(value, names)
