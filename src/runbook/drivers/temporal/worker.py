"""A worker: walks runs, or performs steps near the hosts that they touch, until it is told to stop."""

import asyncio
import logging
import os
import platform
import signal
import tempfile
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, RPCError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from runbook.drivers.temporal.activities import SPARE, Activities
from runbook.drivers.temporal.codec import key_of
from runbook.drivers.temporal.engine import connected, in_words, unreached
from runbook.drivers.temporal.payloads import HOME, queue_of
from runbook.drivers.temporal.waking import Watching, wake
from runbook.drivers.temporal.workflow import RunWorkflow

POLLS = 5
"""Requests for work that wait at the engine at most, each with a place kept for what it brings.

Places that are left are for steps that the engine hands out with the walk that wants them, a round trip less.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Where a worker works: its site, the store, the engine; how many attempts at once; its seconds of grace."""

    site: str
    store: str
    engine: str
    namespace: str
    signers: Path
    at_once: int
    grace_s: float


class Complaints(logging.Handler):
    """Says what the engine's library has to say of what has failed: a line each, with its cause in place of a trace."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Take nothing below a warning."""
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Say one of them."""
        about = getattr(record, "temporal_activity", {})
        said = f"{about['workflow_id']}, {about['activity_type']}" if about else record.getMessage()
        core = getattr(record, "temporal_log", None)
        if core is not None and core.fields:
            said = f"{said}: {in_words(str(core.fields))}"
        problem = record.exc_info[1] if record.exc_info else None
        if isinstance(problem, ApplicationError):
            said = f"{said}: {problem.message}"
        elif problem is not None:
            last = traceback.extract_tb(problem.__traceback__)[-1:]
            where = "".join(f" ({Path(frame.filename).name}, line {frame.lineno})" for frame in last)
            said = f"{said}: {type(problem).__name__}: {problem}{where}"
        self._say(" ".join(said.split()))


async def work(post: Post, say: Callable[[str], None]) -> None:
    """Work until SIGTERM or SIGINT, then finish what was begun within the grace.

    :raises Refused: if the engine is out of reach, or does not have the namespace.
    """
    library = logging.getLogger("temporalio")
    library.propagate = False
    library.addHandler(Complaints(say))
    client = await connected(post.engine, post.namespace, log=library)
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=post.namespace))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise unreached(post.engine, error) from None
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    name, key = f"{platform.node()}:{os.getpid()}", key_of(os.environ)
    with (
        tempfile.TemporaryDirectory(prefix="runbook-worker-") as root,
        closing(Activities(post.store, Path(root), post.signers, name, at_once=post.at_once, key=key)) as activities,
        ThreadPoolExecutor(1, thread_name_prefix="walks") as walks,
    ):
        async with worker_of(client, post, activities, walks), holder_of(client, post, activities):
            say(f"works at `{post.site}` for {post.engine}, namespace {post.namespace}")
            waking = asyncio.create_task(_waking(client, post))
            await stop.wait()
            waking.cancel()
            say("stops: takes nothing new, and finishes what it has begun")


async def _waking(client: Client, post: Post) -> None:
    """Wake the runs that others have something to say to, where runs are walked."""
    if post.site == HOME:
        await wake(client, Watching(post.store, post.namespace))


def worker_of(client: Client, post: Post, activities: Activities, walks: ThreadPoolExecutor) -> Worker:
    """A worker that does not work yet.

    :param walks: one thread, in which all runs are walked: a walk waits in a greenlet, which stays in its thread.
    """
    home = post.site == HOME
    return Worker(
        client,
        task_queue=queue_of(post.site),
        workflows=[RunWorkflow] if home else [],
        activities=activities.storing() if home else activities.performing(),
        activity_executor=activities.threads,
        workflow_task_executor=walks,
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_activities=post.at_once,
        max_concurrent_activity_task_polls=min(POLLS, max(1, post.at_once // 2)),
        max_heartbeat_throttle_interval=timedelta(seconds=1),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=5),
        graceful_shutdown_timeout=timedelta(seconds=post.grace_s),
        identity=activities.name,
    )


def holder_of(client: Client, post: Post, activities: Activities) -> Worker:
    """The same worker, for what it alone can do: what wants secrets that were typed or made, and are in its memory."""
    return Worker(
        client,
        task_queue=activities.queue,
        activities=activities.performing(),
        activity_executor=activities.threads,
        max_concurrent_activities=post.at_once + SPARE,
        max_heartbeat_throttle_interval=timedelta(seconds=1),
        graceful_shutdown_timeout=timedelta(seconds=post.grace_s),
        identity=activities.name,
    )
