"""What a kind of step is.

A kind is one frozen dataclass in one file. Its fields are the step's own fields, resolved; a field whose name Python
or the protocol needs ends in an underscore (``from_``, ``question_``). Its docstring is its reference page: what it
does, when to use it. A kind that acts by itself is an :class:`Automated`, one that needs a person is an :class:`Asked`;
one that can be either is both, and needs a person when its ``question`` is not None.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, TypeGuard

from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.runbook import Effect, Outcome

if TYPE_CHECKING:  # what a kind does and asks is not what a checker needs
    from runbook.model.io import Io
    from runbook.model.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A field of an observation: its CEL type, whether it is there after a failure too, and a line of reference.

    Types: ``int double string bool dyn timestamp duration``, ``list<T>``, ``map<string,T>``.
    A dotted name (``tls.days_left``) is a field of its own. ``always`` false: there only on some answers, so an
    expression may use it only in that step's own ``expect`` (where its absence is an error with a position).
    ``unset`` is what it means that an attempt did not observe it, and what to look at then.
    """

    type: str
    text: str
    after_failure: bool = False
    always: bool = True
    unset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a kind makes of an observation. ``changed`` is ``yes``, ``no`` or ``maybe``."""

    outcome: Outcome
    reason: str = ""
    changed: str = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be done, exactly, as a person reads it: one line, and below it the rest; neither repeats the other.

    Secrets stand in it as ``‹secret NAME›``.
    """

    line: str
    detail: str = ""


def preview_of_each(items: Sequence[Json], previews: Sequence[Preview]) -> Preview:
    """What a step does that is repeated: first, indented, what is the same for all; then ``[PLACE] ITEM: …`` for each.

    Behind an item stands only what differs, its further lines indented. The line is that of all where they have one.
    """
    several = len(previews) > 1
    line = previews[0].line if several and len({preview.line for preview in previews}) == 1 else ""
    details = [preview.detail.splitlines() for preview in previews]
    front = _alike(details) if several else 0
    rests = [detail[front:] for detail in details]
    back = _alike([rest[::-1] for rest in rests]) if several else 0
    own = [rest[: len(rest) - back] for rest in rests]
    same = [*details[0][:front], *(["…"] if front and back else []), *rests[0][len(own[0]) :]] if several else []
    lines = ["the same for each:"] if same and not line else []
    lines += [f"    {shared}" for shared in same]
    for place, (item, preview, differing) in enumerate(zip(items, previews, own, strict=True)):
        name = item if isinstance(item, str) else canonical(item)
        first, *others = [*([] if line else [preview.line]), *differing] or [""]
        lines += [f"[{place}] {name}: {first}".removesuffix(": "), *(f"    {other}" for other in others)]
    return Preview(line=f"for each of {len(items)}: {line}".rstrip(), detail="\n".join(lines))


def _alike(details: Sequence[Sequence[str]]) -> int:
    """How many lines at the beginning are the same in all."""
    return sum(1 for _ in takewhile(lambda lines: len(set(lines)) == 1, zip(*details, strict=False)))


def preview_as_written(kind: str, fields: JsonObject) -> Preview:
    """What a step does whose kind cannot be made: its fields as JSON."""
    return Preview(line=kind, detail=json.dumps(fields, indent=2, ensure_ascii=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Which of the fields that depend on a word a step with that word may have, and which it must have."""

    knows: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the checker and the walk must know of a kind without performing it.

    ``effect``: what every such step does, or None when the file must say it (see also :meth:`Kind.effect_of`).
    ``person``: a person may be asked while it runs (see also :meth:`Kind.asks`). ``ends``: the run ends with it.
    ``gate``: never skipped. ``needs_undo`` false: a changing step of this kind needs neither ``undo`` nor ``because``.
    ``expressions``: fields that hold an expression and not a template, with the wanted CEL type; ``options[].when``
    names a field of each element, ``fields.*.enum`` one of each value of a mapping (an expression where it is text).
    ``verbatim``: fields that may hold no ``${{ }}`` at all. ``statements``: fields that hold an SQL statement, and for
    each the field that has its parameters. ``secrets``: fields that may hold secret references.
    ``nested``: fields that hold nested steps: ``until``, ``items[].check``, ``steps[]``.
    ``jumps``: fields that name steps: ``options[].next``. ``timeout``: the limit in milliseconds unless the step
    names one. ``observes_failure``: a failed visit leaves an observation. ``exactly_one``: groups of fields of which a
    step gives exactly one; ``at_most_one``: groups of fields that exclude each other.
    ``variants``: by the name of an enumerated field and its word, the fields that only some words know.
    """

    effect: Effect | None = Effect.NONE
    person: bool = False
    ends: bool = False
    gate: bool = False
    needs_undo: bool = True
    expressions: Mapping[str, str] = field(default_factory=dict)
    verbatim: frozenset[str] = frozenset()
    statements: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    nested: tuple[str, ...] = ()
    jumps: tuple[str, ...] = ()
    timeout: int | None = None
    observes_failure: bool = False
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()
    variants: Mapping[str, Mapping[str, Variant]] = field(default_factory=dict)


class Kind(Protocol):
    """The part that every kind has.

    ``SCHEMA`` is the JSON Schema of its own fields: ``{"properties": {…}, "required": […]}``.
    ``JUDGE`` is raised by one whenever ``judge`` would say something else about the same observation.
    """

    NAME: ClassVar[str]
    JUDGE: ClassVar[int]
    SCHEMA: ClassVar[JsonObject]
    TRAITS: ClassVar[Traits]
    OBSERVES: ClassVar[Mapping[str, Observed]]
    EXAMPLES: ClassVar[tuple[JsonObject, ...]]

    @classmethod
    def observes(cls, fields: Mapping[str, Json]) -> Mapping[str, Observed]:
        """The fields that a step with these (unrendered) fields observes; for most kinds always the same."""
        del fields
        return cls.OBSERVES

    @classmethod
    def effect_of(cls, fields: Mapping[str, Json]) -> Effect | None:
        """The effect of a step with these (unrendered) fields; None when the file must say it."""
        del fields
        return cls.TRAITS.effect

    @classmethod
    def asks(cls, fields: Mapping[str, Json]) -> bool:
        """Whether a person is asked while a step with these (unrendered) fields runs."""
        del fields
        return cls.TRAITS.person

    def preview(self) -> Preview:
        """What would be done. Pure."""

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """What to make of an observation. Pure, and the same for ever for one value of ``JUDGE``.

        It looks a field up only when it needs it: in a scripted world a field that nobody told raises KeyError.
        """


class Automated(Kind, Protocol):
    """A kind that acts by itself."""

    def perform(self, io: "Io") -> JsonObject:
        """Do it, and return the raw observation. The only part that touches the world.

        :raises WorldError: if there is nothing to observe.
        """


class Asked(Kind, Protocol):
    """A kind that needs a person's answer."""

    def question(self) -> "Question | None":
        """What to ask; None when the machine can answer (a ``choice`` whose options all have a ``when``)."""

    def observe(self, answer: JsonObject, *, by: str) -> JsonObject:
        """The observation that an answer makes (``{}`` when nothing was asked).

        :param by: the operator.
        :raises ValueError: with one line for the person, if the answer does not fit the question.
        """


def is_automated(kind: Kind) -> TypeGuard[Automated]:
    """Whether a kind acts by itself; it says so by its bases, which costs nothing to ask."""
    return Automated in type(kind).__mro__


def is_asked(kind: Kind) -> TypeGuard[Asked]:
    """Whether a kind may need a person's answer."""
    return Asked in type(kind).__mro__


KindClass: TypeAlias = type[Kind]
Registry: TypeAlias = Mapping[str, KindClass]
"""Kinds by name."""
