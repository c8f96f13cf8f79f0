"""Fills the ``${{ }}`` of a field with values; secrets stay references."""

from collections.abc import Callable
from typing import TypeAlias

from runbook.language.templates import OPEN, Hole, Unclosed, split, whole
from runbook.language.tokens import position
from runbook.language.values import Unfit, text_of
from runbook.model.canonical import Json
from runbook.model.evaluator import ExpressionError
from runbook.model.secrets import Resolved, SecretRef, SecretText

Evaluate: TypeAlias = Callable[[str], Json]
"""The value of an expression; it raises ExpressionError."""


def rendered(template: Json, evaluate: Evaluate) -> Resolved:
    """A field, or a mapping of fields, with every ``${{ }}`` in it evaluated.

    An element of a list that is wholly one list stays one element; kinds splice it where they want texts.

    :raises ExpressionError: with the place in the text of the template.
    """
    match template:
        case str():
            return _text(template, evaluate) if OPEN in template else template
        case list():
            return [rendered(item, evaluate) for item in template]
        case dict():
            return {key: rendered(item, evaluate) for key, item in template.items()}
        case _:
            return template


def _text(template: str, evaluate: Evaluate) -> Resolved:
    try:
        parts = split(template)
    except Unclosed as unclosed:
        raise ExpressionError(str(unclosed), *position(template, unclosed.offset)) from None
    only = whole(parts)
    if only is not None and only.secret is None:
        return resolved(_value(template, only, evaluate))
    pieces = [part if isinstance(part, str) else _piece(template, part, evaluate) for part in parts]
    if any(isinstance(piece, SecretRef) for piece in pieces):
        return SecretText(tuple(pieces))
    return "".join(map(str, pieces))


def resolved(value: Json) -> Resolved:
    """A JSON value as a resolved one, which it is: there is no secret in it."""
    match value:
        case list():
            return [resolved(item) for item in value]
        case dict():
            return {key: resolved(item) for key, item in value.items()}
        case _:
            return value


def _piece(template: str, hole: Hole, evaluate: Evaluate) -> str | SecretRef:
    """What stands in a longer text where the hole is."""
    if hole.secret is not None:
        return SecretRef(hole.secret)
    value = _value(template, hole, evaluate)
    try:
        return text_of(value)
    except Unfit as unfit:
        raise ExpressionError(f"`{hole.source}` {unfit}", *position(template, hole.offset)) from None


def _value(template: str, hole: Hole, evaluate: Evaluate) -> Json:
    try:
        return evaluate(hole.source)
    except ExpressionError as error:
        line, column = position(template, hole.offset)
        beyond = error.column + (column - 1 if error.line == 1 else 0)
        raise ExpressionError(error.message, line + max(error.line, 1) - 1, beyond) from None
