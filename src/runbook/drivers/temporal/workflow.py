"""A run as a workflow: the same session, with parts that wait for workers, for people and for time by the engine.

Nothing here looks at a clock, a socket or chance but through the engine, so a replay of its history walks the same way.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from runbook.audit.away import Arrival
from runbook.audit.inbox import Arrivals
from runbook.audit.masking import Masker
from runbook.drivers.approving import SignedApprovals, approved_by_own_key, deliver
from runbook.drivers.assembly import assemble, started
from runbook.drivers.journal import Journal, Last
from runbook.drivers.locking import key_of
from runbook.drivers.messages import Messages
from runbook.drivers.operator import Act, Note
from runbook.drivers.session import Session
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.attempting import RemoteAttempts
from runbook.drivers.temporal.bridge import bridged
from runbook.drivers.temporal.checkpoints import Offered, RemoteSealer
from runbook.drivers.temporal.clock import EngineClock
from runbook.drivers.temporal.continuing import History, Onward, is_quiet, tell_again
from runbook.drivers.temporal.log import EngineLog
from runbook.drivers.temporal.notary import RemoteNotary, lists
from runbook.drivers.temporal.past import RemotePast
from runbook.drivers.temporal.payloads import Asked, Beginning, Begun, Deliveries, Kept, Records, Reply, Submitted
from runbook.drivers.temporal.remote import RemoteOperator
from runbook.drivers.temporal.secrets import RemoteSecrets
from runbook.drivers.temporal.sources import runbook_of
from runbook.kinds.registry import KINDS
from runbook.language.included import secrets_of
from runbook.model.canonical import Json
from runbook.model.diagnostics import Refused
from runbook.model.runbook import Finish
from runbook.walk import run_events as r
from runbook.walk.actions import End
from runbook.walk.outlook import outlook
from runbook.walk.tables import RunPhase
from runbook.walk.walk import Walk

CANCEL = "cancel"
"""What stands as the id of a message in the record of what came of a cancelled workflow."""
CANCELLED = "the workflow was cancelled; what the run has changed can be taken back first, or it can be aborted"
NOT_BEGUN = "NotBegun"
"""The type of the failure of a run that was refused before anything was done; its details are a message and a help."""


@workflow.defn(name="runbook", sandboxed=False)
class RunWorkflow:
    """One run."""

    @workflow.init
    def __init__(self, submitted: Submitted) -> None:
        """Know what was submitted."""
        self._submitted = submitted
        self._begun = self._stored = submitted.carried is not None
        self._broken = ""
        self._history = History(submitted.history_events)
        self._log = EngineLog(submitted.run, self._store)
        self._operator = RemoteOperator(self._log)
        self._offered = Offered(self._log)
        self._operator.offered = self._offered.fits_in
        self._lock: str | None = None
        self._cancelled = False
        self._messages: Messages
        self._asking: list[SignedApprovals] = []
        self._session: Session
        self._secrets: RemoteSecrets

    @workflow.run
    async def run(self, submitted: Submitted) -> str:
        """Walk until the run is over; how it ended."""
        walking = asyncio.create_task(bridged(self._walk))
        while True:
            try:
                finish = await asyncio.shield(walking)
            except asyncio.CancelledError:
                if walking.done() or workflow.cancellation_reason() is None or self._cancelled:
                    raise
                self._cancelled = True
                self._operator.acts.append(
                    Act(do="abort", reason="the workflow was cancelled", by="temporal", inbox=CANCEL)
                )
            except Onward:
                await workflow.wait_condition(workflow.all_handlers_finished)
                carried = self._operator.carried(self._secrets.kept)
                workflow.continue_as_new(replace(submitted, carried=carried))
            else:
                await workflow.wait_condition(workflow.all_handlers_finished)
                return finish

    @workflow.query
    def asking(self) -> Asked | None:
        """What is asked now, if anything is."""
        return self._operator.asked

    @workflow.update
    async def answer(self, reply: Reply) -> None:
        """Answer what is asked."""
        self._operator.give(reply)

    @answer.validator
    def _look_at(self, reply: Reply) -> None:
        self._operator.look_at(reply)

    @workflow.update
    async def seal(self, reply: Reply) -> None:
        """Take in what whoever answers has signed of the log without being asked."""
        self._offered.give(reply)

    @seal.validator
    def _look_at_seal(self, reply: Reply) -> None:
        self._offered.look_at(reply)

    @workflow.update
    async def stop(self, by: str) -> None:
        """Stop what runs, as Ctrl-C does at hand."""
        try:
            await bridged(lambda: self._operator.stop(by))
        except ValueError as refused:
            raise ApplicationError(str(refused)) from None

    @stop.validator
    def _look_at_stop(self, by: str) -> None:
        self._operator.look_at_stop(by)

    @workflow.signal
    def arrived(self, run: str, number: int) -> None:
        """Know that something with that number is in the inbox of a run."""
        if run == self._submitted.run:
            self._operator.arrived = max(self._operator.arrived, number)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)  # a run that is refused never begins
    async def begun(self) -> bool:
        """Return when the run has begun, its first records stored."""
        await workflow.wait_condition(lambda: self._begun)
        return True

    def _walk(self) -> str:
        """All sittings of the run, in their greenlet; how it ended."""
        given = self._submitted
        runbook = runbook_of(given.sources)
        walk = Walk(runbook, KINDS)
        files = {name: sha256(text.encode()).hexdigest() for name, text in given.sources.items()}
        fields = started(
            walk,
            run=given.run,
            mode=given.mode,
            environment=given.environment,
            files=files,
            inputs=given.inputs,
            operator=given.operator,
            incident=given.incident,
            host=given.host,
            store=given.store,
            guards_see=given.guards_see,
            payloads=given.payloads,
        )
        try:
            fields["lock"] = self._lock = key_of(walk, fields)
        except Refused as refused:
            raise _not_begun(refused.diagnostics[0].message, refused.diagnostics[0].help) from None

        def begin(journal: Journal) -> None:
            journal.tell(r.RunStarted, **fields)
            self._log.flush()
            by = given.operator
            if self._broken:
                why = given.break_lock
                journal.tell(r.DeviationRecorded, deviation="break_lock", to=self._broken, reason=why, by=by)
            if given.start_at is not None:
                step, why = given.start_at, given.start_reason
                journal.tell(r.DeviationRecorded, step=step, deviation="start_at", to=step, reason=why, by=by)
            self._log.flush()
            self._begun = True

        kept = given.carried.kept if given.carried is not None else Kept()
        self._secrets = RemoteSecrets(given.run, walk, secrets_of(runbook), self._operator, kept)
        last = self._told_again(walk)
        inbox = Arrivals(given.run, lambda after: self._taken(walk, after), walk.delivered)

        def approved(fields: Mapping[str, Json], inbox: str) -> bool:
            """Take in an approval; false while the run is paused: later."""
            return walk.phase is RunPhase.GOING and deliver(self._asking, walk, fields, inbox)

        self._messages = Messages(inbox, approved)
        while True:
            self._session = self._sitting(walk, begin, last)
            if walk.phase is not RunPhase.PAUSED:
                self._session.go()
            if walk.finish is None:
                last = self._rest(self._session.journal)
            self._log.flush()
            if walk.finish is not None:
                self._secrets.forget()
                return walk.finish.value

    def _sitting(self, walk: Walk, begin: Callable[[Journal], None], last: Last | None) -> Session:
        """The session of a run that begins, or goes on."""
        given, operator = self._submitted, self._operator
        self._asking.clear()
        source, operator.source = operator.source, "terminal"  # somebody is there who says what is to be stopped

        def attempts(journal: Journal) -> RemoteAttempts:
            return RemoteAttempts(
                journal=journal,
                operator=self._operator,
                log=self._log,
                secrets=self._secrets,
                lost_after=timedelta(seconds=given.lost_after_s),
            )

        session = assemble(
            walk=walk,
            log=self._log,
            operator=self._operator,
            attempts=attempts,
            secrets=self._secrets,
            masker=Masker(),
            clock=EngineClock(self._log.flush),
            interrupts=self._operator.interrupts,
            begin=begin,
            messages=self._wanted,
            past=RemotePast(),
            approvals=self._approvals,
            sealer=lambda journal: self._offered.attend(RemoteSealer(journal, self._log, operator), walk),
            last=last,
        )
        journal, operator.source = session.journal, source

        def take_over(by: str) -> str | None:
            try:
                why = approved_by_own_key(walk, by, lists)
            except Refused as refused:
                return str(refused)
            if why is None:
                journal.tell(r.RunHandedOver, to=by, by=by, reason="answered by another operator")
            return why

        self._operator.meet(journal.mono, take_over)
        return session

    def _told_again(self, walk: Walk) -> Last | None:
        """Stand where the run stood in the history before, if there was one."""
        carried, last = self._submitted.carried, None
        if carried is not None:
            last = tell_again(walk, self._submitted.run, carried)
            self._log.go_on(carried.count, carried.head)
            self._operator.carry_on(carried)
        self._history.begins(self._log.count)
        return last

    def _go_onward(self, walk: Walk) -> None:
        """Go on in another history, if this one is long, and nothing is known that is not on record.

        :raises Onward: then.
        """

        def may() -> bool:
            quiet = self._operator.quiet and not self._session.listener.wanted
            return quiet and (walk.phase is RunPhase.PAUSED or is_quiet(walk))

        if self._history.is_long(self._log.count) and may():
            self._log.flush()
            if may():
                raise Onward

    def _rest(self, journal: Journal) -> Last:
        """Wait until somebody goes on with the run, which is paused, or ends it; what is last on record then."""
        walk, operator = journal.walk, self._operator
        while walk.finish is None:
            match operator.rest(lambda: self._wanted(journal)):
                case None:
                    journal.tell(r.RunResumed, operator=walk.operator, host=self._submitted.host)
                    break
                case Note(kind=kind, text=text):
                    journal.tell(r.NoteAdded, kind=kind, text=text, by=walk.operator)
                case Act(do="hand_over", to=str(to), by=str(by)) as act if to != walk.operator:
                    journal.tell(r.RunHandedOver, to=to, by=by, reason=act.reason, inbox=act.inbox)
                case Act(do="abort" | "pause" as do, reason=reason, by=by, inbox=inbox):
                    by, source = by or walk.operator, "inbox" if inbox else operator.source
                    journal.tell(r.OperatorActed, do=do, reason=reason, by=by, source=source, inbox=inbox)
                    if do == "abort":
                        journal.tell(r.RunFinished, finish=Finish.ABORTED.value)
                case Act(do=do, by=by, inbox=inbox):
                    text = f"`{do}` of {by or walk.operator} is not possible: the run is paused"
                    journal.tell(r.Warned, text=text, inbox=inbox)
        return Last(ts=journal.now(), mono=walk.mono)

    def _approvals(self, journal: Journal) -> SignedApprovals:
        """What asks others to approve, in the walk of a journal."""
        notary = RemoteNotary(self._submitted.run, self._operator, lambda: journal.walk.operator)
        self._asking.append(SignedApprovals(journal, self._operator, notary=notary, hurry=self._messages.hurry))
        return self._asking[-1]

    def _wanted(self, journal: Journal) -> Act | None:
        """What somebody wants done to the walk. Cancelled, it pauses where there may be something to take back."""
        operator, walk = self._operator, journal.walk
        if operator.arrived > operator.taken:
            self._messages.hurry()
        self._offered.take()
        act = operator.acts.popleft() if operator.acts else self._messages.look(journal)
        if act is None:
            self._go_onward(walk)
        if act is None or act.inbox != CANCEL:
            return act
        if outlook(walk).undoable or (walk.in_flight() and walk.changing()):
            return replace(act, do="pause", reason=CANCELLED)
        return act

    def _taken(self, walk: Walk, after: int) -> Sequence[Arrival]:
        """What is in the inbox behind a number; looked at where something has arrived, and once before the end."""
        operator, found = self._operator, list[Arrival]()
        if operator.arrived <= operator.taken and not isinstance(next(iter(walk.pending()), None), End):
            return found
        wanted, more = operator.arrived, True
        while more:
            said = calls.done(calls.ARRIVED, [self._submitted.run, after], Deliveries)
            found += (Arrival(each.number, each.text.encode("latin-1"), each.owner) for each in said.found)
            after, more = max([after, *(each.number for each in said.found)]), said.more
        operator.taken = max(operator.taken, wanted, after)
        return found

    def _store(self, records: Records) -> None:
        """Have records stored; with the first of them the files, and the lock of the run is taken."""
        if self._stored:
            calls.done(calls.APPEND, [records], bool)
            return
        given = self._submitted
        beginning = Beginning(
            records=records,
            files={sha256(text.encode()).hexdigest(): text for text in given.files.values()},
            lock=self._lock,
            operator=given.operator,
            host=given.host,
            break_lock=given.break_lock,
        )
        begun = calls.done(calls.BEGIN, [beginning], Begun)
        if begun.refused:
            raise _not_begun(*begun.refused)
        self._stored, self._broken = True, begun.broken


def _not_begun(message: str, help_: str) -> ApplicationError:
    return ApplicationError(message, help_, type=NOT_BEGUN, non_retryable=True)
