"""What the place of a ``${{ }}`` wants of its value, read from the piece of schema that its field has.

Kinds fit the value to the same piece when a step is prepared; here its type is looked at before the incident.
"""

from runbook.language.typed import mapping
from runbook.language.values import spoken
from runbook.model.canonical import Json

TEXT = "text"
"""A value that is written into a text, or is a text: everything that has a text of its own."""
ELEMENT = "element"
"""An element of a list of texts: a text, or a list of texts, which is spliced."""
DURATION = "duration text"
"""A duration as runbooks write it, or as expressions have it."""
NUMBER = "number"
"""A whole or a decimal number."""
_TEXTS = frozenset({"string", "int", "uint", "double", "bool", "timestamp", "duration", "dyn"})
_ALSO = {TEXT: _TEXTS, ELEMENT: _TEXTS, DURATION: {"string", "duration", "dyn"}, NUMBER: {"int", "double", "dyn"}}
_WORDS = {TEXT: "text", ELEMENT: "a text or a list of texts", DURATION: "a duration", NUMBER: "a number"}


def wanted(piece: Json) -> str:
    """What a value that stands wholly at a place with that piece of schema must be: a CEL type, or one of the above."""
    match piece:
        case {"$ref": "#/$defs/duration"}:
            return DURATION
        case {"if": _, "then": {"$ref": "#/$defs/template"}, "else": otherwise}:
            return wanted(otherwise)
        case {"type": "string", "spliced": True}:
            return ELEMENT
        case {"type": "string"}:
            return TEXT
        case {"type": "array"}:
            return "list"
        case {"type": "object"}:
            return "map"
        case {"type": "boolean"}:
            return "bool"
        case {"type": "integer"}:
            return "int"
        case {"type": "number"}:
            return NUMBER
        case _:
            return "dyn"


def inside(piece: Json, key: str | int) -> Json:
    """The piece of schema of what stands under a key of a mapping, or in a list."""
    if not isinstance(piece, dict):
        return None
    match piece:
        case {"if": {"type": _}, "else": otherwise}:
            return inside(otherwise, key)
        case {"type": "array", "items": {"type": "string"}}:
            return {"type": "string", "spliced": True}
        case {"type": "array", "items": item}:
            return item
        case {"type": "object"}:
            return mapping(piece.get("properties")).get(str(key), piece.get("additionalProperties"))
        case _:
            return None


def is_form(want: str) -> bool:
    """Whether a want is one of those that are no CEL type."""
    return want in _ALSO


def fits(want: str, returns: str) -> bool:
    """Whether an expression of that type may stand where one of the wants that are no CEL types is."""
    base, _, inner = returns.removesuffix(">").partition("<")
    return returns in _ALSO[want] or (want == ELEMENT and base == "list" and inner in _TEXTS)


def said(want: str, returns: str, *, whole: bool) -> tuple[str, str]:
    """The message and the help for a value that does not fit.

    :param whole: whether the expression is all of its text.
    """
    where = _WORDS[want] if whole else "text"
    message = f"{where} is wanted here, and this is {spoken(returns)}"
    if returns.startswith("list"):
        return message, 'join it: `.join(", ")`'
    return message, "name one of its keys" if returns.startswith("map") else "convert it, or name another value"
