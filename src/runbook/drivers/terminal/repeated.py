"""What is done more than once or side by side, as the operator sees it: the list of it, how far it is, how it ended.

Rules. A list is shown whole where that is short; of a long one the beginning, how many more there are, and the end, and
a key shows the rest. What is not shown can be asked for before anything is confirmed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.text import Text

from runbook.drivers.stopping import shortly
from runbook.drivers.terminal.screen import Screen, one_line
from runbook.model.canonical import Json, canonical
from runbook.model.kind import Preview
from runbook.model.runbook import Step
from runbook.walk import looping
from runbook.walk.results import Visit
from runbook.walk.tables import Phase
from runbook.walk.walk import Walk

FEW = 12
"""So many elements are shown whole; of more, the first and the last."""
_FIRST, _LAST = 7, 2
_LONGEST_ITEM = 40


def parts_of(detail: str) -> tuple[list[str], list[str]]:
    """The lines that are the same for all in the detail of a preview that is a list, and its elements.

    Each element is a text with its indented lines.
    """
    same: list[str] = []
    elements: list[str] = []
    for line in detail.splitlines():
        if line.startswith("["):
            elements.append(line)
        elif elements:
            elements[-1] += f"\n{line}"
        else:
            same.append(line)
    return same, elements


def is_list(step: Step) -> bool:
    """Whether what a step does is a list: its elements where it is repeated, or reads side by side."""
    return step.for_each is not None or step.kind == "parallel"


def hides(step: Step, preview: Preview) -> bool:
    """Whether what a step does is a list that is so long that not all of it is shown at first."""
    return is_list(step) and len(parts_of(preview.detail)[1]) > FEW


def show_list(screen: Screen, preview: Preview, *, indent: int = 2, whole: bool = False) -> None:
    """Show what is done for all elements, and for each; or what each of several reads does."""
    same, elements = parts_of(preview.detail)
    left = 0 if whole or len(elements) <= FEW else len(elements) - _FIRST - _LAST
    for line in (*same, *(elements[:_FIRST] if left else elements)):
        screen.exactly(line, indent=indent)
    if not left:
        return
    screen.say(f"… {left} more like these, up to {len(elements)}; `l` lists them all …", style="bold", indent=indent)
    for element in elements[-_LAST:]:
        screen.exactly(element, indent=indent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step that is repeated has come: how many elements there are, and how many of them ended how."""

    of: int
    found: Mapping[str, int]
    running: tuple[str, ...]

    @property
    def over(self) -> int:
        """How many are over."""
        return sum(number for outcome, number in self.found.items() if outcome != looping.NOT_RUN)

    def line(self) -> str:
        """It as a line: ``3 of 12, 1 failed``."""
        bad = [f"{self.found[name]} {name}" for name in ("failed", "unknown", "skipped") if self.found.get(name)]
        return ", ".join([f"{self.over} of {self.of}", *bad])


def progress_of(walk: Walk) -> Progress | None:
    """How far the step has come that the walk repeats now; None if it repeats none."""
    visit = walk.visit
    if visit is None or not visit.elements:
        return None
    found = dict(looping.counts(walk, visit))
    unknown = sum(1 for element in visit.elements.values() if element.phase is Phase.UNKNOWN)
    if unknown:
        found["unknown"] = found.get("unknown", 0) + unknown
        found[looping.NOT_RUN] -= unknown
    running = tuple(address for address, element in visit.elements.items() if walk.flies(element))
    return Progress(of=len(visit.elements), found=found, running=running)


def name_of(visit: Visit, address: str) -> str:
    """What an element is about: its item, shortened."""
    item: Json = visit.items[looping.place_of(address)]
    text = one_line(item if isinstance(item, str) else canonical(item))
    return text if len(text) <= _LONGEST_ITEM else f"{text[: _LONGEST_ITEM - 1]}…"


def show_rest(screen: Screen, walk: Walk, visit: Visit) -> None:
    """Show which elements did not pass, when a step that was repeated is over."""
    marks = {"failed": "bold red", "unknown": "bold magenta", "skipped": "yellow", looping.NOT_RUN: "dim"}
    for outcome, style in marks.items():
        names = [name_of(visit, address) for address in visit.elements if _ended(walk, visit, address) == outcome]
        if names:
            lead = Text(f"  {outcome.replace('_', ' ')}: ", style=style)
            screen.say(", ".join(names) if len(names) <= FEW else shortly(names), first=lead, indent=4)


def _ended(walk: Walk, visit: Visit, address: str) -> str:
    return looping.outcome_of(walk, visit, address)


def running_of(walk: Walk | None) -> str:
    """What still runs of several things that go on side by side; empty where nothing does."""
    visit = walk.visit if walk else None
    if walk is None or visit is None:
        return ""
    if (progress := progress_of(walk)) is not None:
        return ", ".join(name_of(visit, address) for address in progress.running)
    if visit.step.kind == "parallel":
        return ", ".join(sorted(address.rpartition(".")[2] for address in visit.nested_running))
    return ""


def names_around(walks: Sequence[Walk]) -> Iterator[str]:
    """The steps that the last of these walks is inside of, each with its item where it is an element of a loop."""
    for outer, inner in pairwise(walks):
        address = inner.prefix.removeprefix(outer.prefix).removesuffix("/")
        loop = outer.visit if address.endswith("]") else None
        yield address if loop is None else f"{address} {name_of(loop, address)}"


def name_within(walk: Walk | None, address: str) -> str:
    """What a part of a step is called below its heading: ``[2] web-3 probe``; empty for a step itself, and an undo."""
    element, bracket, rest = address.partition("]")
    part = (rest if bracket else address).rpartition(".")[2] if "." in (rest if bracket else address) else ""
    if not bracket:
        return "" if part == "undo" else part
    visit = walk.visit if walk else None
    named = element + bracket
    item = name_of(visit, named) if visit is not None and named in visit.elements else ""
    return " ".join(filter(None, [named[named.index("[") :], item, part]))
