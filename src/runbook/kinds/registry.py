"""Every kind by its name, and how the fields of a step become one and come back."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import cast

from runbook.kinds.activate import Activate
from runbook.kinds.ask import Ask
from runbook.kinds.assert_ import Assert
from runbook.kinds.checklist import Checklist
from runbook.kinds.choice import Choice
from runbook.kinds.command import Command
from runbook.kinds.env import Env
from runbook.kinds.finish import Finish
from runbook.kinds.fitting import fit
from runbook.kinds.gate import Gate
from runbook.kinds.http import Http
from runbook.kinds.manual import Manual
from runbook.kinds.message import Message
from runbook.kinds.parallel import Parallel
from runbook.kinds.revisions import Revisions
from runbook.kinds.runbook_ import Runbook
from runbook.kinds.sql import Sql
from runbook.kinds.ssh import Ssh
from runbook.kinds.undo import Undo
from runbook.kinds.wait import Wait
from runbook.model.kind import Kind, Registry
from runbook.model.secrets import Resolved

KINDS: Registry = {
    "http": Http,
    "env": Env,
    "command": Command,
    "ssh": Ssh,
    "sql": Sql,
    "revisions": Revisions,
    "activate": Activate,
    "manual": Manual,
    "gate": Gate,
    "choice": Choice,
    "ask": Ask,
    "checklist": Checklist,
    "wait": Wait,
    "message": Message,
    "assert": Assert,
    "parallel": Parallel,
    "runbook": Runbook,
    "undo": Undo,
    "finish": Finish,
}
"""The kinds of this package, in the order in which the reference shows them."""


def make(name: str, fields: Mapping[str, Resolved]) -> Kind:
    """The kind of that name with these resolved fields; what is not among them has its default.

    A null is a field that is not there.

    :raises KeyError: if there is no such kind.
    :raises ExpressionError: with one line, if an expression yielded what a field cannot hold.
    """
    kind = KINDS[name]
    given: dict[str, Resolved] = {key: value for key, value in fields.items() if value is not None}
    fitted = cast(
        "dict[str, Resolved]", fit(given, {"type": "object", **kind.SCHEMA, "additionalProperties": False}, name)
    )
    python = {_json(field.name): field.name for field in _fields(kind)}
    return cast("Callable[..., Kind]", kind)(**{python[key]: value for key, value in fitted.items()})


def fields_of(kind: Kind) -> dict[str, Resolved]:
    """The fields of a kind by the names they have in a file, defaults filled in; :func:`make` takes them back.

    A field that was not given and has no default is left out.
    """
    return {
        _json(field.name): list(value) if isinstance(value, tuple) else value
        for field in _fields(kind)
        if (value := getattr(kind, field.name)) is not None
    }


def _fields(kind: Kind | type[Kind]) -> tuple[dataclasses.Field[object], ...]:
    return dataclasses.fields(kind)  # type: ignore[arg-type] # every kind is a dataclass


def _json(name: str) -> str:
    """The name of a field in a file: ``from`` for ``from_``."""
    return name.removesuffix("_")
