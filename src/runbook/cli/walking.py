"""What ``run`` and ``resume`` share: who sits here, the walk itself, and what is said at its end."""

import resource
import shlex
import sys
from collections.abc import Callable

from runbook.audit.chained import LogFailed
from runbook.audit.store import glimpse
from runbook.cli.failing import complain, our_fault
from runbook.cli.main import INTERRUPTED
from runbook.cli.rows import folded, rows
from runbook.cli.stores import elsewhere
from runbook.drivers.answers import RB302, AnswersOperator
from runbook.drivers.attendance import Seat, attending
from runbook.drivers.foresight import shown
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.live import Live, Sitting
from runbook.drivers.notary import Credentials
from runbook.drivers.session import Ending, Stop
from runbook.drivers.stopping import left_changed, sentences
from runbook.kinds.registry import KINDS
from runbook.language.frames import visible
from runbook.model.answers import Answers
from runbook.model.diagnostics import Diagnostic, Refused
from runbook.model.runbook import Runbook, tally
from runbook.walk.outlook import outlook
from runbook.walk.walk import Walk

PAUSED = 3


def leave_no_core() -> None:
    """Have no core written of this process if it crashes: it would hold secrets."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def walk(answers: Answers | None, credentials: Credentials, sit: Callable[[Seat, Live], Sitting]) -> int:
    """Walk until the run is over or paused; say what comes next, and return the exit status.

    :param credentials: what is signed, and verified, with here.
    :param sit: begins or resumes the run of whoever sits here.
    """
    leave_no_core()
    interrupts = Interrupts()
    with interrupts.caught(), attending(interrupts, answers=answers) as seat:
        live = Live(
            operator=seat.operator,
            registry=KINDS,
            interrupts=interrupts,
            credentials=credentials,
            prompt=seat.prompt,
        )
        sitting = sit(seat, live)
        try:
            ending = sitting.session.go()
        except (Refused, LogFailed):
            raise
        except Exception as error:  # noqa: BLE001 - here it is known which secrets its text may hold
            return our_fault(error, sitting.cover)
        finally:
            sitting.close()
    say(sitting, ending)
    if answers is not None and seat.answers is not None and ending.stop is Stop.FINISHED:
        say_unused(answers, seat.answers, sitting.session.walk.runbook)
    return _status(ending)


def say(sitting: Sitting, ending: Ending) -> None:
    """Say what became of a run, and what comes next."""
    run = sitting.run
    where = elsewhere(run)
    head = str(sitting.writer.anchor)
    if ending.stop is Stop.FINISHED:
        said = f"run {run.id} is over: {ending.finish.value if ending.finish else ''}"
        good = ending.finish is not None and ending.finish.good
        pairs = [
            *(() if good else left_changed(sitting.session.walk)),
            *worth(sitting.session.walk),
            ("ticket", head),
            ("log", run.shown),
            ("report", f"runbook report {run.id}{where}"),
            ("verify", f"runbook verify {run.id}{where} --anchor {head}"),
        ]
    else:
        said = f"run {run.id} is paused: {sitting.cover(ending.reason)}"
        walk = sitting.session.walk
        handed = glimpse(run).handed
        by = f" --operator {shlex.quote(str(handed.fields['to']))}" if handed is not None else ""
        pairs = [*sentences(walk, outlook(walk)), ("ticket", head), ("go on", f"runbook resume {run.id}{where}{by}")]
    sys.stderr.write("\n".join([folded(visible(said), sys.stderr), *rows(pairs, sys.stderr)]) + "\n")


def worth(walk: Walk) -> list[tuple[str, str]]:
    """How many outcomes of a dry run are worth what."""
    said = tally(walk.fidelities)
    return [("dry run", said)] if said else []


def say_unused(answers: Answers, operator: AnswersOperator, runbook: Runbook) -> None:
    """Warn of the answers that were never used."""
    for entry in operator.unused():
        never = Diagnostic(
            code=RB302,
            message=f"the answer for `{entry.step}` was never used",
            file=answers.file,
            span=entry.span,
            help="take it out, or look at the path that was walked",
        )
        complain([shown(never, answers, runbook)])


def _status(ending: Ending) -> int:
    match ending.stop:
        case Stop.FINISHED:
            return 0 if ending.finish is not None and ending.finish.good else 1
        case Stop.PAUSED:
            return PAUSED
        case Stop.SIGNAL:
            return INTERRUPTED
