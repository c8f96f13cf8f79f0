"""How things look: outcomes, Markdown as lightly as can be, a step's heading, what an action does, whom to call.

Markdown is styled and never rewritten: what is written stays where it stands, but for the signs around bold words and
code. A list keeps its marks, a block of code its lines. So nothing that an author wrote can be lost on the way.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from runbook.drivers.operator import Place, Request
from runbook.drivers.telling import Mark
from runbook.drivers.terminal.repeated import show_list
from runbook.drivers.terminal.screen import Screen, cells, one_line, styled
from runbook.model.canonical import Json
from runbook.model.durations import spoken
from runbook.model.kind import Preview
from runbook.model.paragraphs import unwrapped
from runbook.model.runbook import Contact, Link, Mode, Nested, Step
from runbook.walk import looping, undoing
from runbook.walk.walk import Walk

SIGNS = {
    Mark.PASSED: ("✓", "green"),
    Mark.FAILED: ("✗", "bold red"),
    Mark.SKIPPED: ("–", "yellow"),
    Mark.UNKNOWN: ("?", "bold magenta"),
    Mark.REFUSED: ("✗", "yellow"),
    Mark.STARTED: ("·", "dim"),
    Mark.GOING: ("·", "dim"),
    Mark.NOTE: ("✎", "cyan"),
    Mark.REMINDER: ("!", "bold cyan"),
    Mark.WARNING: ("!", "yellow"),
}
_WORDS = frozenset({"ask", "checklist", "choice", "finish", "runbook"})
"""Kinds whose actions are told in words, of which nothing is to be copied."""
_MODES = {
    Mode.DRY: "DRY RUN: nothing is changed",
    Mode.DRILL: "DRILL: the world is scripted, nothing here is real",
}
_SPAN = re.compile(r"(?P<code>`[^`\n]+`)|(?P<bold>\*\*(?=\S)[^*\n]+(?<=\S)\*\*)")
_ITEM = re.compile(r"(?P<lead>\s*(?:[-*+]|\d{1,3}[.)])\s+)(?P<rest>.*)")


def sign(mark: Mark) -> Text:
    """The sign of a mark, in its colour."""
    text, style = SIGNS[mark]
    return Text(text, style=style)


def banner(mode: Mode) -> str:
    """What must be said about a run that is not live; empty for one that is."""
    return _MODES.get(mode, "")


def markdown(screen: Screen, source: str, *, indent: int = 0) -> None:
    """Show a text that is written in Markdown."""
    fenced = False
    for line in unwrapped(source.strip("\n").splitlines()):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            screen.exactly(line, style="cyan", indent=indent + 2)
        elif line.startswith("#"):
            screen.say(line.lstrip("# "), style="bold", indent=indent)
        elif found := _ITEM.fullmatch(line):
            lead = " " * indent + found["lead"]
            screen.say(_spans(found["rest"]), first=lead, indent=cells(lead))
        else:
            screen.say(_spans(line.strip()), indent=indent)


def _spans(line: str) -> Text:
    """A line with its code and its bold words styled."""
    text, end = Text(), 0
    for found in _SPAN.finditer(line):
        text.append_text(styled(line[end : found.start()]))
        code, bold = found["code"], found["bold"]
        text.append_text(styled(code[1:-1], "cyan") if code else styled(bold[2:-2], "bold"))
        end = found.end()
    return text.append_text(styled(line[end:]))


def show_action(screen: Screen, preview: Preview, kind: str, *, indent: int = 2) -> None:
    """Show what would be done, exactly; a person's instructions are prose and may be Markdown."""
    screen.exactly(preview.line, style="bold", indent=indent)
    _show_detail(screen, preview.detail, kind, indent)


def _show_detail(screen: Screen, detail: str, kind: str, indent: int) -> None:
    if kind == "manual":
        markdown(screen, detail, indent=indent)
    elif kind in _WORDS:
        for line in detail.splitlines():
            screen.say(line, indent=indent)
    elif detail:
        screen.exactly(detail, indent=indent)


def show_undo(screen: Screen, step: Step, request: Request, *, whole: bool = False) -> None:
    """Show how it would be taken back, or why it cannot be; ``whole``: of a long list all of it."""
    because = f": {one_line(step.because)}" if step.because else ""
    if request.undo is not None:
        screen.say(request.undo.line, first=Text("  To take it back: ", style="bold"), indent=4)
        if step.for_each is not None:
            show_list(screen, request.undo, indent=4, whole=whole)
        else:
            _show_detail(screen, request.undo.detail, step.undo.kind if step.undo else "", 4)
    elif request.irreversible:
        screen.say(f"It cannot be undone{because}", style="bold red", indent=2)
    elif step.effect.changes and step.kind != "undo" and (because or not step.no_undo):
        screen.say(f"It has no undo{because}", style="yellow", indent=2)


def show_conditions(screen: Screen, step: Step) -> None:
    """Show what a step's result is held against, and how long and how often it is tried; of reads side by side each."""
    screen.items([styled(part) for part in _conditions(step)], style="dim", indent=2)
    for name, read in step.nested.items() if step.kind == "parallel" else ():
        first, *others = [*_conditions(read)] or [""]
        screen.items([styled(part) for part in (f"[{name}] {first}", *others) if first], style="dim", indent=2)


def _conditions(step: Step | Nested) -> Iterator[str]:
    if step.expect:
        yield f"passes if {one_line(step.expect)}"
    if step.retry:
        yield f"up to {step.retry.attempts} attempts"
    if step.timeout is not None:
        yield f"at most {spoken(step.timeout)}" + (" each" if step.retry else "")


def heading(place: Place, where: str) -> Text:
    """Which step this is."""
    again = f" · visit {place.visit}" if where.startswith("step") or place.visit > 1 else ""
    return Text(f"{where}{again}", style="bold")


def whereabouts(walk: Walk, place: Place) -> str:
    """Which step of how many; of a change that is taken back, or an element, which of those."""
    address, visit = place.step.id, walk.visit
    if walk.undoing is not None and visit is not None and visit.undoes is not None:
        of = sum(undoing.reversible(walk, change) for change in walk.undoing.waiting.taken)
        return f"taking back {of - len(walk.undoing.todo) + 1} of {of} · {address}"
    if visit is not None and address in visit.elements:
        return f"element {looping.place_of(address) + 1} of {len(visit.elements)} · {address}"
    ids = list(walk.steps)
    inside = f" inside {walk.prefix[:-1]}" if walk.prefix else ""
    return f"step {ids.index(walk.owner(address).id) + 1} of {len(ids)}{inside}"


def spelled(value: Json) -> str:
    """A value as a person would type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def show_table(screen: Screen, rows: Iterable[tuple[str, str]], *, indent: int = 2) -> None:
    """Show pairs in two columns; where the terminal is too narrow, the second below the first."""
    pairs = [(one_line(left), right) for left, right in rows]
    widest = max((cells(left) for left, _ in pairs), default=0)
    narrow = widest + indent + 2 > screen.columns // 2
    for left, right in pairs:
        lead = Text(" " * indent).append_text(styled(left, "bold"))
        if narrow:
            screen.say(lead)
            screen.say(right, indent=indent + 2)
        else:
            lead.append(" " * (indent + widest + 2 - lead.cell_len))
            screen.say(right, first=lead)


def named(walks: Sequence[Walk]) -> tuple[Sequence[Contact], Sequence[Link]]:
    """Whom, and which places, the runbook names that is under way, and then those that walk it."""
    books = [walk.runbook for walk in reversed(walks)]
    contacts = dict.fromkeys(contact for book in books for contact in book.contacts)
    links = dict.fromkeys(link for book in books for link in book.links)
    return list(contacts), list(links)


def show_contacts(screen: Screen, contacts: Iterable[Contact], links: Iterable[Link] = ()) -> None:
    """Show whom to call, how and when; and where to look."""
    rows = [(c.name, c.reach + (f", when {one_line(c.when)}" if c.when else "")) for c in contacts]
    rows += [(link.title, link.url) for link in links]
    show_table(screen, rows)
