"""``runbook runs``: list past and present runs, the newest first."""

import json
import sys
from collections.abc import Sequence

from runbook.audit.footing import unusable
from runbook.audit.lock import holder_of
from runbook.audit.plain_file import open_plain
from runbook.audit.store import Glimpse, RunDir, Store
from runbook.audit.strict import LINE_CAP
from runbook.cli.options import Parser, format_option, number, state_option
from runbook.cli.rows import folded
from runbook.cli.stores import store_of
from runbook.language.frames import visible
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Refused

COLUMNS = ("run", "began", "mode", "runbook", "environment", "operator", "state")


def main(arguments: Sequence[str]) -> int:
    """List runs."""
    parser = Parser("runs", "List past and present runs, the newest first.")
    parser.add_argument(
        "-n", "--limit", metavar="N", type=number, default=20, help="at most so many; default: 20; 0: all"
    )
    parser.add_argument(
        "--rebuild-index", action="store_true", help="make the record of starts, which cooldowns look at, from the logs"
    )
    format_option(parser, ("text", "json"))
    state_option(parser)
    options = parser.parse_args(arguments)
    with store_of(options) as store:
        if options.rebuild_index:
            return _rebuild(store)
        return _list(store, options.limit or None, options.format)


def _list(store: Store, limit: int | None, form: str) -> int:
    found = [_row(seen) for seen in store.glimpses(limit)]
    if form == "json":
        runs: list[Json] = [*found]
        sys.stdout.write(json.dumps({"runs": runs}, indent=2) + "\n")
        return 0
    if not found:
        sys.stderr.write(f"no run yet in {store.shown}\n")
        return 0
    for told in found:
        if told["lock_taken_by"]:
            told["state"] = f"{told['state']}, lock lost to {told['lock_taken_by']}"
    rows = [list(COLUMNS), *[[visible(str(row[column] or "-")) for column in COLUMNS] for row in found]]
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(folded(line.rstrip(), sys.stdout) + "\n")
    return 0


def _rebuild(store: Store) -> int:
    """Make the record of starts anew; 1 if a log is damaged, for what follows the damage is not in it."""
    store.newest(1)  # a store that is not there is not made for this
    try:
        made = store.prepare().starts().rebuild()
    except OSError as error:
        raise unusable(store.root, error) from None
    sys.stderr.write(f"the record of starts is made anew: {made.keys} keys, from {made.runs} live runs\n")
    for run in made.damaged:
        sys.stderr.write(f"the log of {run} is damaged, and what follows the damage is not counted\n")
    return 1 if made.damaged else 0


def lock_lost_to(run: RunDir, key: Json) -> str | None:
    """The run that has the lock of a run that is not over; None if that has it, or it cannot be told."""
    try:
        holder = run.store.locks().holder(key) if isinstance(key, str) else None
    except Refused:
        return None
    return holder.run if holder is not None and holder.run != run.id else None


def _row(seen: Glimpse) -> JsonObject:
    first = seen.first.fields if seen.first else {}
    over = seen.last is not None and seen.last.type == "run.finished"
    return {
        "run": seen.run.id,
        "began": seen.first.ts if seen.first else None,
        "mode": first.get("mode"),
        "runbook": first.get("runbook"),
        "environment": first.get("environment"),
        "operator": first.get("operator"),
        "incident": first.get("incident"),
        "state": state_of(seen),
        "lock": first.get("lock"),
        "lock_taken_by": None if over else lock_lost_to(seen.run, first.get("lock")),
    }


def state_of(seen: Glimpse) -> str:
    """Where a run stands, shortly: how it ended, else whether somebody walks it, or an engine does as its log says."""
    last = seen.last
    if last is None:
        return _unread(seen.run)
    if last.type == "run.finished":
        return str(last.fields.get("finish"))
    if holder_of(seen.run) is not None:
        return "walked now"
    if seen.paused:
        return "paused"
    return "on an engine" if seen.engine is not None else "interrupted"


def _unread(run: RunDir) -> str:
    """What to call a run whose last record cannot be read: a log without a whole line was never begun."""
    try:
        with open_plain(run.log) as log:
            return "damaged" if b"\n" in log.read(LINE_CAP) else "never began"
    except FileNotFoundError:
        return "never began"
    except OSError:
        return "unreadable"
