"""``runbook submit``: have a run walked by an engine, its steps performed by workers."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from runbook.audit.store import Store
from runbook.audit.whereabouts import new_run_id
from runbook.cli.engine_options import engine_of, engine_options
from runbook.cli.failing import USAGE
from runbook.cli.options import Parser, look_at_start, number, operator_of, start_options
from runbook.cli.rows import rows
from runbook.cli.run import checked, environment_of, short_enough, start_at_of
from runbook.cli.stores import elsewhere, store_of
from runbook.cli.walking import PAUSED
from runbook.drivers.live import look_at_beginning
from runbook.drivers.store_past import seen_in
from runbook.kinds.registry import KINDS
from runbook.language.inputs import bind_inputs, given_by_flags
from runbook.language.loading import Loaded
from runbook.model.address import RUN_ID
from runbook.model.canonical import canonical
from runbook.model.diagnostics import Diagnostic, Refused
from runbook.model.runbook import Mode, Runbook
from runbook.walk.walk import Walk


def main(arguments: Sequence[str]) -> int:
    """Submit a run; 0 if there is one now, 2 if it could not begin, 3 if a worker has said why it cannot yet."""
    parser = Parser(
        "submit", "Have a run walked on several machines: workers perform its steps, `runbook answer` answers for it."
    )
    parser.add_argument("file", metavar="FILE", help="the runbook; it travels along, so editing it changes no live run")
    start_options(parser)
    parser.add_argument(
        "--lost-after",
        type=number,
        default=10,
        metavar="S",
        help="seconds after which a silent worker is given up; default: 10",
    )
    parser.add_argument(
        "--history-events",
        type=number,
        default=0,
        metavar="N",
        help="begin another history on the engine after N events; default: when the engine suggests it",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--run-id", metavar="ID", help="the id of the run; default: made from time and runbook")
    which.add_argument(
        "--fingerprint", metavar="TEXT", help="what the alert is known by: while a run of it is walked, there is one"
    )
    engine_options(parser)
    options = parser.parse_args(arguments)
    look_at_start(parser, options)
    if options.dry_run and options.fingerprint:
        parser.error("a dry run is of no alert: while it is walked, the alert would begin no run")
    engine, namespace = engine_of(options)
    loaded, runbook = checked(options.file)
    with store_of(options, walks=True) as store:
        store.prepare()
        return _submit(store, loaded, runbook, options, (engine, namespace))


def _submit(store: Store, loaded: Loaded, runbook: Runbook, options: argparse.Namespace, place: tuple[str, str]) -> int:
    from runbook.audit.masking import Masker
    from runbook.drivers.open_names import look_at_inputs, look_at_name
    from runbook.drivers.temporal.client import FINGERPRINT, NotYet, engine, host_of
    from runbook.drivers.temporal.codec import codec_of
    from runbook.drivers.temporal.payloads import Submitted

    address, namespace = place
    run = options.run_id or new_run_id(runbook.id, datetime.now(UTC))
    if not RUN_ID.fullmatch(run):
        message = f"`{run[:80]}` is not the id of a run"
        raise Refused(Diagnostic(code=USAGE, message=message, help="use up to 64 letters, digits, `.`, `_` and `-`"))
    if options.fingerprint is not None and not FINGERPRINT.fullmatch(options.fingerprint):
        message = "the fingerprint has a sign that it may not have, or more than 200"
        raise Refused(Diagnostic(code=USAGE, message=message, help="use letters, digits and . _ : / = + -"))
    start_at, why = start_at_of(runbook, options.start_at, options.reason) or (None, None)
    if start_at is not None:
        look_at_beginning(Walk(runbook, KINDS), start_at)
    operator = operator_of(options)
    inputs = short_enough(bind_inputs(runbook, given_by_flags(options.input)))
    look_at_name(operator, Masker())
    look_at_inputs(inputs, Masker())
    workflow = f"runbook-alert:{options.fingerprint}" if options.fingerprint else f"runbook:{run}"
    submitted = Submitted(
        run=run,
        files={file: data.decode() for file, data in loaded.files.items()},
        names=tuple(loaded.files),
        environment=environment_of(runbook, options.environment),
        inputs=canonical(inputs),
        operator=operator,
        incident=options.incident,
        host=host_of(namespace, workflow),
        store=store.shown,
        guards_see=seen_in(store),
        payloads="encrypted" if codec_of(os.environ) is not None else "plain",
        lost_after_s=float(max(options.lost_after, 2)),
        history_events=options.history_events,
        mode=(Mode.DRY if options.dry_run else Mode.LIVE).value,
        start_at=start_at,
        start_reason=why,
        break_lock=options.break_lock,
    )
    with engine(address, namespace) as reached:
        there = reached.start(submitted, workflow, fingerprint=bool(options.fingerprint))
        if there is not None:
            said = f"run {there} of that fingerprint is walked already; nothing was begun"
            _say(there, said, f"runbook answer {there}{elsewhere(store.run(there))} --engine {address}")
            return 0
        said, status = f"run {run} is submitted", 0
        try:
            reached.begun(workflow)
        except NotYet as late:
            said = f"{said}, and no worker has taken it up yet: `runbook worker` does"
            if str(late):
                said = f"run {run} is submitted, and cannot be walked yet; the worker says: {late}"
                status = PAUSED
    _say(run, said, f"runbook answer {run}{elsewhere(store.run(run))} --engine {address}")
    return status


def _say(run: str, said: str, answer: str) -> None:
    sys.stdout.write(f"{run}\n")
    sys.stderr.write("\n".join([said, *rows([("answer", answer)], sys.stderr)]) + "\n")
