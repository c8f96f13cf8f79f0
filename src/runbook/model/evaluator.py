"""What the walk and its drivers need of an expression language: evaluate one expression, render one field."""

from collections.abc import Mapping
from typing import Protocol

from runbook.model.canonical import Json
from runbook.model.secrets import Resolved


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
    """

    def evaluate(self, source: str, scope: Mapping[str, Json], want: str) -> Json:
        """The value of one expression, of the wanted CEL type (``bool``, ``string``, ``list``, ``dyn``, …).

        :raises ExpressionError: if it does not compile, fails, or yields another type.
        """

    def render(self, template: Json, scope: Mapping[str, Json]) -> Resolved:
        """A field with every ``${{ }}`` in it evaluated, secrets left as references.

        :raises ExpressionError: as :meth:`evaluate` does.
        """
