"""``runbook answer``: walk a run from another machine than those that perform it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import closing

from runbook.audit.postgres.store import PostgresStore
from runbook.audit.reader import reading
from runbook.audit.store import RunDir, Store, glimpse
from runbook.cli.engine_options import engine_of, engine_options
from runbook.cli.failing import USAGE
from runbook.cli.main import INTERRUPTED
from runbook.cli.options import (
    Parser,
    credentials_of,
    key_options,
    operator_of,
    operator_option,
    run_argument,
    said_operator,
)
from runbook.cli.resume import look_who_goes_on
from runbook.cli.rows import rows
from runbook.cli.run import load_answers_for
from runbook.cli.stores import elsewhere, store_of
from runbook.cli.walking import PAUSED, leave_no_core, say_unused, worth
from runbook.drivers.aside import not_legal, snapshot_of
from runbook.drivers.attendance import attending
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.retelling import event_of
from runbook.kinds.registry import KINDS
from runbook.model.answers import Answers
from runbook.model.diagnostics import Diagnostic, Refused
from runbook.walk.records import MalformedEvent
from runbook.walk.run_events import Event
from runbook.walk.tables import RunPhase
from runbook.walk.walk import IllegalEvent, Walk


def main(arguments: Sequence[str]) -> int:
    """Answer for a run until it is over; the exit statuses are those of ``run``, 3 if it waits for somebody."""
    parser = Parser("answer", "Answer for a run that was submitted: the same screen as a walk at hand.")
    run_argument(parser)
    parser.add_argument("--answers", metavar="FILE", help="an answers file: answer without a terminal")
    operator_option(parser, "answers")
    key_options(parser)
    engine_options(parser)
    options = parser.parse_args(arguments)
    address, _ = engine_of(options)
    with store_of(options) as store:
        run = store.find(options.run)
        answers = load_answers_for(options.answers, snapshot_of(run, KINDS)) if options.answers else None
        return _answer(store, run, answers, options, address)


def _answer(store: Store, run: RunDir, answers: Answers | None, options: argparse.Namespace, address: str) -> int:
    from runbook.drivers.temporal.answering import Answering
    from runbook.drivers.temporal.client import engine, workflow_of
    from runbook.drivers.temporal.periodic import Periodic
    from runbook.drivers.temporal.printing import Printing

    first = glimpse(run).first
    where = workflow_of(str(first.fields.get("host"))) if first is not None else None
    if where is None or not isinstance(store, PostgresStore):
        message = f"run {run.id} was not submitted to an engine"
        raise Refused(Diagnostic(code=USAGE, message=message, help=f"`runbook resume {run.id}` goes on with it"))
    printing, periodic = Printing(store.link, run.id), Periodic(run.id, credentials_of(options))
    walk, count, head = _so_far(run, printing.tell, periodic.tell)
    if walk.finish is not None:
        return _ended(run, walk)
    if walk.phase is RunPhase.PAUSED:
        look_who_goes_on(run, said_operator(options), "answer")
    leave_no_core()
    interrupts = Interrupts()
    who = operator_of(options)
    with (
        interrupts.caught(),
        engine(address, options.namespace or where[0]) as reached,
        attending(interrupts, answers=answers) as seat,
    ):
        sitting = Answering(
            walk=walk,
            count=count,
            head=head,
            run=run,
            link=store.link,
            printing=printing,
            periodic=periodic,
            engine=reached,
            workflow=where[1],
            operator=seat.operator,
            credentials=credentials_of(options),
            prompt=seat.prompt,
            name=who,
            interrupts=interrupts,
        )
        sys.stderr.write(f"answers for run {run.id} as {who}\n")
        sys.stderr.flush()  # the terminal is written to from elsewhere now
        with closing(periodic):
            left = sitting.go()
    if left is None:
        if answers is not None and seat.answers is not None:
            say_unused(answers, seat.answers, walk.runbook)
        return _ended(run, walk)
    again = ("answer", f"runbook answer {run.id}{elsewhere(run)} --engine {address}")
    if left.closed:
        again = ("go on", f"runbook resume {run.id}{elsewhere(run)}")
    sys.stderr.write("\n".join([f"run {run.id} waits: {left.reason}", *rows([again], sys.stderr)]) + "\n")
    return INTERRUPTED if interrupts.ended is not None else PAUSED


def _so_far(run: RunDir, *others: Callable[[Event], None]) -> tuple[Walk, int, str]:
    """The walk as the log tells it so far, how many records that are, and the hash of the last.

    :param others: are told it too.
    """
    walk, count, head = Walk(snapshot_of(run, KINDS), KINDS), 0, ""
    try:
        with reading(run.log) as log:
            for record in log:
                count, head = count + 1, record.h
                if (event := event_of(record)) is not None:
                    walk.tell(event)
                    for each in others:
                        each(event)
    except (IllegalEvent, MalformedEvent) as error:
        raise not_legal(run, error) from None
    return walk, count, head


def _ended(run: RunDir, walk: Walk) -> int:
    finish = walk.finish
    where = elsewhere(run)
    pairs = [*worth(walk), ("report", f"runbook report {run.id}{where}"), ("verify", f"runbook verify {run.id}{where}")]
    said = f"run {run.id} is over: {finish.value if finish is not None else ''}"
    sys.stderr.write("\n".join([said, *rows(pairs, sys.stderr)]) + "\n")
    return 0 if finish is not None and finish.good else 1
