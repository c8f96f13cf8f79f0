"""A runbook as Markdown that reads well on a forge and on paper: everything a person needs to follow it by hand.

What the author wrote as Markdown stays Markdown; all else is text and is escaped.
"""

from collections.abc import Iterator, Sequence

from runbook.audit.escapes import inert
from runbook.report.markup import code, fenced, inline, joined, opening
from runbook.report.plan.content import Block, Exact, Fact, Item, Items, Plan, PlannedStep, Said
from runbook.report.plan.text import LEGEND, rail_text

_COLUMNS = 88


def plan_markdown(plan: Plan) -> str:
    """The runbook as Markdown."""
    return joined(_parts(plan))


def _parts(plan: Plan) -> Iterator[str]:
    yield f"# {opening(plan.title)}"
    yield _authors(plan.description)
    if plan.symptoms:
        yield "Users see:\n\n" + "\n".join(f"- {opening(symptom)}" for symptom in plan.symptoms)
    yield _table(plan.facts)
    if plan.contacts:
        yield "## Whom to call"
        rows = [(contact.name, contact.reach, contact.when) for contact in plan.contacts]
        head = "| who | how | when |\n|---|---|---|\n"
        yield head + "\n".join(f"| {' | '.join(inline(cell) for cell in row)} |" for row in rows)
    if plan.links:
        yield "## Links"
        yield "\n".join(f"- {opening(link.title)}: <{_address(link.url)}>" for link in plan.links)
    if plan.needs:
        yield "## What must be at hand"
        yield "\n".join(line for fact in plan.needs for line in _need(fact))
    if plan.reminders:
        yield "## Reminders"
        yield "\n".join(f"- {opening(said)}" for said in plan.reminders)
    yield "## The way"
    yield fenced("\n".join([LEGEND, "", *rail_text(plan, _COLUMNS)]))
    if plan.handler is not None:
        yield f"A step that fails and names no other way leads to {code(plan.handler)}."
    yield "## Steps"
    section = ""
    titles = {step.id: step.title for step in plan.steps}
    for step in plan.steps:
        if step.section and step.section != section:
            yield f"### {opening(step.section)}"
        section = step.section
        yield from _step(step, titles)


def _step(step: PlannedStep, titles: dict[str, str]) -> Iterator[str]:
    yield f"#### {step.number}. {inline(step.title)}"
    marks = [code(step.id), inline(step.kind)]
    if step.does:
        marks.append(f"**{step.does}**")
    yield " · ".join(marks)
    yield _authors(step.description)
    if step.asks:
        yield f"Before it starts: {inline('; '.join(step.asks))}."
    for block in step.blocks:
        yield from _block(block, titles)
    yield "\n".join(f"- {fact.name}: {_fact(fact)}" for fact in step.facts)
    yield "\n".join(
        f"- {opening(way.words)} → {inline(titles.get(way.target, way.target))} ({code(way.target)})"
        for way in step.ways
        if not way.default and not way.option
    )


def _block(block: Block, titles: dict[str, str]) -> Iterator[str]:
    if block.label:
        yield f"{inline(block.label)}:"
    match block:
        case Said(text=text):
            yield _authors(text)
        case Exact(text=text):
            yield fenced(text)
        case Items(items=items):
            rows = [f"- {_item(item, titles)}" for item in items]
            yield "\n".join(rows)


def _item(item: Item, titles: dict[str, str]) -> str:
    box = "[ ] " if item.box else ""
    note = f" ({inline(item.note)})" if item.note else ""
    onward = f" → {inline(titles.get(item.target, item.target))} ({code(item.target)})" if item.target else ""
    return f"{box}{inline(item.text)}{note}{onward}"


def _need(fact: Fact) -> Iterator[str]:
    yield f"- {fact.name} {code(fact.exact)}{_after(fact.text)}"
    for name, value in fact.parts:
        yield f"  - {code(name)}: {code(value)}"


def _fact(fact: Fact) -> str:
    return "".join(part for part in (code(fact.exact) if fact.exact else "", _after(fact.text, bare=not fact.exact)))


def _after(text: str, *, bare: bool = False) -> str:
    """What is said behind a name: as it stands where it goes on with a comma or a word, else behind a colon."""
    if not text or bare or text[0] in ", ":
        return f"{' ' if text[:1] == ' ' else ''}{inline(text)}"
    return f": {inline(text)}"


def _table(facts: Sequence[Fact]) -> str:
    rows = [f"| {fact.name} | {code(fact.exact) if fact.exact else inline(fact.text)} |" for fact in facts]
    return "\n".join(["| | |", "|---|---|", *rows]) if rows else ""


def _authors(text: str) -> str:
    """What the author wrote as Markdown; a heading in it is a line in bold, so that the outline stays ours."""
    lines = []
    fence = False
    for line in inert(text).strip().split("\n"):
        fence ^= line.lstrip().startswith(("```", "~~~"))
        heading = not fence and line.startswith("#")
        lines.append(f"**{line.lstrip('#').strip()}**" if heading and line.lstrip("#").strip() else line)
    return "\n".join(lines)


def _address(url: str) -> str:
    return inert(url).replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")
