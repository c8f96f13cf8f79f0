"""Actions as a log holds them, made readable: in the words in which the operator was asked to confirm them."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from runbook.audit.record import Record
from runbook.model.canonical import Json, JsonObject
from runbook.model.evaluator import ExpressionError
from runbook.model.kind import Preview, preview_as_written, preview_of_each
from runbook.model.repeated import elements
from runbook.model.secrets import Resolved, dereferenced
from runbook.report.content import Deed, Shown
from runbook.report.fields import json_object, text

PreviewOf: TypeAlias = Callable[[str, Mapping[str, Resolved]], Preview]
"""What a kind of that name with these fields would do; for one that is none it raises what it likes of its errors."""
_NO_KIND = (KeyError, ValueError, TypeError, AttributeError, ExpressionError)


class Deeds:
    """Reads actions, each once."""

    def __init__(self, preview: PreviewOf) -> None:
        self._preview = preview
        self._read: dict[str, Deed] = {}

    def of(self, record: Record) -> Deed:
        """The action of a record that has one in ``what``."""
        what = text(record, "what")
        if what not in self._read:
            action = json_object(what) or {}
            undo = action.get("undo")
            self._read[what] = Deed(
                kind=str(action.get("kind") or ""),
                shown=self._shown(action),
                undo=self._shown(undo) if isinstance(undo, dict) else self._undos(action),
                digest=text(record, "action"),
                what=what,
            )
        return self._read[what]

    def _each(self, parts: list[JsonObject], of: Callable[[JsonObject], JsonObject]) -> Shown:
        """What is done for each element of a step that is repeated."""
        shown = [self._shown(of(part)) for part in parts]
        previews = [Preview(line=one.line, detail=one.detail) for one in shown]
        preview = preview_of_each([part.get("item") for part in parts], previews)
        return Shown(line=preview.line, detail=preview.detail)

    def _undos(self, action: JsonObject) -> Shown | None:
        """How each element of a step that is repeated would be taken back."""
        undone = [element for element in elements(action) or () if isinstance(element.get("undo"), dict)]
        return self._each(undone, lambda element: _object(element["undo"])) if undone else None

    def _shown(self, action: JsonObject) -> Shown:
        if each := elements(action):
            return self._each(each, lambda element: element)
        kind, fields = str(action.get("kind") or ""), action.get("fields")
        given = fields if isinstance(fields, dict) else {}
        try:
            preview = self._preview(kind, {key: dereferenced(value) for key, value in given.items()})
        except _NO_KIND:
            # Of a kind that this program does not have, or an action that is none.
            preview = preview_as_written(kind, given)
        return Shown(line=preview.line, detail=preview.detail.rstrip("\n"))


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def fields_of(deed: Deed) -> JsonObject:
    """The fields of an action."""
    fields = (json_object(deed.what) or {}).get("fields")
    return fields if isinstance(fields, dict) else {}
