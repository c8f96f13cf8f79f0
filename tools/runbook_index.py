"""Writes the index of runbooks/ into its README, from the files alone: by symptom, for maintenance, shared pieces.

With ``--check`` nothing is written, and the status is 1 if the index is not up to date. Nothing in it depends on the
day on which it is written: when the next review is due is the day that follows from the file.
"""

import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from runbook.cli.below import files_below
from runbook.kinds.registry import KINDS
from runbook.language.frames import one_line
from runbook.language.loading import load
from runbook.language.reviewing import next_review
from runbook.model.runbook import Runbook

FOLDER = Path(__file__).resolve().parent.parent / "runbooks"
PAGE = FOLDER / "README.md"
BEGIN, END = "<!-- index: begin -->\n", "<!-- index: end -->\n"
MAINTENANCE = "maintenance"
"""The tag of what is walked on a day of the calendar and not for a symptom."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A runbook of the folder; ``path`` is relative to it."""

    path: Path
    runbook: Runbook

    @cached_property
    def link(self) -> str:
        """Its id, with the way to its file."""
        return f"[{self.runbook.id}]({self.path})"

    @property
    def piece(self) -> bool:
        """Whether it is there to be walked by others."""
        return self.path.parent != Path()

    @property
    def purpose(self) -> str:
        """The first paragraph of its description that is not about what people see."""
        paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", self.runbook.description)]
        return next((each for each in paragraphs if not each.startswith("**Symptoms:**")), "")

    @property
    def walked(self) -> Sequence[str]:
        """The ids of the runbooks that its steps walk, each once, in the order of the steps."""
        return list(dict.fromkeys(inner.id for inner in self.runbook.included.values()))


def main() -> int:
    """Write the index, or check it."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    wanted = before + BEGIN + "\n".join(index(entries())) + "\n" + END + rest.partition(END)[2]
    if "--check" in sys.argv:
        return int(page != wanted)
    PAGE.write_text(wanted)
    return 0


def entries() -> list[Entry]:
    """Every runbook below the folder, by name."""
    found = []
    for file in files_below(str(FOLDER), ("runbook: v1",)):
        loaded = load(file, KINDS)
        if loaded.runbook is None:
            sys.exit("\n".join(map(one_line, loaded.diagnostics)))
        found.append(Entry(path=Path(file).relative_to(FOLDER), runbook=loaded.runbook))
    return found


def index(every: Sequence[Entry]) -> Iterator[str]:
    """The lines of the index."""
    pieces = [entry for entry in every if entry.piece]
    upkeep = [entry for entry in every if not entry.piece and MAINTENANCE in entry.runbook.tags]
    incidents = [entry for entry in every if entry not in pieces and entry not in upkeep]
    links = {entry.runbook.id: entry.link for entry in every}
    yield from ["| users see | walk |", "|---|---|"]
    for entry in incidents:
        seen = map(_cell, entry.runbook.symptoms)
        yield from (f"| {symptom[:1].upper()}{symptom[1:]} | {entry.link} |" for symptom in seen)
    yield from ["", "## For a symptom"]
    for entry in incidents:
        yield from _told(entry, links)
    if upkeep:
        yield from [
            "",
            "## For maintenance",
            "",
            "Walked on a day of the calendar. What they find leads into one of the runbooks above.",
        ]
        for entry in upkeep:
            yield from _told(entry, links)
    if pieces:
        yield from ["", "## Shared pieces", "", "| piece | what it does | walked by | owner |", "|---|---|---|---|"]
        for entry in pieces:
            users = ", ".join(other.link for other in every if entry.runbook.id in other.walked)
            yield f"| {entry.link} | {_cell(entry.runbook.title)} | {users or 'nobody yet'} | {_kept(entry.runbook)} |"


def _told(entry: Entry, links: dict[str, str]) -> Iterator[str]:
    """What is to be known of a runbook before it is opened."""
    runbook = entry.runbook
    yield from ["", f"### {entry.link}: {runbook.title}", ""]
    if entry.purpose:
        yield from [*_wrapped(entry.purpose), ""]
    yield from _wrapped(f"Owner: {_kept(runbook)}.", "- ")
    if runbook.environments:
        yield from _wrapped(f"Environments: {', '.join(f'`{name}`' for name in runbook.environments)}.", "- ")
    for contact in runbook.contacts:
        when = f" when {contact.when}" if contact.when else ""
        yield from _wrapped(f"Call {contact.name} ({contact.reach}){when}.", "- ")
    if entry.walked:
        yield from _wrapped(f"Walks {', '.join(links[each] for each in entry.walked)}.", "- ")


def _kept(runbook: Runbook) -> str:
    """Who keeps it, and when it was and is to be reviewed."""
    if runbook.review_every is None:
        return f"`{runbook.owner}`, never reviewed"
    due = next_review(date.fromisoformat(runbook.last_reviewed), runbook.review_every)
    return f"`{runbook.owner}`, last reviewed on {runbook.last_reviewed}, next review due on {due}"


def _wrapped(text: str, bullet: str = "") -> list[str]:
    return textwrap.wrap(
        text, 126, initial_indent=bullet, subsequent_indent=" " * len(bullet),
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
