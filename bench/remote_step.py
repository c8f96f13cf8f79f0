"""A step of a run that a Temporal server walks, against a bare activity that does the same and inserts two rows.

Both run on the same server and worker, and into the same PostgreSQL; a step is announced, performed, and told.
"""

import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import psycopg  # noqa: E402 - the path is needed first
from tests.drivers.engine import plainly, server  # noqa: E402
from tests.drivers.stored import database  # noqa: E402
from tests.world.postgres import Postgres, postgres  # noqa: E402

from _measure import row  # noqa: E402
from runbook.drivers.temporal.activities import Activities  # noqa: E402
from runbook.drivers.temporal.payloads import HOME, queue_of  # noqa: E402
from runbook.drivers.temporal.worker import Post, worker_of  # noqa: E402
from runbook.drivers.temporal.workflow import RunWorkflow  # noqa: E402

STEPS, ROUNDS = 60, 5
PLACES = 20
"""Attempts at once that a worker takes; ``runbook worker`` has as many."""
_OWN = threading.local()


class Bare:
    """An activity that runs the same program, and inserts and commits two rows of a record's length."""

    def __init__(self, url: str) -> None:
        self._url = url

    @activity.defn(name="bare")
    def bare(self, number: int) -> int:
        """Do it."""
        if not hasattr(_OWN, "connection"):
            _OWN.connection = psycopg.connect(self._url, autocommit=True)
        for _ in range(2):
            _OWN.connection.execute("insert into bare (line) values (%s)", [b"x" * 600])
        subprocess.run(["true"], check=True)
        return number + 1


@workflow.defn(name="bare", sandboxed=False)
class BareWorkflow:
    """So many of them, one after the other."""

    @workflow.run
    async def run(self, steps: int) -> int:
        """Do them."""
        done = 0
        for _ in range(steps):
            done = await workflow.execute_activity("bare", done, result_type=int, start_to_close_timeout=_LIMIT)
        return done


_LIMIT = timedelta(seconds=30)


def book() -> str:
    """A runbook of as many steps."""
    head = "runbook: v1\nid: bench\ntitle: Many steps\nsteps:\n"
    step = "  - {{id: s{0}, title: Step, kind: command, effect: none, argv: ['true'], on_fail: bad, next: {1}}}\n"
    steps = [step.format(number, f"s{number + 1}" if number + 1 < STEPS else "done") for number in range(STEPS)]
    ends = "  - {id: done, kind: finish, outcome: resolved}\n  - {id: bad, kind: finish, outcome: failed}\n"
    return head + "".join(steps) + ends


async def measure(address: str, database: Postgres, name: str, root: Path) -> tuple[float, float]:
    """The median seconds of so many steps, and of as many bare activities."""
    client = await Client.connect(address)
    post = Post(site=HOME, store="", engine="", namespace="", signers=root / "none", at_once=PLACES, grace_s=1.0)
    bare = Bare(database.url_of(name))
    made = Activities(database.url_of(name), root, post.signers, "bench", at_once=PLACES)
    with closing(made) as activities, ThreadPoolExecutor(1) as walks, ThreadPoolExecutor(PLACES) as others:
        ours = worker_of(client, post, activities, walks)
        theirs = Worker(
            client,
            task_queue="bare",
            workflows=[BareWorkflow],
            activities=[bare.bare],
            activity_executor=others,
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_activities=PLACES,
        )
        taken: dict[str, list[float]] = {"ours": [], "bare": []}
        async with ours, theirs:
            for number in range(ROUNDS + 1):
                began = time.perf_counter()
                await client.execute_workflow(BareWorkflow.run, STEPS, id=f"bare-{number}", task_queue="bare")
                between = time.perf_counter()
                run = plainly(f"bench-{number}", book())
                await client.execute_workflow(RunWorkflow.run, run, id=run.run, task_queue=queue_of(HOME))
                ended = time.perf_counter()
                if number:  # the first one loads things
                    taken["bare"].append(between - began)
                    taken["ours"].append(ended - between)
    return sorted(taken["ours"])[ROUNDS // 2], sorted(taken["bare"])[ROUNDS // 2]


def main() -> None:
    """Measure and print."""
    with postgres() as store, server() as engine, tempfile.TemporaryDirectory() as root:
        name = database(store)
        with psycopg.connect(store.url_of(name), autocommit=True) as owner:
            owner.execute("create table bare (number bigint generated always as identity primary key, line bytea)")
        ours, bare = asyncio.run(measure(engine.address, store, name, Path(root)))
    row("a remote step", "bare activities", ours=ours / bare, bar=1.3, bare_ms=bare / STEPS * 1_000)


if __name__ == "__main__":
    main()
