"""What workers bear: many runs wait for a person while others are walked, on a real server and a real PostgreSQL.

    .venv/bin/python tools/many_runs.py [WAITING [WALKED [WORKERS]]]

WAITING is 60 or more, for three samples of 20 of them are answered. Prints what was measured, by which
docs/how-to/run-on-several-machines.md says what to provision. Everything runs on this machine and shares its cores.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from temporalio.client import Client  # noqa: E402 - the path is needed first
from tests.drivers.engine import plainly, server  # noqa: E402
from tests.drivers.stored import database  # noqa: E402
from tests.world.postgres import Postgres, postgres  # noqa: E402

from runbook.drivers.temporal.payloads import HOME, Asked, Reply, queue_of  # noqa: E402
from runbook.drivers.temporal.workflow import RunWorkflow  # noqa: E402

STEPS = 20
"""Steps of a run that is walked."""
AT_ONCE = 20
"""Attempts at once of a worker."""
SAMPLE = 20
"""How many runs are answered one after the other, three times."""
TOGETHER = 16
"""Runs that are submitted, or asked about, at the same time."""


def book(name: str, steps: int, *, asks: bool) -> str:
    """A runbook of so many reads, with a question behind them or not.

    :param name: its own, for two runs of one runbook are never walked at the same time.
    """
    read = "  - {{id: s{0}, title: Look, kind: command, effect: none, argv: ['true'], on_fail: bad, next: {1}}}\n"
    reads = [read.format(n, f"s{n + 1}" if n + 1 < steps else "ask" if asks else "done") for n in range(steps)]
    ask = "  - {id: ask, title: Call, kind: manual, effect: none, instructions: Call them, on_fail: bad, next: done}\n"
    ends = "  - {id: done, kind: finish, outcome: resolved}\n  - {id: bad, kind: finish, outcome: failed}\n"
    return f"runbook: v1\nid: {name}\ntitle: Many\nsteps:\n{''.join(reads)}{ask if asks else ''}{ends}"


class Worker:
    """A worker, as users start it."""

    def __init__(self, store: str, engine: str, root: Path) -> None:
        given = {"RUNBOOK_STORE": store, "RUNBOOK_ENGINE": engine, "TMPDIR": str(root)}
        program = str(Path(sys.executable).with_name("runbook"))
        log = root / f"worker-{time.monotonic_ns()}.log"  # a pipe that nobody reads would stop it
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [program, "worker", "--at-once", str(AT_ONCE)], env={**os.environ, **given}, stderr=errors
            )
        while "works at" not in log.read_text(encoding="utf-8"):
            time.sleep(0.1)  # it loads what it needs

    def memory(self) -> float:
        """MiB that it has now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

    def cpu(self) -> float:
        """Seconds of a core that it has taken."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()


class Load:
    """Runs on an engine, and the store that holds them."""

    def __init__(self, client: Client, store: Postgres, name: str, workers: Sequence[Worker]) -> None:
        self._client = client
        self._store = store
        self._name = name
        self.workers = workers
        self._gate = asyncio.Semaphore(TOGETHER)

    async def each(self, count: int, do: Callable[[int], Awaitable[None]]) -> float:
        """Do something for each of so many runs; seconds."""

        async def gated(number: int) -> None:
            async with self._gate:
                await do(number)

        began = time.perf_counter()
        await asyncio.gather(*(gated(number) for number in range(count)))
        return time.perf_counter() - began

    async def submit(self, run: str, steps: int, *, asks: bool) -> None:
        """Submit a run."""
        submitted = plainly(run, book(run.replace("-", "_"), steps, asks=asks))
        await self._client.start_workflow(RunWorkflow.run, submitted, id=run, task_queue=queue_of(HOME))

    async def all(self, record_type: str, step: str, beginning: str, count: int) -> None:
        """Wait until so many runs of those names have a record of a step."""
        asked = (
            "select count(distinct run) from runbook.record"
            " where starts_with(run, %s) and type = %s and position(%s in line) > 0"
        )
        part = f'"step":"{step}"'.encode()
        over = "select count(*) from runbook.record where starts_with(run, %s) and type = 'run.finished'"
        while self.ask(asked, beginning, record_type, part)[0][0] < count:
            if lost := self.ask(over, beginning)[0][0]:
                sys.exit(f"{lost} of {count} runs ended before: the engine kept up so badly that steps seemed lost")
            await asyncio.sleep(0.5)  # nobody says when

    async def answer(self, run: str) -> float:
        """Answer what a run asks; seconds until it is taken."""
        handle = self._client.get_workflow_handle_for(RunWorkflow.run, run)
        asked = await handle.query(RunWorkflow.asking)
        assert isinstance(asked, Asked)  # noqa: S101 - it asks for ever
        body = '{"outcome":"done"}'
        reply = Reply(run=run, id=asked.id, says="answer", body=body, by="ana@example.com", source="answers")
        began = time.perf_counter()
        await handle.execute_update(RunWorkflow.answer, reply)
        return time.perf_counter() - began

    async def answers(self, what: str, runs: Sequence[str]) -> None:
        """Answer runs, one after the other, and say how long that took."""
        taken = sorted([await self.answer(run) for run in runs])
        say(what, f"{statistics.median(taken) * 1_000:.0f} ms, at most {taken[-1] * 1_000:.0f} ms")

    async def result(self, run: str) -> None:
        """Wait for the end of a run."""
        await self._client.get_workflow_handle(run).result()

    async def history(self, run: str) -> tuple[int, int]:
        """How many events and bytes the history of a run has."""
        described = await self._client.get_workflow_handle(run).describe()
        info = described.raw_description.workflow_execution_info
        return info.history_length, info.history_size_bytes

    def ask(self, statement: str, *params: object) -> list[tuple[int, ...]]:
        """Ask the database."""
        import psycopg

        with psycopg.connect(self._store.url_of(self._name), autocommit=True) as connection:
            return connection.execute(statement.encode(), params or None).fetchall()

    def size(self) -> float:
        """KiB of the database."""
        return self.ask("select pg_database_size(current_database())")[0][0] / 1024

    def say_workers(self, when: str, since: Sequence[float]) -> None:
        """Say what the workers hold and have taken."""
        memory = " + ".join(f"{worker.memory():.0f}" for worker in self.workers)
        taken = sum(worker.cpu() for worker in self.workers) - sum(since)
        links = self.ask("select count(*) from pg_stat_activity where application_name like 'runbook%%'")[0][0]
        say(f"workers {when}", f"{memory} MiB, {taken:.1f} s of a core, {links} connections to PostgreSQL")


def say(what: str, measured: str) -> None:
    """Print a row."""
    print(f"{what:44}{measured}", flush=True)


async def measure(load: Load, waiting: int, walked: int) -> None:
    """Let them wait and be walked."""

    def cpu() -> list[float]:
        return [worker.cpu() for worker in load.workers]

    load.say_workers("at first", cpu())
    before, since = load.size(), cpu()
    took = await load.each(waiting, lambda number: load.submit(f"wait-{number}", 3, asks=True))
    say(f"{waiting} runs submitted in", f"{took:.1f} s")
    began = time.perf_counter()
    await load.all("question.asked", "ask", "wait-", waiting)
    say("until all of them ask", f"{took + time.perf_counter() - began:.1f} s, of which 3 steps each")
    load.say_workers("then", since)
    say("a waiting run in the database", f"{(load.size() - before) / waiting:.1f} KiB")
    events, size = await load.history("wait-0")
    say("a waiting run's history", f"{events} events, {size / 1024:.1f} KiB")
    since = cpu()
    await asyncio.sleep(10)
    load.say_workers("in 10 s in which nothing happens", since)
    await load.answers("an answer, to runs that began last", [f"wait-{waiting - 1 - n}" for n in range(SAMPLE)])
    await load.answers("an answer, to runs that began first", [f"wait-{n}" for n in range(SAMPLE)])
    since, before, began = cpu(), load.size(), time.perf_counter()
    await load.each(walked, lambda number: load.submit(f"walk-{number}", STEPS, asks=False))
    others = [f"wait-{SAMPLE + n}" for n in range(SAMPLE)]
    answering = asyncio.create_task(load.answers("an answer, while the others are walked", others))
    await asyncio.gather(*(load.result(f"walk-{number}") for number in range(walked)))
    took = time.perf_counter() - began
    say(f"{walked} runs of {STEPS} steps", f"{took:.1f} s, {walked * STEPS / took:.1f} steps/s")
    load.say_workers("for them", since)
    used = sum(worker.cpu() for worker in load.workers) - sum(since)
    say(
        "a step", f"{used / walked / STEPS * 1_000:.1f} ms of a core, {(load.size() - before) / walked / STEPS:.2f} KiB"
    )
    await answering
    events, size = await load.history("walk-0")
    say("a walked run's history", f"{events} events, {size / 1024:.1f} KiB")


async def run(store: Postgres, engine: str, root: Path, numbers: Sequence[int]) -> None:
    """Measure with so many workers."""
    waiting, walked, count = numbers
    name = database(store)
    workers = [Worker(store.url_of(name), engine, root) for _ in range(count)]
    try:
        load = Load(await Client.connect(engine), store, name, workers)
        await measure(load, waiting, walked)
    finally:
        for worker in workers:
            worker.end()


def main() -> None:
    """Measure and print."""
    given = [int(text) for text in sys.argv[1:]]
    numbers = [*given, *(1_000, 100, 1)[len(given) :]]
    if numbers[0] < 3 * SAMPLE:
        sys.exit(f"many_runs: at least {3 * SAMPLE} runs have to wait")
    with postgres(connections=200) as store, server() as engine, tempfile.TemporaryDirectory() as root:
        asyncio.run(run(store, engine.address, Path(root), numbers))


if __name__ == "__main__":
    main()
