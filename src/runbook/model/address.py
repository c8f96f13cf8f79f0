"""Addresses: how a step, or a part of one, is named in logs, answers files and scenarios.

``ID``, ``outer/inner`` (a step of an included runbook), ``ID[2]`` (an element of a ``for_each``), ``ID.undo``,
``ID.probe``, ``ID.until`` and ``ID.ITEM`` (an item of a checklist). A visit and an attempt stand beside an address in
a log, and behind it where a person reads it: ``check_health#2.1``.
"""

import re

ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9_]*(?:\[[0-9]+\])?/)*[a-z][a-z0-9_]*(?:\[[0-9]+\])?(?:\.[a-z][a-z0-9_]*)?",
)
"""The pattern of an address; it must match the whole text."""
_PLACE = re.compile(r"\[[0-9]+\]")
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The pattern of a run id; it must match the whole text."""


def with_visit(address: str, visit: int, attempt: int | None = None) -> str:
    """An address with its visit, and its attempt where there is one: ``check_health#2.1``."""
    return f"{address}#{visit}" if attempt is None else f"{address}#{visit}.{attempt}"


def of_each(address: str) -> str:
    """The address that stands for every element of a loop: ``restart.undo`` for ``restart[2].undo``."""
    return _PLACE.sub("", address)


def first_of(address: str) -> str:
    """The id of the run's own step that an address is part of: ``roll`` for ``roll[2]/restart.undo``."""
    return of_each(address).partition("/")[0].partition(".")[0]


def owner_of(address: str) -> str:
    """The address of the step that an address is part of: ``roll_back`` for ``roll_back.probe``."""
    head, slash, tail = address.rpartition("/")
    return head + slash + tail.partition(".")[0]
