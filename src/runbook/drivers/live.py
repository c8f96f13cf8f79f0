"""A run in a store, for real or dry: begun, or gone on with after a pause or a crash."""

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from runbook.audit.inbox import Inbox
from runbook.audit.lock import Holder
from runbook.audit.masking import RULE, Masker
from runbook.audit.outputs import OutputFile
from runbook.audit.record import Record
from runbook.audit.store import RunDir, Store, glimpse
from runbook.audit.writer import LogWriter, Reopened
from runbook.drivers.approving import Credentials, SignedApprovals, deliver, may_take_over
from runbook.drivers.assembly import assemble, started, tell_unusable
from runbook.drivers.attempts import Stoppable, TakeOutput
from runbook.drivers.checkpointing import Checkpointing, Sealer, Unsealed
from runbook.drivers.interrupted import tell_interrupted
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal, Last
from runbook.drivers.locking import hold, key_of, tell_lost, untold
from runbook.drivers.messages import Messages
from runbook.drivers.operator import Act, Operator
from runbook.drivers.replay import runbook_of
from runbook.drivers.session import Session
from runbook.drivers.snapshot import FileWatch, difference, directory_of, here
from runbook.drivers.store_past import StorePast, seen_in
from runbook.language.included import secrets_of
from runbook.model.canonical import JsonObject, canonical
from runbook.model.clock import Clock
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.kind import Registry
from runbook.model.runbook import Finish, Mode, Runbook
from runbook.walk import run_events as r
from runbook.walk.actions import Interrupted
from runbook.walk.records import MalformedEvent, from_record
from runbook.walk.walk import IllegalEvent, Walk
from runbook.world.clock import RealClock
from runbook.world.real import RealWorld
from runbook.world.secrets import Prompt, SecretStore

NOT_LEGAL = Code(
    number="RB320",
    title="log cannot be gone on with",
    why="The log of the run is whole, but it is not a walk that this version of the program can follow: it was written "
    "by another version, or changed. Going on would mean to guess where the walk stands.",
)

SECRET_INPUT = Code(
    number="RB321",
    title="secret given as an input",
    why="Inputs stand in the log's first record and in the commands that are shown and recorded. A secret that is "
    "given as one would be in all of them; covered, it would be of no use to the step that wants it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a new run begins with. ``inputs`` are bound; ``start_at`` is a step to begin at and the reason for it.

    ``break_lock`` is why the lock of a run that nobody walks may be taken from it.
    """

    file: str
    environment: str | None
    inputs: JsonObject
    operator: str
    incident: str | None = None
    start_at: tuple[str, str] | None = None
    break_lock: str | None = None
    mode: Mode = Mode.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session of a live run, and what must be closed after it."""

    session: Session
    run: RunDir
    writer: LogWriter
    world: RealWorld
    signing: Sequence[Checkpointing]

    def close(self) -> None:
        """Let the log, its lock, connections and secrets go."""
        for each in self.signing:
            each.close()
        self.world.close()
        self.writer.close()


class Live:
    """Makes the sittings of one operator.

    :param operator: who walks, as a driver.
    :param credentials: what requests for approvals are signed, and approvals verified, with.
    :param prompt: asks for a secret without echo; None where nobody is there.
    """

    def __init__(
        self,
        *,
        operator: Operator,
        registry: Registry,
        interrupts: Interrupts,
        credentials: Credentials,
        prompt: Prompt | None = None,
    ) -> None:
        self._operator = operator
        self._registry = registry
        self._interrupts = interrupts
        self._credentials = credentials
        self._prompt = prompt

    def begin(self, run: RunDir, runbook: Runbook, sources: Mapping[str, bytes], start: Start) -> Sitting:
        """A new run in its directory, which is there and empty.

        :param sources: the bytes of the runbook's file and of all that it walks, by name; they are kept beside the log.
        :raises Refused: if it cannot begin; ``LogFailed`` if its log cannot be made.
        """
        walk = Walk(runbook, self._registry)
        if start.start_at is not None:
            for objection in walk.objections(start.start_at[0]):
                raise Refused(_not_there(start.start_at[0], objection))
        directory = here()
        secrets, masker, unusable = self._secrets(runbook, directory)
        for name, value in start.inputs.items():
            for secret in masker.mask(canonical(value))[1]:
                raise Refused(_no_input(name, secret))
        kept = {name: run.keep(source) for name, source in sources.items()}
        fields = started(
            walk,
            run=run.id,
            mode=start.mode.value,
            environment=start.environment,
            files=kept,
            inputs=canonical(start.inputs),
            operator=start.operator,
            incident=start.incident,
            host=platform.node(),
            store=str(run.path.parent.parent),
            directory=directory,
            guards_see=seen_in(Store(run.path.parent.parent)),
        )
        key = fields["lock"] = key_of(walk, fields)
        writer = LogWriter.create(run, _holder(start.operator))
        aside = partial(_aside, operator=start.operator, registry=self._registry)
        broken = hold(run, writer, key, start.operator, reason=start.break_lock, aside=aside)

        def begin(journal: Journal) -> None:
            journal.tell(r.RunStarted, **fields)
            if broken is not None:
                why, by = start.break_lock, start.operator
                journal.tell(r.DeviationRecorded, deviation="break_lock", to=broken.run, reason=why, by=by)
            if start.start_at is not None:
                step, reason = start.start_at
                journal.tell(
                    r.DeviationRecorded, step=step, deviation="start_at", to=step, reason=reason, by=start.operator
                )
            tell_unusable(journal, unusable)
            journal.sync()

        return self._sit(run, walk, writer, begin, last=None, known=(secrets, masker))

    def resume(self, run: RunDir, operator: str | None) -> Sitting:
        """Go on with a run.

        :param operator: who resumes; None for whoever walked last.
        :raises Refused: if it is held, over, damaged, or its runbook is not there.
        """
        handed = glimpse(run).handed
        reopened, walk, last = _reopen(run, operator, self._registry)
        if operator is not None:
            try:
                may_take_over(walk, operator, self._credentials.signers)
            except Refused:
                reopened.writer.close()
                raise
        key = walk.started.lock if walk.started else None
        aside = partial(_aside, operator=walk.operator, registry=self._registry)
        hold(run, reopened.writer, key, operator or walk.operator, reason=None, aside=aside)
        secrets, masker, unusable = self._secrets(walk.runbook, directory_of(walk))
        known = (secrets, masker)
        sitting = self._sit(run, walk, reopened.writer, lambda _: None, last=last, known=known)
        journal = sitting.session.journal
        if operator is not None and operator != walk.operator:
            though = f", though it was handed over to {walk.operator}" if handed is not None else ""
            journal.tell(r.RunHandedOver, to=operator, by=operator, reason=f"resumed by another operator{though}")
        _tell_resumed(journal, reopened)
        tell_lost(journal, untold(run, walk))
        tell_unusable(journal, unusable)
        journal.sync()
        return sitting

    def _secrets(self, runbook: Runbook, directory: str) -> tuple[SecretStore, Masker, Sequence[Diagnostic]]:
        """The secrets of a runbook, what keeps them out of the log from the first record on, and which lack now."""
        masker = Masker()
        secrets = SecretStore(secrets_of(runbook), register=masker.register, prompt=self._prompt, directory=directory)
        return secrets, masker, secrets.foresee()

    def _sit(
        self,
        run: RunDir,
        walk: Walk,
        writer: LogWriter,
        begin: Callable[[Journal], None],
        *,
        last: Last | None,
        known: tuple[SecretStore, Masker],
    ) -> Sitting:
        secrets, masker = known
        directory = directory_of(walk)
        clock: Clock = RealClock()
        asking: list[SignedApprovals] = []
        messages = Messages(Inbox(run, walk.delivered), partial(deliver, asking, walk))
        watch = FileWatch(walk, clock)
        worlds: list[RealWorld] = []
        signing: list[Checkpointing] = []

        def look(journal: Journal) -> Act | None:
            watch.look(journal)
            for each in signing:
                each.idle()
            return messages.look(journal)

        def approvals(journal: Journal) -> SignedApprovals:
            asking.append(
                SignedApprovals(journal, self._operator, run=run, credentials=self._credentials, hurry=messages.hurry)
            )
            return asking[-1]

        def sealer(journal: Journal) -> Sealer:
            if self._credentials.key is None:
                return Unsealed(journal)
            signing.append(
                Checkpointing(
                    journal,
                    run=run,
                    log=writer,
                    key=self._credentials.key,
                    signers=self._credentials.signers,
                    announce=self._operator.notice,
                )
            )
            return signing[0]

        def world(take: TakeOutput) -> Stoppable:
            worlds.append(
                RealWorld(secrets=secrets, output=take, directory=directory, run=(str(run.path.parent.parent), run.id))
            )
            return worlds[0]

        session = assemble(
            walk=walk,
            log=writer,
            operator=self._operator,
            world=world,
            secrets=secrets,
            masker=masker,
            keepers=lambda address, visit, attempt, stream: OutputFile(
                run, masker, address=address, visit=visit, attempt=attempt, stream=stream
            ),
            clock=clock,
            interrupts=self._interrupts,
            begin=begin,
            messages=look,
            past=StorePast(Store(run.path.parent.parent), self._registry, signers=self._credentials.signers),
            approvals=approvals,
            sealer=sealer,
            last=last,
        )
        return Sitting(session=session, run=run, writer=writer, world=worlds[0], signing=signing)


def _reopen(run: RunDir, operator: str | None, registry: Registry) -> tuple[Reopened, Walk, Last]:
    """The writer of a log that goes on, the walk as it stands, and its last record.

    :raises Refused: if it is held, over, damaged, or no legal walk.
    """
    walks: list[Walk] = []
    last: list[Record] = []

    def each(record: Record) -> None:
        last[:] = [record]
        if record.type.startswith("x-"):
            return  # a guest's, which no walk is told
        event = from_record(record.type, record.ts, record.mono, record.fields)
        if not walks and isinstance(event, r.RunStarted):
            walks.append(Walk(runbook_of(event, run.snapshot, registry), registry))
        walks[0].tell(event)

    try:
        # Who walked last is who holds it, unless somebody else says so; only the records tell.
        reopened = LogWriter.reopen(run, lambda: _holder(operator or walks[0].operator), each)
    except (IllegalEvent, MalformedEvent) as error:
        message = f"the log is no walk that can be gone on with: {error}"
        help_ = f"`runbook verify {run.id}` says more"
        raise Refused(Diagnostic(code=NOT_LEGAL, message=message, file=str(run.log), help=help_)) from None
    return reopened, walks[0], Last(ts=last[0].ts, mono=last[0].mono)


def _tell_resumed(journal: Journal, reopened: Reopened) -> None:
    walk = journal.walk
    journal.tell(
        r.RunResumed,
        operator=walk.operator,
        host=platform.node(),
        torn=tuple(torn.as_json() for torn in reopened.torn),
        differs=difference(walk),
    )


@contextmanager
def _aside(run: RunDir, operator: str, registry: Registry) -> Iterator[tuple[Journal, Reopened]]:
    """The journal of a run that nobody walks, for a record or two."""
    reopened, walk, last = _reopen(run, operator, registry)
    with reopened.writer as writer:
        masker = Masker()
        SecretStore(secrets_of(walk.runbook), register=masker.register, directory=directory_of(walk)).foresee()
        cover = partial(_covered, masker)
        yield Journal(walk, writer, RealClock(), show=lambda _: None, mask=cover, last=last), reopened


def _covered(masker: Masker, text: str) -> str:
    return masker.mask(text)[0]


def note_aside(run: RunDir, registry: Registry, *, kind: str, text: str, by: str) -> None:
    """Write a note into the log of a run that nobody walks.

    :raises Refused: if it is held after all, over or damaged.
    """
    with _aside(run, by, registry) as (journal, _):
        journal.tell(r.NoteAdded, kind=kind, text=text, by=by)
        journal.sync()


def hand_over_aside(run: RunDir, registry: Registry, *, to: str, by: str, reason: str | None = None) -> None:
    """Make somebody else the operator of a run that nobody walks.

    :raises Refused: as :func:`note_aside` does.
    """
    with _aside(run, by, registry) as (journal, _):
        journal.tell(r.RunHandedOver, to=journal.covered(to), by=journal.covered(by), reason=reason)
        journal.sync()


def abort_aside(run: RunDir, registry: Registry, *, reason: str, by: str) -> None:
    """End a run that nobody walks; what was in flight when its walk was killed is said to be interrupted first.

    :raises Refused: as :func:`note_aside` does.
    """
    with _aside(run, by, registry) as (journal, reopened):
        if journal.walk.in_flight():
            _tell_resumed(journal, reopened)
        while isinstance(action := journal.walk.pending()[0], Interrupted):
            tell_interrupted(journal, action)
        tell_lost(journal, untold(run, journal.walk))
        journal.tell(r.OperatorActed, do="abort", reason=reason, by=by, source="inbox")
        journal.tell(r.RunFinished, finish=Finish.ABORTED.value)
        journal.sync()


def snapshot_of(run: RunDir, registry: Registry) -> Runbook:
    """The runbook that a run walks, from the file kept beside its log.

    :raises Refused: if the run never began, or the file is not there.
    """
    first = glimpse(run).first
    try:
        event = from_record(first.type, first.ts, first.mono, first.fields) if first else None
    except MalformedEvent:
        event = None
    if not isinstance(event, r.RunStarted):
        message = "the run never began, or the beginning of its log cannot be read"
        help_ = f"`runbook verify {run.id}` says which"
        raise Refused(Diagnostic(code=NOT_LEGAL, message=message, file=str(run.log), help=help_))
    return runbook_of(event, run.snapshot, registry)


def _holder(operator: str) -> Holder:
    return Holder(pid=os.getpid(), host=platform.node(), operator=operator)


def _not_there(step: str, objection: str) -> Diagnostic:
    return Diagnostic(
        code=NOT_LEGAL, message=f"the walk cannot begin at `{step}`: {objection}", help="begin at an earlier step"
    )


def _no_input(name: str, secret: str) -> Diagnostic:
    message = f"the input `{name}` holds the secret `{secret}`"
    help_ = f"leave it out of the inputs; a step takes it as ${{{{ secrets.{secret} }}}}"
    if secret.startswith(RULE):
        message = f"the input `{name}` holds what looks like a secret ({secret.removeprefix(RULE)})"
        help_ = "declare it under `secrets`, and leave it out of the inputs"
    return Diagnostic(code=SECRET_INPUT, message=message, help=help_)
