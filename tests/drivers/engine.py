"""A real Temporal server for tests, on loopback, gone afterwards; and a desk whose runs it walks."""

import asyncio
import functools
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, RPCError, WorkflowHandle, WorkflowHistory
from tests.drivers.desk import Done, Process, answers, wait_for
from tests.drivers.hatchery import Hatchery, Options
from tests.drivers.stored import StoredDesk, database
from tests.world.postgres import Postgres

from runbook.drivers.temporal.payloads import Submitted

SERVER, TEST_SERVER = "temporal", "temporal-test-server"
NAMESPACES = 80
"""How many tests of one process can have a namespace of their own."""
_SPEAKING = ("cli.answer", "cli.submit", "cli.worker", "drivers.temporal.answering", "drivers.temporal.worker")


class Server:
    """A server that runs, at ``address``."""

    def __init__(self, program: str, home: Path) -> None:
        """Start it; its runs are in a file, so that it can be killed and started again."""
        self._program = program
        self._home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._namespaces = itertools.count(1)
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        named = [word for number in range(1, NAMESPACES + 1) for word in ("--namespace", f"test-{number}")]
        command = [self._program, "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self.port), "--headless"]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--db-filename", str(self._home / "runs.db"), "--log-level", "error", *named],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._answers, "the Temporal server does not answer")

    def _answers(self) -> bool:
        """Whether it answers, and has made its last namespace."""

        async def look() -> None:
            client = await Client.connect(self.address)
            wanted = DescribeNamespaceRequest(namespace=f"test-{NAMESPACES}")
            await client.workflow_service.describe_namespace(wanted, timeout=timedelta(seconds=2))

        try:
            asyncio.run(look())
        except (RPCError, RuntimeError):
            return False
        return True

    def kill(self) -> None:
        """Kill it."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def files(self) -> list[Path]:
        """What it has written."""
        return [path for path in self._home.iterdir() if path.is_file()]

    def namespace(self) -> str:
        """A namespace in which nothing is."""
        return f"test-{next(self._namespaces)}"


def installed(program: str) -> str:
    """Where a program of Temporal's is; the test is skipped, and says so, where it is not installed."""
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} here; `tools/test_needs` installs it where that is possible")
    return found


@contextmanager
def server() -> Iterator[Server]:
    """A server; the test is skipped, and says so, where none is installed."""
    program = installed(SERVER)
    home = Path(tempfile.mkdtemp(prefix="runbook-temporal-"))
    started = Server(program, home)
    try:
        yield started
    finally:
        started.kill()
        shutil.rmtree(home)


def plainly(run: str, text: str) -> Submitted:
    """A run of a runbook, given as its text, that wants nothing else."""
    return Submitted(
        run=run,
        files={"book.yaml": text},
        environment=None,
        inputs="{}",
        operator="ana@example.com",
        incident=None,
        host=f"temporal default/{run}",
        store="a store",
        guards_see="nothing",
    )


@functools.cache
def hatchery() -> Hatchery:
    """The hatchery of this test process for what speaks to an engine, which takes long to import."""
    return Hatchery(modules=[f"runbook.{name}" for name in _SPEAKING])


class Crew(StoredDesk):
    """A desk with an engine, and workers."""

    def __init__(self, root: Path, postgres: Postgres, engine: Server) -> None:
        super().__init__(root, postgres, database(postgres), hatchery)
        self.engine = engine
        self.env |= {"RUNBOOK_ENGINE": engine.address, "RUNBOOK_NAMESPACE": engine.namespace()}
        self.workers: list[Process] = []

    def worker(
        self, site: str = "home", *argv: str, env: dict[str, str] | None = None, host: str | None = None
    ) -> Process:
        """A worker of a site, at work; ``host`` is the name of its machine, where that can be another one."""
        options: Options = {"env": env or {}}
        if host is not None:
            options["host"] = host
        started = self.start("worker", "--site", site, *argv, **options)
        self.workers.append(started)
        wait_for(lambda: f"works at `{site}`" in started.said(), f"no worker at {site}: {started.said()}")
        return started

    def submit(self, book: str, *argv: str, run: str = "r1") -> Done:
        """Submit a runbook, given as its text."""
        self.write("book.yaml", book)
        return self.do("submit", "book.yaml", "--run-id", run, "--operator", "ana@example.com", *argv)

    def answer(self, *entries: str, run: str = "r1", operator: str = "ana@example.com") -> Done:
        """Answer for a run, by these entries of an answers file."""
        return self.do(*self.answering(*entries, run=run, operator=operator))

    def answering(self, *entries: str, run: str = "r1", operator: str = "ana@example.com") -> tuple[str, ...]:
        """The command that does."""
        self.write("answers.yaml", answers(*entries))
        return ("answer", run, "--answers", "answers.yaml", "--operator", operator)

    def walked(self, record_type: str, run: str = "r1", count: int = 1) -> None:
        """Wait until the log of a run has so many records of a type."""

        def there() -> bool:
            asked = "select count(*) from runbook.record where run = %s and type = %s"
            return self.owner(asked, run, record_type) >= [(count,)]

        wait_for(there, f"there is no {record_type}")

    @contextmanager
    def holding(self, table: str) -> Iterator[None]:
        """Hold a table meanwhile, so that whoever would write to it waits."""
        with psycopg.connect(self.server.url_of(self.database)) as connection:
            connection.execute(f"lock table {table} in exclusive mode".encode())
            yield

    def cancel(self, workflow: str) -> None:
        """Cancel a workflow, as somebody who has the engine's own tools."""
        asyncio.run(self._told(workflow, lambda handle: handle.cancel()))

    def terminate(self, workflow: str) -> None:
        """Terminate a workflow, as somebody who has the engine's own tools."""
        asyncio.run(self._told(workflow, lambda handle: handle.terminate()))

    async def _told(self, workflow: str, tell: Callable[[WorkflowHandle[Any, Any]], Awaitable[None]]) -> None:
        client = await Client.connect(self.engine.address, namespace=self.env["RUNBOOK_NAMESPACE"])
        await tell(client.get_workflow_handle(workflow))

    def history(self, workflow: str) -> str:
        """The histories of a workflow as text."""
        return "".join(repr(event) for history in asyncio.run(self._histories(workflow)) for event in history.events)

    def executions(self, workflow: str) -> int:
        """In how many histories a workflow is."""

        async def listed() -> int:
            client = await Client.connect(self.engine.address, namespace=self.env["RUNBOOK_NAMESPACE"])
            return len([each async for each in client.list_workflows(f"WorkflowId = '{workflow}'")])

        return asyncio.run(listed())

    def histories(self, workflow: str) -> list[str]:
        """The histories of a workflow as JSON, the first one first; one that was continued has several."""
        return [history.to_json() for history in asyncio.run(self._histories(workflow))]

    async def _histories(self, workflow: str) -> list[WorkflowHistory]:
        client = await Client.connect(self.engine.address, namespace=self.env["RUNBOOK_NAMESPACE"])
        found = [each async for each in client.list_workflows(f"WorkflowId = '{workflow}'")]
        return [
            await client.get_workflow_handle(workflow, run_id=each.run_id).fetch_history()
            for each in sorted(found, key=lambda each: each.start_time)
        ]

    def leave(self) -> None:
        """End every worker."""
        for each in self.workers:
            for number in (signal.SIGCONT, signal.SIGKILL):
                each.signal(number)
            each.ended()
        self.close()
