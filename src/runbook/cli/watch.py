"""``runbook watch``: follow a run from another terminal."""

import os
import sys
import time
from collections.abc import Sequence

from runbook.audit.growing import following
from runbook.audit.store import RunDir
from runbook.audit.verdict import Status
from runbook.cli.failing import complain
from runbook.cli.options import Parser, run_argument, state_option
from runbook.cli.stores import elsewhere, store_of
from runbook.cli.streams import Stream
from runbook.cli.walking import PAUSED
from runbook.drivers.terminal.paper import Paper
from runbook.drivers.terminal.presence import shown_to
from runbook.drivers.terminal.screen import Screen
from runbook.drivers.terminal.watching import Watching
from runbook.kinds.registry import KINDS

_POLL = 0.2
"""Seconds between two looks at a log that does not grow."""
_WRONG = frozenset({Status.TAMPERED, Status.UNREADABLE})


def main(arguments: Sequence[str]) -> int:
    """Show a run from its beginning and follow it to its end; nothing is written or locked.

    0 if it ends well, 1 if otherwise or if its log is wrong, 3 if it is not over (``--once``).
    """
    parser = Parser("watch", "Follow a run, read-only: what happened, what runs now, where it stands.")
    run_argument(parser)
    parser.add_argument("--once", action="store_true", help="show what there is and leave, without following")
    state_option(parser)
    options = parser.parse_args(arguments)
    with store_of(options) as store:
        return _watch(store.find(options.run), once=options.once)


def _watch(run: RunDir, *, once: bool) -> int:
    terminal = shown_to(os.environ)
    screen = Screen(terminal) if terminal is not None else Paper(sys.stdout)
    go_on = f"runbook resume {run.id}{elsewhere(run)}"
    watching = Watching(run, KINDS, screen, lambda: time.time_ns() // 1_000_000, go_on)

    def wait() -> bool:
        if watching.finish is None:
            run.fetch(outputs=False)
        watching.look()
        gone = isinstance(sys.stdout, Stream) and sys.stdout.lost is not None
        if watching.finish is not None or watching.findings or once or gone:
            return False
        time.sleep(_POLL)  # a log is looked at, as every program can that may only read it
        return True

    try:
        with following(run.log, wait) as log:
            for line, record in enumerate(log, 1):
                watching.tell(line, record)
            verdict = log.verdict()
    finally:
        screen.drop_row()
    wrong = [*watching.findings, *(finding for finding in verdict.findings if finding.status in _WRONG)]
    complain(finding.diagnostic for finding in wrong)
    if wrong:
        return 1
    if watching.finish is None:
        return PAUSED
    return 0 if watching.finish.good else 1
