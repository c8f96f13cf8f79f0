"""What a step saw, as far as a terminal can show it: facts behind its outcome, and below it rows in a small table.

Rules. All of it is taken from the observation as the log holds it: what is masked there is masked here. A table has a
few rows, is never wider than the terminal, and says what it leaves out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from runbook.drivers.telling import answered
from runbook.drivers.terminal.screen import WIDEST, Screen, cells, one_line, styled
from runbook.drivers.terminal.wording import show_table
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
_ELSEWHERE_OF = {"sql": {"columns"}, "revisions": {"current", "previous"}, "choice": {"chosen"}}
"""What of a kind is shown below its outcome, or stands in it."""
_MOST_ROWS = 5
_NARROW, _WIDE = 8, 40
"""Cells that a column has at least, where it needs them, and at most."""
_BETWEEN = "  "


def facts(kind: str, event: e.StepFinished) -> Sequence[str]:
    """What an action observed, as far as it goes into a line; a failure has its reason, and what a server answered."""
    if event.outcome != Outcome.PASSED.value:
        words = answered(event)
        return [words] if words else []
    observed = _observed(event)
    elsewhere = _SHOWN_ELSEWHERE | _ELSEWHERE_OF.get(kind, set())
    found = []
    for name, value in observed.items():
        shown = (
            ", ".join(p if isinstance(p, str) else canonical(p) for p in value) if isinstance(value, list) else value
        )
        if (kind, name, shown) == ("wait", "checks", 0):
            continue  # it lets a time pass, and looks at nothing
        if name in elsewhere or shown is None or shown is False or shown == "" or isinstance(shown, dict):
            continue
        if len(str(shown)) <= _LONGEST_FACT:
            found.append(name if shown is True else f"{name} {shown}")
    return found


def show_found(screen: Screen, kind: str, event: e.StepFinished) -> None:
    """Show what a step of that kind found where a person wants to read it: rows, revisions; nothing for other kinds."""
    observed = _observed(event)
    if kind == "sql":
        _show_rows(screen, observed)
    elif kind == "revisions" and observed:
        show_table(screen, _revisions(observed))


def _show_rows(screen: Screen, observed: Mapping[str, Json], *, indent: int = 2) -> None:
    """Show the first rows; columns that do not fit are shortened, and left out where even that is not enough."""
    found = [row for row in _list(observed.get("rows")) if isinstance(row, dict)]
    if not found:
        return
    columns = tuple(map(str, _list(observed.get("columns")))) or tuple(found[0])
    rows = [tuple(_cell(row.get(name)) for name in columns) for row in found[:_MOST_ROWS]]
    room = min(screen.columns, WIDEST) - indent
    read = list(zip(columns, *rows, strict=True))
    needed = [min(max(map(cells, column)), _WIDE) for column in read]
    fitting = len(needed)
    while fitting > 1 and _width([min(width, _NARROW) for width in needed[:fitting]]) > room:
        fitting -= 1
    widths = needed[:fitting]
    while _width(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    for row, style in ((columns, "dim"), *((row, "") for row in rows)):
        line = Text(style=style)
        for text, width in zip(row, widths, strict=False):
            cell = styled(text)
            cell.truncate(width, overflow="ellipsis", pad=True)
            line.append(_BETWEEN if line.plain else "").append_text(cell)
        line.rstrip()
        screen.exactly(line, indent=indent)
    count = observed.get("row_count")
    left = (count if isinstance(count, int) else len(found)) - len(rows)
    rest = [f"{left} more row{'s' * (left != 1)}"] if left > 0 else []
    rest += [f"not shown: {', '.join(columns[fitting:])}"] if fitting < len(columns) else []
    if rest:
        screen.say(f"… {'; '.join(rest)}", style="dim", indent=indent)


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_BETWEEN) * (len(widths) - 1)


def _revisions(observed: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Which revision serves, which served before, and when each was made."""
    known = {one.get("id"): one for one in _list(observed.get("revisions")) if isinstance(one, dict)}
    for role, name in (("serves", observed.get("current")), ("served before", observed.get("previous"))):
        revision = known.get(name, {})
        made, age = revision.get("created"), revision.get("age_s")
        when = f"made {made}" if made else ""
        ago = f"{spoken(age * 1_000)} ago" if isinstance(age, int) and age else ""
        yield role, ", ".join(filter(None, [str(name or "none that is known"), when, ago]))


def _cell(value: Json) -> str:
    return one_line(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _observed(event: e.StepFinished) -> Mapping[str, Json]:
    observed: Json = json.loads(event.obs or "{}")  # which the walk has read
    return observed if isinstance(observed, dict) else {}
