"""The engine as a command sees it that submits a run or answers for one: calls that return when they are done."""

import asyncio
import re
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import (
    Client,
    RPCError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import QueryRejectCondition, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCStatusCode

from runbook.audit.lock import one_line
from runbook.audit.store import ENGINE
from runbook.drivers.temporal.codec import BAD_KEY, VARIABLE, Unreadable
from runbook.drivers.temporal.engine import connected, unreached
from runbook.drivers.temporal.payloads import HOME, Asked, Reply, Submitted, queue_of
from runbook.drivers.temporal.replies import TooLate
from runbook.drivers.temporal.workflow import NOT_BEGUN, RunWorkflow
from runbook.model.diagnostics import Code, Diagnostic, Refused

T = TypeVar("T")

NOT_TAKEN = Code(
    number="RB594",
    title="run that was refused where it was submitted",
    why="A worker took the run up and refused it before anything was done: its lock is held, or its id is in use.",
)
IN_USE = Code(
    number="RB595",
    title="run that was submitted already",
    why="A run is submitted once. There is one of that id on the engine, walked now or over; its log is in its store.",
)
GONE = Code(
    number="RB596",
    title="run that the engine does not walk",
    why="The run is not walked on that engine: it is over, or was ended there, or it was never submitted there.",
)
FINGERPRINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=+-]{0,199}")
_MEMO = "run"
_HOST = re.compile(rf"{ENGINE}([^/\s]+)/(\S+)")
_TAKEN_UP = timedelta(seconds=8)
_QUERY = timedelta(seconds=5)


class NotYet(Exception):  # noqa: N818 - said of a worker
    """No worker has said anything in time."""


class Stuck(NotYet):
    """A worker has tried to walk it, and cannot."""


class Closed(Exception):  # noqa: N818 - said of a run
    """The engine does not walk it any more."""


class NotTaken(Exception):  # noqa: N818 - said of an answer
    """An answer does not fit; the message is one line for whoever gave it.

    ``late``: its question is not open any more.
    """

    def __init__(self, why: str, *, late: bool) -> None:
        super().__init__(why)
        self.late = late


def host_of(namespace: str, workflow: str) -> str:
    """What the log says of where a run is walked."""
    return f"{ENGINE}{namespace}/{workflow}"


def workflow_of(host: str) -> tuple[str, str] | None:
    """The namespace and the workflow that a log's host names; None for a run that no engine walks."""
    match = _HOST.fullmatch(host)
    return (match[1], match[2]) if match is not None else None


class Engine:
    """An engine that is connected."""

    def __init__(self, address: str, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self._address = address
        self._client = client
        self._loop = loop

    def start(self, submitted: Submitted, workflow: str, *, fingerprint: bool) -> str | None:
        """Start a run; the id of the run that there is already of that fingerprint, None where it was started.

        :raises Refused: if there is one of that id, or the engine does not answer.
        """
        again = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY  # one that was refused has left its id free
        reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE if fingerprint else again
        try:
            self._wait(
                self._client.start_workflow(
                    RunWorkflow.run,
                    submitted,
                    id=workflow,
                    task_queue=queue_of(HOME),
                    id_reuse_policy=reuse,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    memo={_MEMO: submitted.run},
                )
            )
        except WorkflowAlreadyStartedError:
            if fingerprint:
                described = self._wait(self._client.get_workflow_handle(workflow).describe())
                return str(self._wait(described.memo_value(_MEMO, default="")))
            message = f"a run `{submitted.run}` was submitted already"
            help_ = f"`runbook answer {submitted.run}` if it is that; else choose another id, or none"
            raise Refused(Diagnostic(code=IN_USE, message=message, help=help_)) from None
        except NotYet as late:
            raise unreached(self._address, late) from None
        return None

    def begun(self, workflow: str) -> None:
        """Return when a worker has begun a run.

        :raises Refused: if it was refused.
        :raises NotYet: if no worker has taken it up in time; its text is why one could not, if one has tried.
        """
        handle = self._client.get_workflow_handle_for(RunWorkflow.run, workflow)
        begun: Any = RunWorkflow.begun  # of an update with a policy the library's types know a coroutine too many
        try:
            self._wait(handle.execute_update(begun, rpc_timeout=_TAKEN_UP))
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise NotYet(self._wait(_trouble(handle))) from None
        except WorkflowUpdateFailedError:
            self._refused(workflow)
        except Refused as refused:
            self._refused(workflow)
            raise refused from None

    def _refused(self, workflow: str) -> None:
        """Say why a run was refused, where it was.

        :raises Refused: then.
        """
        handle = self._client.get_workflow_handle_for(RunWorkflow.run, workflow)
        try:
            self._wait(handle.result(rpc_timeout=_QUERY))
        except WorkflowFailureError as failure:
            cause = failure.cause
            if isinstance(cause, ApplicationError) and cause.type == NOT_BEGUN:
                help_ = str(next(iter(cause.details), "look at the runs of the store"))
                raise Refused(Diagnostic(code=NOT_TAKEN, message=cause.message, help=help_)) from None

    def asking(self, workflow: str) -> Asked | None:
        """What a run asks now, if anything.

        :raises NotYet: if no worker has answered in time.
        :raises Closed: if the engine does not walk it any more.
        :raises Refused: if the engine does not know it, or does not answer.
        """
        handle = self._client.get_workflow_handle_for(RunWorkflow.run, workflow)
        walked = QueryRejectCondition.NOT_OPEN  # a worker would answer for one that is closed, too
        try:
            return self._wait(handle.query(RunWorkflow.asking, reject_condition=walked, rpc_timeout=_QUERY))
        except WorkflowQueryRejectedError:
            raise Closed from None

    def walks(self, workflow: str) -> bool:
        """Whether a run is walked now.

        :raises Refused: if the engine does not know it, or does not answer.
        """
        try:
            described = self._wait(self._client.get_workflow_handle(workflow).describe(rpc_timeout=_QUERY))
        except NotYet:
            return True
        return described.status is WorkflowExecutionStatus.RUNNING

    def holds_up(self, workflow: str) -> str:
        """What a run waits for that nobody is asked for: a worker, or what a worker tries again; empty if nothing.

        :raises Refused: if the engine does not know it, or does not answer.
        """
        try:
            described = self._wait(self._client.get_workflow_handle(workflow).describe(rpc_timeout=_QUERY))
        except NotYet:
            return ""
        for pending in described.raw_description.pending_activities:
            if pending.HasField("last_failure"):
                return f"a worker tries again, because {one_line(pending.last_failure.message)}"
            if pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED:
                site = pending.activity_options.task_queue.name.partition("/")[2]
                if "/" in site:
                    return "the one worker that has its secrets has not taken it up yet"
                return f"no worker has taken it up at `{site}` yet: `runbook worker --site {site}` does"
        return ""

    def answer(self, workflow: str, reply: Reply) -> None:
        """Answer what is asked.

        :raises NotTaken: if it does not fit.
        :raises NotYet: if no worker has answered in time; it may have been taken all the same.
        """
        self._update(workflow, RunWorkflow.answer, reply)

    def seal(self, workflow: str, reply: Reply) -> None:
        """Hand over a signature that nobody asked for.

        :raises NotTaken: if it cannot be one now.
        :raises NotYet: as :meth:`answer` does.
        """
        self._update(workflow, RunWorkflow.seal, reply)

    def stop(self, workflow: str, by: str) -> None:
        """Stop what runs.

        :raises NotTaken: if nothing does.
        :raises NotYet: as :meth:`answer` does.
        """
        self._update(workflow, RunWorkflow.stop, by)

    def _update(self, workflow: str, update: Any, given: Reply | str) -> None:  # noqa: ANN401 - a decorated method
        handle = self._client.get_workflow_handle_for(RunWorkflow.run, workflow)
        try:
            self._wait(handle.execute_update(update, given, rpc_timeout=_TAKEN_UP))
        except WorkflowUpdateFailedError as failed:
            late = isinstance(failed.cause, ApplicationError) and failed.cause.type == TooLate.__name__
            raise NotTaken(str(failed.cause), late=late) from None
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise NotYet from None

    def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(asked, self._loop).result()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and not error.message.startswith("Namespace"):
                message = "the engine does not walk that run"
                help_ = "name the engine that it was submitted to; if it is that, `runbook resume` goes on with the run"
                raise Refused(Diagnostic(code=GONE, message=message, help=help_)) from None
            if error.status in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}:
                raise NotYet("no answer in time") from None
            if error.status is RPCStatusCode.FAILED_PRECONDITION:  # its last task has failed, and is tried again
                raise Stuck(error.message) from None
            raise unreached(self._address, error) from None
        except Unreadable as error:
            help_ = f"set ${VARIABLE} to that of the workers and of whoever submitted it"
            raise Refused(Diagnostic(code=BAD_KEY, message=str(error), help=help_)) from None


async def _trouble(handle: WorkflowHandle[Any, Any]) -> str:
    """Why no worker could begin a run, where one has tried; else nothing."""
    tried = [each.last_failure for each in (await handle.describe()).raw_description.pending_activities]
    found = [event.workflow_task_failed_event_attributes.failure async for event in handle.fetch_history_events()]
    return next((one_line(failure.message) for failure in [*tried, *reversed(found)] if failure.message), "")


@contextmanager
def engine(address: str, namespace: str) -> Iterator[Engine]:
    """A connection to an engine.

    :raises Refused: if it does not answer.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="engine", daemon=True)
    thread.start()
    try:
        client = asyncio.run_coroutine_threadsafe(connected(address, namespace), loop).result()
        yield Engine(address, client, loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=2)
        if not thread.is_alive():
            loop.close()
