"""Every kind by its name, and how the fields of a step become one and come back."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import cast

from runbook.kinds.assert_ import Assert
from runbook.kinds.command import Command
from runbook.kinds.env import Env
from runbook.kinds.finish import Finish
from runbook.kinds.fitting import fit
from runbook.kinds.http import Http
from runbook.kinds.manual import Manual
from runbook.model.kind import Kind, Registry
from runbook.model.secrets import Resolved

KINDS: Registry = {
    "http": Http,
    "env": Env,
    "command": Command,
    "manual": Manual,
    "assert": Assert,
    "finish": Finish,
}
"""The kinds of this package, in the order in which the reference shows them."""

_PYTHON = {"from": "from_", "for": "for_"}
"""Fields whose names are words of Python, and what they are called there."""
_JSON = {python: name for name, python in _PYTHON.items()}


def make(name: str, fields: Mapping[str, Resolved]) -> Kind:
    """The kind of that name with these resolved fields; what is not among them has its default.

    A null is a field that is not there.

    :raises KeyError: if there is no such kind.
    :raises ValueError: with one line, if an expression yielded what a field cannot hold.
    """
    kind = KINDS[name]
    given: dict[str, Resolved] = {key: value for key, value in fields.items() if value is not None}
    fitted = fit(given, {"type": "object", **kind.SCHEMA, "additionalProperties": False}, name)
    return cast("Callable[..., Kind]", kind)(
        **{_PYTHON.get(key, key): value for key, value in cast("dict[str, Resolved]", fitted).items()}
    )


def fields_of(kind: Kind) -> dict[str, Resolved]:
    """The fields of a kind by the names they have in a file, defaults filled in; :func:`make` takes them back.

    A field that was not given and has no default is left out.
    """
    return {
        _JSON.get(field.name, field.name): list(value) if isinstance(value, tuple) else value
        for field in dataclasses.fields(kind)  # type: ignore[arg-type] # every kind is a dataclass
        if (value := getattr(kind, field.name)) is not None
    }
