"""``runbook run``: walk a runbook."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime

from runbook.audit.whereabouts import new_run_id
from runbook.cli.failing import USAGE
from runbook.cli.options import (
    Parser,
    credentials_of,
    key_options,
    look_at_start,
    operator_of,
    start_options,
    state_option,
)
from runbook.cli.stores import store_of
from runbook.cli.walking import walk
from runbook.drivers.attendance import Seat
from runbook.drivers.fitting import LONGEST
from runbook.drivers.foresight import look_over
from runbook.drivers.live import Live, Sitting, Start
from runbook.kinds.registry import KINDS
from runbook.language.inputs import bind_inputs, given_by_flags
from runbook.language.loading import Loaded, load, load_answers
from runbook.language.near import nearest
from runbook.model.answers import Answers
from runbook.model.canonical import JsonObject, canonical, size
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.runbook import Mode, Runbook

ENVIRONMENT = Code(
    number="RB312",
    title="environment not chosen",
    why="A runbook with environments is walked in exactly one of them. There is no default: walking the wrong one is "
    "how staging procedures reach production.",
)
NO_SUCH_STEP = Code(
    number="RB313",
    title="no such step",
    why="The walk should begin at a step that the runbook does not have.",
)

FOR_WORKERS = Code(
    number="RB295",
    title="step for a worker",
    why="A step that names a `site` is performed by a worker there, near the hosts that it touches. A walk on one "
    "machine has no workers, and performing it here would be something else than the file says.",
)
LONG_INPUTS = Code(
    number="RB314",
    title="inputs too long for the log",
    why="The log's first record holds the inputs, and a record has a greatest length, so that whoever verifies a log "
    "needs no more memory than that.",
)


def main(arguments: Sequence[str]) -> int:
    """Walk a runbook; 0 if it ends well, 1 if otherwise, 2 if it could not begin, 3 if it is paused."""
    parser = _parser()
    options = parser.parse_args(arguments)
    look_at_start(parser, options)
    loaded, runbook = checked(options.file)
    look_at_sites(runbook, options.file)
    answers = load_answers_for(options.answers, runbook) if options.answers else None
    environment = environment_of(runbook, options.environment)
    given = given_by_flags(options.input)
    start_at = start_at_of(runbook, options.start_at, options.reason)

    def sit(seat: Seat, live: Live) -> Sitting:
        start = Start(
            file=options.file,
            environment=environment,
            inputs=short_enough(bind_inputs(runbook, seat.ask_inputs(runbook, given))),
            operator=operator_of(options),
            incident=options.incident,
            start_at=start_at,
            break_lock=options.break_lock,
            mode=Mode.DRY if options.dry_run else Mode.LIVE,
        )
        run_id = new_run_id(runbook.id, datetime.now(UTC)) if options.run_id is None else options.run_id
        run = store.prepare().create(run_id)
        try:
            return live.begin(run, runbook, loaded.files, start)
        except Refused:
            if not run.log.exists() or run.log.stat().st_size == 0:
                shutil.rmtree(run.path)  # it never began
            raise

    with store_of(options, walks=True) as store:
        return walk(answers, credentials_of(options), sit)


def checked(path: str) -> tuple[Loaded, Runbook]:
    """A runbook that can be walked; what is kept and walked is what was judged, whatever happens to the file meanwhile.

    :raises Refused: if there is an error in it.
    """
    loaded = load(path, KINDS)
    if loaded.runbook is None:
        from runbook.cli.guests import wanted_guests  # only where something is wrong

        raise Refused(*loaded.diagnostics, *wanted_guests(loaded))
    return loaded, loaded.runbook


def look_at_sites(runbook: Runbook, file: str) -> None:
    """Look that no step is to be performed elsewhere.

    :raises Refused: if one is.
    """
    for step in runbook.steps:
        if step.site is not None:
            message = f"`{step.id}` is performed by a worker of the site `{step.site}`, and there are none in this walk"
            help_ = "submit it with `runbook submit`, or take `site` out"
            raise Refused(Diagnostic(code=FOR_WORKERS, message=message, file=file, span=step.span, help=help_))
    for inner in runbook.included.values():
        look_at_sites(inner, file)


def _parser() -> Parser:
    parser = Parser("run", "Walk a runbook, step by step. Everything that happens is recorded before it happens.")
    parser.add_argument("file", metavar="FILE", help="the runbook")
    start_options(parser)
    key_options(parser)
    parser.add_argument("--answers", metavar="FILE", help="an answers file: walk without a terminal")
    parser.add_argument("--run-id", metavar="ID", help="the id of the run; default: made from time and runbook")
    state_option(parser)
    return parser


def load_answers_for(path: str, runbook: Runbook) -> Answers:
    """The answers of a file, looked over before anything begins.

    :raises Refused: if they cannot be read, or could never fit.
    """
    loaded = load_answers(path)
    if loaded.answers is None:
        raise Refused(*loaded.diagnostics)
    wrong = look_over(loaded.answers, runbook, KINDS)
    if wrong:
        raise Refused(*wrong)
    return loaded.answers


def environment_of(runbook: Runbook, chosen: str | None) -> str | None:
    """The environment to walk in.

    :raises Refused: if there are some and none of them is chosen.
    """
    known = list(runbook.environments)
    if chosen is None and not known:
        return None
    if chosen in runbook.environments:
        return chosen
    names = ", ".join(known) or "none"
    if chosen is None:
        message, help_ = f"`{runbook.id}` has environments and none is chosen", f"choose with -e: {names}"
    else:
        near = nearest(chosen, known)
        message = f"`{runbook.id}` has no environment `{chosen}`"
        help_ = f"did you mean `-e {near}`?" if near else f"its environments: {names}"
    raise Refused(Diagnostic(code=ENVIRONMENT, message=message, help=help_))


def short_enough(inputs: JsonObject) -> JsonObject:
    """The inputs, if a record can hold them.

    :raises Refused: if it cannot.
    """
    taken = size(canonical(inputs))
    if taken > LONGEST:
        message = f"the inputs take {taken:,} bytes in the log, and {LONGEST:,} are allowed"
        raise Refused(Diagnostic(code=LONG_INPUTS, message=message, help="put what is long into a file, and name that"))
    return inputs


def start_at_of(runbook: Runbook, step: str | None, why: str | None) -> tuple[str, str] | None:
    """Where to begin instead of at the first step, and why.

    :raises Refused: if there is no such step, or no reason.
    """
    if step is None:
        return None
    ids = [known.id for known in runbook.steps]
    if step not in ids:
        near = nearest(step, ids)
        help_ = f"did you mean `{near}`?" if near else f"its steps: {', '.join(ids[:8])}{', …' * (len(ids) > 8)}"
        raise Refused(Diagnostic(code=NO_SUCH_STEP, message=f"there is no step `{step}`", help=help_))
    if why is None:
        message = "`--start-at` skips steps, and no reason is given"
        raise Refused(Diagnostic(code=USAGE, message=message, help="add --reason TEXT"))
    return step, why
