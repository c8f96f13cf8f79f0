"""The answers file as data: what an operator would say, decided beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbook.model.canonical import Json
from runbook.model.diagnostics import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered in one visit of the step at an address; a key that was not written is None or empty.

    ``spans`` are the places of the keys that were written, by name, and of what is in them: ``fields.since``.
    ``confirm`` is ``yes``, ``no`` or the phrase to type. ``outcome`` is ``done`` or ``failed``, an item ``yes``, ``no``
    or ``not_verified``, ``do`` one of ``retry skip abort undo go_to override``, ``settle`` one of ``passed failed
    unknown``.
    ``approvals`` are the persons who approve and ``refusals`` those who refuse to, with why, in scenarios only.
    """

    step: str
    span: Span
    confirm: str | None = None
    choose: str | None = None
    fields: Mapping[str, Json] | None = None
    items: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    approvals: tuple[str, ...] = ()
    refusals: Mapping[str, str] = field(default_factory=dict)
    outcome: str | None = None
    do: str | None = None
    to: str | None = None
    settle: str | None = None
    evidence: str | None = None
    reason: str | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """An answers file: ``entries`` in file order, used in order for each address. ``file`` as the user wrote it."""

    file: str
    entries: tuple[Answer, ...]
