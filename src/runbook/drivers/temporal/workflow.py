"""A run as a workflow: the same session, with parts that wait for workers, for people and for time by the engine.

Nothing here looks at a clock, a socket or chance but through the engine, so a replay of its history walks the same way.
"""

import asyncio
from datetime import timedelta
from hashlib import sha256

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from runbook.audit.masking import Masker
from runbook.drivers.assembly import assemble, started
from runbook.drivers.journal import Journal
from runbook.drivers.locking import key_of
from runbook.drivers.operator import Act
from runbook.drivers.session import Ending
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.attempting import RemoteAttempts
from runbook.drivers.temporal.bridge import bridged
from runbook.drivers.temporal.clock import EngineClock
from runbook.drivers.temporal.log import EngineLog
from runbook.drivers.temporal.past import RemotePast
from runbook.drivers.temporal.payloads import Asked, Beginning, Records, Reply, Submitted
from runbook.drivers.temporal.remote import RemoteOperator
from runbook.drivers.temporal.secrets import RemoteSecrets
from runbook.drivers.temporal.sources import runbook_of
from runbook.drivers.temporal.unsupported import NoApprovals
from runbook.kinds.registry import KINDS
from runbook.language.included import secrets_of
from runbook.model.diagnostics import Refused
from runbook.model.runbook import Mode
from runbook.walk import run_events as r
from runbook.walk.outlook import outlook
from runbook.walk.walk import Walk

NOT_BEGUN = "NotBegun"
"""The type of the failure of a run that was refused before anything was done; its details are a message and a help."""


@workflow.defn(name="runbook", sandboxed=False)
class RunWorkflow:
    """One run."""

    @workflow.init
    def __init__(self, submitted: Submitted) -> None:
        """Know what was submitted."""
        self._submitted = submitted
        self._begun = False
        self._log = EngineLog(submitted.run, self._store)
        self._operator = RemoteOperator(self._log)
        self._lock: str | None = None
        self._cancelled = False

    @workflow.run
    async def run(self, submitted: Submitted) -> str:
        """Walk until the run is over or paused; which of the two, and how it ended."""
        del submitted
        walking = asyncio.create_task(bridged(self._walk))
        while True:
            try:
                ending = await asyncio.shield(walking)
            except asyncio.CancelledError:
                if walking.done() or workflow.cancellation_reason() is None or self._cancelled:
                    raise
                self._cancelled = True
                self._operator.acts.append(Act(do="abort", reason="the workflow was cancelled"))
            else:
                await workflow.wait_condition(workflow.all_handlers_finished)
                return ending.finish.value if ending.finish is not None else "paused"

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
    async def stop(self, by: str) -> None:
        """Stop what runs, as Ctrl-C does at hand."""
        self._operator.stop(by)

    @stop.validator
    def _look_at_stop(self, by: str) -> None:
        self._operator.look_at_stop(by)

    @workflow.update
    async def begun(self) -> bool:
        """Return when the run has begun, its first records stored."""
        await workflow.wait_condition(lambda: self._begun)
        return True

    def _walk(self) -> Ending:
        """The sitting, in its greenlet."""
        given = self._submitted
        runbook = runbook_of(given.files)
        walk = Walk(runbook, KINDS)
        files = {name: sha256(text.encode()).hexdigest() for name, text in given.files.items()}
        fields = started(
            walk,
            run=given.run,
            mode=Mode.LIVE.value,
            environment=given.environment,
            files=files,
            inputs=given.inputs,
            operator=given.operator,
            incident=given.incident,
            host=given.host,
            store=given.store,
            guards_see=given.guards_see,
        )
        try:
            fields["lock"] = self._lock = key_of(walk, fields)
        except Refused as refused:
            raise _not_begun(refused.diagnostics[0].message, refused.diagnostics[0].help) from None
        clock = EngineClock(self._log.flush)
        secrets = RemoteSecrets(given.run, walk, secrets_of(runbook))

        def begin(journal: Journal) -> None:
            journal.tell(r.RunStarted, **fields)
            self._log.flush()

        def attempts(journal: Journal) -> RemoteAttempts:
            return RemoteAttempts(
                journal=journal,
                operator=self._operator,
                log=self._log,
                secrets=secrets,
                lost_after=timedelta(seconds=given.lost_after_s),
            )

        session = assemble(
            walk=walk,
            log=self._log,
            operator=self._operator,
            attempts=attempts,
            secrets=secrets,
            masker=Masker(),
            clock=clock,
            interrupts=self._operator.interrupts,
            begin=begin,
            messages=self._wanted,
            past=RemotePast(),
            approvals=lambda _: NoApprovals(),
        )
        journal = session.journal

        def take_over(by: str) -> None:
            journal.tell(r.RunHandedOver, to=by, by=by, reason="answered by another operator")

        self._operator.meet(journal.mono, take_over)
        ending = session.go()
        self._log.flush()
        return ending

    def _wanted(self, journal: Journal) -> Act | None:
        """What somebody wants done to the walk; what was changed is taken back first where that is possible."""
        if not self._operator.acts:
            return None
        act = self._operator.acts.popleft()
        if act.do == "abort" and outlook(journal.walk).undoable:
            text = "the workflow was cancelled; what this run has changed can be taken back first, or it can be aborted"
            journal.tell(r.Warned, text=text)
            return None
        return act

    def _store(self, records: Records) -> None:
        """Have records stored; with the first of them the files, and the lock of the run is taken."""
        if self._begun:
            calls.done(calls.APPEND, [records], bool)
            return
        given = self._submitted
        beginning = Beginning(
            records=records,
            files={sha256(text.encode()).hexdigest(): text for text in given.files.values()},
            lock=self._lock,
            operator=given.operator,
            host=given.host,
        )
        refused = calls.done(calls.BEGIN, [beginning], list[str])
        if refused:
            raise _not_begun(*refused)
        self._begun = True


def _not_begun(message: str, help_: str) -> ApplicationError:
    return ApplicationError(message, help_, type=NOT_BEGUN, non_retryable=True)
