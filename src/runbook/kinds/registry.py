"""Every kind by its name, and how the fields of a step become one and come back.

A kind is imported when somebody asks for it: a runbook uses a few of them, and a dataclass costs time to make.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from runbook.kinds.fitting import fit
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Diagnostic
from runbook.model.kind import Kind, KindClass, Registry
from runbook.model.secrets import Resolved

if TYPE_CHECKING:
    from runbook.kinds.guests import Guest, Guests

_CLASSES = {
    "http": "http.Http",
    "env": "env.Env",
    "command": "command.Command",
    "ssh": "ssh.Ssh",
    "sql": "sql.Sql",
    "revisions": "revisions.Revisions",
    "activate": "activate.Activate",
    "manual": "manual.Manual",
    "gate": "gate.Gate",
    "choice": "choice.Choice",
    "ask": "ask.Ask",
    "checklist": "checklist.Checklist",
    "wait": "wait.Wait",
    "message": "message.Message",
    "assert": "assert_.Assert",
    "parallel": "parallel.Parallel",
    "runbook": "runbook_.Runbook",
    "undo": "undo.Undo",
    "finish": "finish.Finish",
}
"""The kinds of this package, in the order in which the reference shows them: the module and the class of each."""


@cache
def _class(name: str) -> KindClass:
    module, _, class_ = _CLASSES[name].partition(".")
    return cast("KindClass", getattr(import_module(f"runbook.kinds.{module}"), class_))


@cache
def _python_names(kind: KindClass) -> Mapping[str, str]:
    """What each field of a file is called in Python: ``from`` is ``from_`` there."""
    fields = dataclasses.fields(kind)  # type: ignore[arg-type] # every kind is a dataclass
    return {field.name.removesuffix("_"): field.name for field in fields}


@cache
def _schema(kind: KindClass) -> JsonObject:
    return {"type": "object", **kind.SCHEMA, "additionalProperties": False}


class _Kinds(Mapping[str, KindClass]):
    """The kinds by name, each imported when it is asked for; behind our own the guests, if one is asked for."""

    def __getitem__(self, name: str) -> KindClass:
        if name in _CLASSES:
            return _class(name)
        guest = brought(name)
        if guest is None:
            raise KeyError(name)
        return guest.kind

    def __contains__(self, name: object) -> bool:
        return name in _CLASSES or (isinstance(name, str) and brought(name) is not None)

    def __iter__(self) -> Iterator[str]:
        yield from _CLASSES
        yield from _guests().kinds

    def __len__(self) -> int:
        return len(_CLASSES) + len(_guests().kinds)


KINDS: Registry = _Kinds()
"""The kinds of this package, and those that other packages bring."""


def _guests() -> "Guests":
    from runbook.kinds.guests import guests  # not where every name is one of ours

    return guests(frozenset(_CLASSES))


def brought(name: str) -> "Guest | None":
    """Which package brings a kind; None for one of ours, and where no package does."""
    return None if name in _CLASSES or not name else _guests().kinds.get(name)


def unusable_guests() -> Mapping[str, Diagnostic]:
    """What is wrong with the guests that cannot be used, by name."""
    return _guests().unusable


def make(name: str, fields: Mapping[str, Resolved]) -> Kind:
    """The kind of that name with these resolved fields; what is not among them has its default.

    A null is a field that is not there.

    :raises KeyError: if there is no such kind.
    :raises ExpressionError: with one line, if an expression yielded what a field cannot hold.
    """
    kind = KINDS[name]
    given: dict[str, Resolved] = {key: value for key, value in fields.items() if value is not None}
    fitted = cast("dict[str, Resolved]", fit(given, _schema(kind), name))
    python = _python_names(kind)
    return cast("Callable[..., Kind]", kind)(**{python[key]: value for key, value in fitted.items()})


def fields_of(kind: Kind) -> dict[str, Resolved]:
    """The fields of a kind by the names they have in a file, defaults filled in; :func:`make` takes them back.

    A field that was not given and has no default is left out.
    """
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, attribute in _python_names(type(kind)).items()
        if (value := getattr(kind, attribute)) is not None
    }
