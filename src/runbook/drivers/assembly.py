"""Puts the parts of one sitting together; which parts they are is all that tells a live walk from a scripted one."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

from runbook.audit.masking import Masker
from runbook.drivers.asking import Asker
from runbook.drivers.attempts import Attempts, Keepers, Stoppable, TakeOutput
from runbook.drivers.checkpointing import Sealer, Unsealed
from runbook.drivers.guarding import AskedGuards, Past
from runbook.drivers.guessing import DryRenderer
from runbook.drivers.inside import InnerAttempts, InnerJournal
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal, Last, Log
from runbook.drivers.looking import Looker
from runbook.drivers.operator import Act, Operator
from runbook.drivers.origin import kinds_of
from runbook.drivers.performing import Performer
from runbook.drivers.preparing import Secrets
from runbook.drivers.recording import Recorder
from runbook.drivers.session import Session
from runbook.drivers.showing import Showing
from runbook.drivers.starting import Approvals, Starter
from runbook.drivers.worker import Workers
from runbook.language.expressions import Cel
from runbook.language.scope import types_of
from runbook.model.canonical import Json
from runbook.model.clock import Clock
from runbook.model.diagnostics import Diagnostic
from runbook.model.scenario import Scenario
from runbook.version import VERSION
from runbook.walk.run_events import Warned
from runbook.walk.running import SIMULATED
from runbook.walk.walk import Walk


def assemble(
    *,
    walk: Walk,
    log: Log,
    operator: Operator,
    attempts: Callable[[Journal], Attempts],
    secrets: Secrets,
    masker: Masker,
    clock: Clock,
    interrupts: Interrupts,
    begin: Callable[[Journal], None],
    messages: Callable[[Journal], Act | None],
    past: Past,
    approvals: Callable[[Journal], Approvals],
    sealer: Callable[[Journal], Sealer] = Unsealed,
    last: Last | None = None,
) -> Session:
    """A session of these parts.

    :param attempts: makes what performs; ``performed_here`` does, for what is performed in this process.
    :param begin: tells ``run.started``; ``messages`` looks for what other processes want.
    :param past: what was done before; the guards ask it. ``approvals`` makes what asks others to approve.
    :param sealer: makes what signs the log.
    :param last: the last record of a log that goes on.
    """
    journal = Journal(walk, log, clock, show=operator.show, mask=masker.cover, last=last)
    seal = sealer(journal)
    performs = attempts(journal)

    def session(journal: Journal, attempts: Attempts, outer: Session | None) -> Session:
        """The session of a walk, or of one inside it."""
        walk = journal.walk
        cel = _evaluator(tuple(types_of(walk.runbook, walk.registry).items()))
        renderer = DryRenderer(walk.registry, cel, masker.cover, walk.runbook.included)
        recorder = Recorder(journal, renderer, masker)
        looker = Looker(
            journal=journal, renderer=renderer, attempts=attempts, secrets=secrets, recorder=recorder, clock=clock
        )
        asker = Asker(journal=journal, operator=operator, renderer=renderer, secrets=secrets, recorder=recorder)
        return Session(
            journal=journal,
            operator=operator,
            renderer=renderer,
            starter=Starter(
                journal=journal,
                operator=operator,
                renderer=renderer,
                secrets=secrets,
                guards=AskedGuards(journal, renderer, past),
                approvals=approvals(journal),
            ),
            sealer=seal,
            performer=Performer(
                journal=journal,
                renderer=renderer,
                attempts=attempts,
                secrets=secrets,
                recorder=recorder,
                looker=looker,
                asker=asker,
                showing=Showing(journal=journal, operator=operator, renderer=renderer, recorder=recorder),
                interrupts=interrupts,
            ),
            attempts=attempts,
            interrupts=interrupts,
            begin=lambda: begin(journal),
            messages=lambda: messages(journal),
            outer=outer,
            inside=lambda outer, inner, prefix: session(
                InnerJournal(outer.journal, inner, prefix), InnerAttempts(attempts, prefix), outer
            ),
        )

    return session(journal, performs, None)


def performed_here(
    *,
    operator: Operator,
    world: Callable[[TakeOutput], Stoppable],
    keepers: Keepers,
    clock: Clock,
    workers: Workers | None = None,
) -> Callable[[Journal], Attempts]:
    """What performs in this process.

    :param world: makes the world, given what takes its outputs.
    :param workers: perform what is performed; None: in threads, so that the operator can be heard meanwhile.
    """
    return lambda journal: Attempts(
        journal=journal, operator=operator, world=world, keepers=keepers, clock=clock, workers=workers or Workers()
    )


@lru_cache(maxsize=16)
def _evaluator(types: tuple[tuple[str, str], ...]) -> Cel:
    """The evaluator for names of these types: one for all walks of a runbook, so that it compiles nothing twice."""
    return Cel(dict(types))


def tell_unusable(journal: Journal, unusable: Sequence[Diagnostic]) -> None:
    """Warn of secrets that cannot be used now; a walk that comes to no step that needs one goes on without."""
    for said in unusable:
        journal.tell(Warned, text=f"{said.message}; no step that needs it can start: {said.help}")


def started(
    walk: Walk,
    *,
    run: str,
    mode: str,
    environment: str | None,
    files: Mapping[str, str],
    inputs: str,
    operator: str,
    incident: str | None,
    host: str,
    store: str,
    directory: str | None = None,
    lock: str | None = None,
    guards_see: str = "nothing but this run",
    payloads: str | None = None,
    scenario: Scenario | None = None,
) -> dict[str, Json | Mapping[str, Json]]:
    """The fields of ``run.started``.

    :param guards_see: what its guards and its lock can see, as it is said at its start, in its log and in its report.
    :param payloads: whether what goes through an engine is encrypted; None where none walks.
    :param scenario: what is drilled.
    """
    return {
        "format": "1.0",
        "run": run,
        "mode": mode,
        "environment": environment,
        "runbook": walk.runbook.id,
        "files": dict(files),
        "directory": directory,
        "lock": lock,
        "graph": walk.graph,
        "inputs": inputs,
        "operator": operator,
        "incident": incident,
        "host": host,
        "store": store,
        "guards_see": guards_see,
        "tool": VERSION,
        "kinds": kinds_of(walk.runbook, walk.registry),
        "scenario": sha256(scenario.source).hexdigest() if scenario else None,
        "clock": SIMULATED if scenario and scenario.simulated else None,
        "payloads": payloads,
    }
