"""What a step saw, as far as a terminal can show it: facts behind its outcome, and rows as a small table below it.

Rules. All of it is taken from the observation as the log holds it: what is masked there is masked here. A table has a
few rows, is never wider than the terminal, and says what it leaves out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from runbook.drivers.telling import answered
from runbook.drivers.terminal.screen import WIDEST, Screen, cells, one_line, styled
from runbook.model.canonical import Json, canonical
from runbook.model.durations import spoken
from runbook.model.runbook import Outcome
from runbook.walk import events as e

_LONGEST_FACT = 40
_SHOWN_ELSEWHERE = frozenset(
    (
        "stdout",
        "stderr",
        "text",
        "lines",
        "evidence",
        "done",
        "reason",
        "by",
        "url",
        "size",
        "confirmed",
        "duration_ms",
        "met",
    )
) | {"elapsed_ms", "waited_s"}
_IN_A_TABLE = {"sql": {"columns"}, "revisions": {"current", "previous"}}
"""What the table of a kind says."""
_MOST_ROWS = 5
_NARROW, _WIDE = 8, 40
"""Cells that a column has at least, where it needs them, and at most."""
_BETWEEN = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The first rows of ``of``, each with a text for each column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    of: int


def facts(kind: str, event: e.StepFinished) -> Sequence[str]:
    """What an action observed, as far as it goes into a line; a failure has its reason, and what a server answered."""
    if event.outcome != Outcome.PASSED.value:
        words = answered(event)
        return [words] if words else []
    observed = _observed(event)
    elsewhere = _SHOWN_ELSEWHERE | _IN_A_TABLE.get(kind, set())
    found = []
    for name, value in observed.items():
        shown = (
            ", ".join(p if isinstance(p, str) else canonical(p) for p in value) if isinstance(value, list) else value
        )
        if name in elsewhere or shown is None or shown is False or shown == "" or isinstance(shown, dict):
            continue
        if len(str(shown)) <= _LONGEST_FACT:
            found.append(name if shown is True else f"{name} {shown}")
    return found


def table_of(kind: str, event: e.StepFinished) -> Table | None:
    """What a step of that kind found, if that is best read in rows; None of other kinds, and where it found nothing."""
    observed = _observed(event)
    match kind:
        case "sql":
            return _rows(observed)
        case "revisions":
            return _revisions(observed)
        case _:
            return None


def show_rows(screen: Screen, table: Table, *, indent: int = 2) -> None:
    """Show a table; columns that do not fit are shortened, and left out where even that is not enough."""
    room = min(screen.columns, WIDEST) - indent
    read = list(zip(*(table.columns, *table.rows), strict=True))
    needed = [min(max(map(cells, column)), _WIDE) for column in read]
    fitting = len(needed)
    while fitting > 1 and _width([min(width, _NARROW) for width in needed[:fitting]]) > room:
        fitting -= 1
    widths = needed[:fitting]
    while _width(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    for row, style in ((table.columns, "dim"), *((row, "") for row in table.rows)):
        line = Text(style=style)
        for text, width in zip(row, widths, strict=False):
            cell = styled(text)
            cell.truncate(width, overflow="ellipsis", pad=True)
            line.append(_BETWEEN if line.plain else "").append_text(cell)
        line.rstrip()
        screen.exactly(line, indent=indent)
    left = table.of - len(table.rows)
    rest = [f"{left} more row{'s' * (left != 1)}"] if left > 0 else []
    rest += [f"not shown: {', '.join(table.columns[fitting:])}"] if fitting < len(table.columns) else []
    if rest:
        screen.say(f"… {'; '.join(rest)}", style="dim", indent=indent)


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_BETWEEN) * (len(widths) - 1)


def _rows(observed: Mapping[str, Json]) -> Table | None:
    rows = [row for row in _list(observed.get("rows")) if isinstance(row, dict)]
    if not rows:
        return None
    columns = tuple(map(str, _list(observed.get("columns")))) or tuple(rows[0])
    count = observed.get("row_count")
    return Table(
        columns=columns,
        rows=tuple(tuple(_cell(row.get(name)) for name in columns) for row in rows[:_MOST_ROWS]),
        of=count if isinstance(count, int) else len(rows),
    )


def _revisions(observed: Mapping[str, Json]) -> Table | None:
    """Which revision serves, which served before, and when each was made."""
    known = {one.get("id"): one for one in _list(observed.get("revisions")) if isinstance(one, dict)}
    if not observed.get("current"):
        return None
    rows = tuple(_revision(role, observed.get(name), known) for role, name in _ROLES.items())
    return Table(columns=("", "revision", "made"), rows=rows, of=len(rows))


_ROLES = {"serves": "current", "served before": "previous"}


def _revision(role: str, name: Json, known: Mapping[Json, Mapping[str, Json]]) -> tuple[str, str, str]:
    if not isinstance(name, str) or not name:
        return role, "none that is known", ""
    revision = known.get(name, {})
    age = revision.get("age_s")
    ago = f"{spoken(age * 1_000)} ago" if isinstance(age, int) and age else ""
    made = revision.get("created")
    return role, name, ", ".join(filter(None, [made if isinstance(made, str) else "", ago]))


def _cell(value: Json) -> str:
    return one_line(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _observed(event: e.StepFinished) -> Mapping[str, Json]:
    observed: Json = json.loads(event.obs or "{}")  # which the walk has read
    return observed if isinstance(observed, dict) else {}
