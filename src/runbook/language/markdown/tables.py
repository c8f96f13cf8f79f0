"""What a table is: ways to go on, people to call, or something to read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from runbook.language.markdown.blocks import Block
from runbook.language.markdown.words import plain

_IF = re.compile(
    r"(?:if|when|wenn|falls)\b.*|(?:possible |likely |root )*causes?|symptoms?|conditions?|problems?|issues?|scenarios?"
    r"|errors?(?: messages?| codes?)?|situations?|cases?|findings?|observations?|failures?|(?:what )?you (?:see|find)"
    r"|(?:check )?(?:result|outcome)s?|answer|what happen(?:s|ed)"
)
_THEN = re.compile(
    r"(?:then|dann)\b.*|do(?: this)?|to do|next(?: steps?)?|steps?|go to|fix(?:es)?|solutions?|resolutions?|responses?"
    r"|remed(?:y|ies)|remediations?|mitigations?|workarounds?|what to do|how to (?:fix|solve|resolve)(?: it)?|recovery"
    r"|(?:(?:recommended|suggested|required|corrective|first|next) )?actions?(?: (?:to take|required))?|procedures?"
)
_WHO = re.compile(
    r".*\b(?:names?|roles?|teams?|contacts?|who|persons?|owners?|services?|escalat\w*|levels?|tiers?)\b.*"
)
_REACH = re.compile(
    r".*\b(?:phones?|telephones?|mobile|e-?mails?|mail|slack|pager(?:duty)?|channels?|reach|handles?|chat|teams channel"
    r"|contact (?:info(?:rmation)?|details?|methods?)|how to (?:reach|contact)|number|rotation)\b.*"
)
_WHEN = re.compile(r"(?:when|after|if|time|hours)\b.*")
_CONTACT = re.compile(r"contacts?|escalat\w*", re.IGNORECASE)
_MOST_WAYS = 30
"""More rows than that are no question that a person could answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """A table of what to do in which case: its head, and of each row the case and the rest, labelled and not."""

    head: str
    rows: Sequence[tuple[str, str]]


def ways_in(table: Block) -> Ways | None:
    """The ways to go on that a table tells; None if it tells something else, or not all of it could be kept."""
    head, rows = table.rows[0], table.rows[1:]
    names = [_name(cell) for cell in head]
    if len(head) < 2 or not _IF.fullmatch(names[0]) or not any(map(_THEN.fullmatch, names[1:])):
        return None
    if not 1 < len(rows) <= _MOST_WAYS or not all(row[0] and any(row[1:]) for row in rows) or not _is_whole(table):
        return None
    told = [(row[0], _rest(head, row)) for row in rows]
    return Ways(head=" · ".join(plain(cell) for cell in head), rows=told)


def contacts_in(table: Block, heading: str) -> Sequence[Mapping[str, str]]:
    """The people to call that a table tells, as contacts; none if it tells something else.

    :param heading: what stands above it.
    """
    head, rows = table.rows[0], table.rows[1:]
    names = [_name(cell) for cell in head]
    ways = [number for number, name in enumerate(names) if number and _REACH.fullmatch(name)]
    if not ways and _CONTACT.search(heading) and len(head) > 1:
        others = [number for number, name in enumerate(names) if number and not _WHEN.fullmatch(name)]
        ways = [number for number in others if re.search("contact|how", names[number])][:1] or others[:1]
    if not ways or not any(map(_WHO.fullmatch, names[: ways[0]])):
        return []
    return [contact for row in rows if (contact := _contact(head, row, ways))]


def _contact(head: Sequence[str], row: Sequence[str], ways: Sequence[int]) -> Mapping[str, str]:
    cells = [plain(cell) for cell in row]
    who = [number for number in range(ways[0]) if not number or not _WHEN.fullmatch(_name(head[number]))]
    name = " · ".join(cells[number] for number in who if cells[number])
    reach = [(plain(head[number]), cells[number]) for number in ways if cells[number]]
    when = [
        f"{plain(head[number])}: {cells[number]}"
        for number in range(len(cells))
        if number not in {*who, *ways} and cells[number]
    ]
    if not name or not reach:
        return {}
    said = reach[0][1] if len(ways) == 1 else ", ".join(f"{label} {cell}" for label, cell in reach)
    return {"name": name, "reach": said} | ({"when": "; ".join(when)} if when else {})


def _rest(head: Sequence[str], row: Sequence[str]) -> str:
    """What a row says behind its first cell, each cell with its head where there are several."""
    if len(head) == 2:
        return row[1]
    return "\n".join(f"{label}: {cell}" for label, cell in zip(head[1:], row[1:], strict=False) if cell)


def _name(cell: str) -> str:
    return re.sub(r"[^\w\s-]+", " ", plain(cell)).strip().lower()


def _is_whole(table: Block) -> bool:
    """Whether the cells are all there is: a row with more cells than the head loses some of them (GFM, 4.10)."""
    lines = "".join(char for line in (table.lines[0], *table.lines[2:]) for char in line if char not in "|\\ \t")
    cells = "".join(char for cell in chain(*table.rows) for char in cell if char not in "|\\ \t")
    return lines == cells
