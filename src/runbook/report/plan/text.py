"""A runbook on the terminal: what it is for, its graph as a rail with what each step asks, whom to call."""

import textwrap
from collections.abc import Iterator, Sequence

from runbook.audit.escapes import inert
from runbook.model.paragraphs import unwrapped
from runbook.model.runbook import Effect
from runbook.report.plan.content import Fact, Plan, PlannedStep
from runbook.report.text_graph import Line, Stop, Tone, Track, text_graph

_SIGNS = {Effect.NONE: "", Effect.CHANGE: "▲", Effect.IRREVERSIBLE: "◆"}
LEGEND = "● reads or asks   ▲ changes something   ◆ irreversible   ■ ends   ╌ after a failure"


def plan_text(plan: Plan, columns: int) -> Iterator[Line]:
    """The runbook in lines.

    :param columns: so many cells are in a line.
    """
    yield from _plain([plan.title, "=" * min(len(plan.title), columns)], columns)
    yield [("", Tone.PLAIN)]
    if plan.description.strip():
        yield from _plain(unwrapped(plan.description.strip().splitlines()), columns)
        yield [("", Tone.PLAIN)]
    if plan.symptoms:
        yield from _plain(["Users see:", *(f"- {symptom}" for symptom in plan.symptoms), ""], columns)
    yield from _facts([*plan.facts, *plan.needs], columns)
    yield from _heading("Steps", columns)
    yield from _plain([LEGEND], columns)
    yield [("", Tone.PLAIN)]
    yield from _rail(plan, columns)
    if plan.handler is not None:
        yield [("", Tone.PLAIN)]
        yield from _plain([f"A step that fails and names no other way leads to {plan.handler}."], columns)
    if plan.contacts:
        yield from _heading("Whom to call", columns)
        for contact in plan.contacts:
            when = f", when {contact.when}" if contact.when else ""
            yield from _plain([f"- {contact.name} ({contact.reach}){when}"], columns)
    if plan.links:
        yield from _heading("Links", columns)
        yield from _plain([f"- {link.title}: {link.url}" for link in plan.links], columns)


def rail_text(plan: Plan, columns: int) -> Iterator[str]:
    """The graph in lines of plain characters."""
    for line in _rail(plan, columns):
        yield "".join(piece for piece, _ in line).rstrip()


def _rail(plan: Plan, columns: int) -> Iterator[Line]:
    stops = [
        Stop(
            step=step.id,
            end=step.ends,
            sign=_SIGNS[step.effect],
            words=step.id if step.title.casefold() == step.id.replace("_", " ") else f"{step.id}  {inert(step.title)}",
            notes=tuple(_notes(step)),
        )
        for step in plan.steps
    ]
    tracks = [
        Track(
            source=step.id,
            target=way.target,
            via="" if way.plain and way.words == "then" else inert(way.words),
            walked=False if way.fails else None,
        )
        for step in plan.steps
        for way in step.ways
        if not way.default
    ]
    yield from text_graph(stops, tracks, columns, marks=False)


def _notes(step: PlannedStep) -> Iterator[str]:
    if step.effect.changes or step.asks:
        yield inert("; ".join(part for part in (step.does, *step.asks) if part))


def _heading(words: str, columns: int) -> Iterator[Line]:
    yield [("", Tone.PLAIN)]
    yield from _plain([words, "-" * len(words)], columns)


def _facts(facts: Sequence[Fact], columns: int) -> Iterator[Line]:
    for fact in facts:
        between = " " if fact.exact and fact.text and fact.text[0] not in ", " else ""
        said = f"{fact.exact}{between}{fact.text}"
        yield from _plain([f"{fact.name}: {said}", *(f"  {name}: {value}" for name, value in fact.parts)], columns)


def _plain(lines: Sequence[str], columns: int) -> Iterator[Line]:
    for line in lines:
        hang = "    " if line.startswith("  ") else "  " if line.startswith("- ") else ""
        for piece in textwrap.wrap(inert(line), columns, subsequent_indent=hang, break_on_hyphens=False) or [""]:
            yield [(piece, Tone.PLAIN)]
