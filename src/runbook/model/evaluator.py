"""What the walk and its drivers need of an expression language: evaluate one expression, render one field."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from runbook.model.canonical import Json
from runbook.model.secrets import Resolved

NO_TYPES: Mapping[str, str] = MappingProxyType({})
"""No names and their types."""


class ExpressionError(Exception):
    """An expression that did not yield what was wanted, with the position in its text (1-based; 0 when unknown)."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        """Carry the message and the place."""
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Evaluator(Protocol):
    """Evaluates expressions over a scope: flat dotted names (``steps.check_health.status``) and their values.

    A name that is not in the scope is an error, never null. Types are those that the runbook declares.
    A scope may have a method ``spoiled(name) -> str | None``; a name for which it gives a word (``masked``, ``cut``) is
    an error wherever it is mentioned.
    """

    def evaluate(self, source: str, scope: Mapping[str, Json], want: str, *, own: Mapping[str, str] = NO_TYPES) -> Json:
        """The value of one expression, of the wanted CEL type (``bool``, ``string``, ``list``, ``dyn``, …).

        :param own: the CEL types of further names at the root: the fields of the observation being judged. A name of
            the scope that has a type nowhere is of the type of its value, and a time in it is text.
        :raises ExpressionError: if it does not compile, fails, or yields another type.
        """

    def render(self, template: Json, scope: Mapping[str, Json]) -> Resolved:
        """A field with every ``${{ }}`` in it evaluated, secrets left as references.

        :raises ExpressionError: as :meth:`evaluate` does.
        """
