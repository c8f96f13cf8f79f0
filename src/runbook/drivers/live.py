"""A run in a store, for real or dry: begun, or gone on with after a pause or a crash."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from runbook.audit.chained import Chained
from runbook.audit.inbox import inbox_of
from runbook.audit.masking import Masker
from runbook.audit.outputs import OutputFile
from runbook.audit.store import RunDir, glimpse
from runbook.audit.writer import begin as begin_log
from runbook.drivers.approving import SignedApprovals, deliver, may_take_over
from runbook.drivers.aside import NOT_LEGAL, aside, holder, reopen, tell_resumed
from runbook.drivers.assembly import assemble, performed_here, started, tell_unusable
from runbook.drivers.attempts import Keeper, Stoppable, TakeOutput
from runbook.drivers.checkpointing import Checkpointing, Sealer, Unsealed
from runbook.drivers.fitting import Mask
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.journal import Journal, Last
from runbook.drivers.locking import hold, key_of, tell_lost, untold
from runbook.drivers.messages import Messages
from runbook.drivers.notary import Credentials, OwnNotary
from runbook.drivers.open_names import look_at_inputs, look_at_name
from runbook.drivers.operator import Act, Operator
from runbook.drivers.session import Session
from runbook.drivers.snapshot import FileWatch, directory_of, here
from runbook.drivers.store_past import StorePast, seen_in
from runbook.language.included import secrets_of
from runbook.model.canonical import JsonObject, canonical
from runbook.model.clock import Clock
from runbook.model.diagnostics import Diagnostic, Refused
from runbook.model.kind import Registry
from runbook.model.runbook import Mode, Runbook
from runbook.walk import run_events as r
from runbook.walk.walk import Walk
from runbook.world.clock import RealClock
from runbook.world.real import RealWorld
from runbook.world.secrets import Prompt, SecretStore


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
    """A session of a run, what covers its secrets in a text, and what must be closed after it.

    ``let_go`` closes its world, and forgets its secrets.
    """

    session: Session
    cover: Mask
    run: RunDir
    writer: Chained
    let_go: Callable[[], None]
    signing: Sequence[Checkpointing]

    def close(self) -> None:
        """Let the log, its lock, connections and secrets go."""
        for each in self.signing:
            each.close()
        self.let_go()
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
            look_at_beginning(walk, start.start_at[0])
        directory = here()
        secrets, masker, unusable = self._secrets(runbook, directory)
        look_at_name(start.operator, masker)
        look_at_inputs(start.inputs, masker)
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
            store=run.store.shown,
            directory=directory,
            guards_see=seen_in(run.store),
        )
        key = fields["lock"] = key_of(walk, fields)
        writer = begin_log(run, holder(start.operator))
        others = partial(aside, operator=start.operator, registry=self._registry)
        broken = hold(run, writer, key, start.operator, reason=start.break_lock, aside=others)

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
        reopened, walk, last = reopen(run, operator, self._registry)
        run.fetch()  # what is printed now must not get the name of what was printed before
        secrets, masker, unusable = self._secrets(walk.runbook, directory_of(walk))
        if operator is not None:
            try:
                look_at_name(operator, masker)
                may_take_over(walk, operator, self._credentials.signers)
            except Refused:
                reopened.writer.close()
                raise
        key = walk.started.lock if walk.started else None
        others = partial(aside, operator=walk.operator, registry=self._registry)
        hold(run, reopened.writer, key, operator or walk.operator, reason=None, aside=others)
        sitting = self._sit(run, walk, reopened.writer, lambda _: None, last=last, known=(secrets, masker))
        journal = sitting.session.journal
        if operator is not None and operator != walk.operator:
            though = f", though it was handed over to {walk.operator}" if handed is not None else ""
            journal.tell(r.RunHandedOver, to=operator, by=operator, reason=f"resumed by another operator{though}")
        tell_resumed(journal, reopened)
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
        writer: Chained,
        begin: Callable[[Journal], None],
        *,
        last: Last | None,
        known: tuple[SecretStore, Masker],
    ) -> Sitting:
        secrets, masker = known
        directory = directory_of(walk)
        clock: Clock = RealClock()
        asking: list[SignedApprovals] = []
        messages = Messages(inbox_of(run, walk.delivered), partial(deliver, asking, walk))
        watch = FileWatch(walk, clock)
        worlds: list[RealWorld] = []
        signing: list[Checkpointing] = []

        def look(journal: Journal) -> Act | None:
            watch.look(journal)
            if not walk.in_flight():
                writer.check()  # before somebody answers a question, or a wait passes, for nothing
            for each in signing:
                each.idle()
            return messages.look(journal)

        def approvals(journal: Journal) -> SignedApprovals:
            notary = OwnNotary(run, self._credentials, lambda: journal.walk.operator)
            asking.append(SignedApprovals(journal, self._operator, notary=notary, hurry=messages.hurry))
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
            worlds.append(RealWorld(secrets=secrets, output=take, directory=directory, run=(run.store.shown, run.id)))
            return worlds[0]

        def let_go() -> None:
            worlds[0].close()
            secrets.forget()

        def keeper(address: str, visit: int, attempt: int, stream: str) -> Keeper:
            return OutputFile(run, masker, address=address, visit=visit, attempt=attempt, stream=stream, disk=run.disk)

        session = assemble(
            walk=walk,
            log=writer,
            operator=self._operator,
            attempts=performed_here(operator=self._operator, world=world, keepers=keeper, clock=clock),
            secrets=secrets,
            masker=masker,
            clock=clock,
            interrupts=self._interrupts,
            begin=begin,
            messages=look,
            past=StorePast(run.store, self._registry, signers=self._credentials.signers),
            approvals=approvals,
            sealer=sealer,
            last=last,
        )
        return Sitting(
            session=session,
            cover=masker.cover,
            run=run,
            writer=writer,
            let_go=let_go,
            signing=signing,
        )


def look_at_beginning(walk: Walk, step: str) -> None:
    """Look that a walk that is new can begin at a step.

    :raises Refused: if it cannot.
    """
    for objection in walk.objections(step):
        message = f"the walk cannot begin at `{step}`: {objection}"
        raise Refused(Diagnostic(code=NOT_LEGAL, message=message, help="begin at an earlier step"))
