"""Runs to be reported: walked by the command line in a process of its own, or rehearsed and kept like a run."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runbook.audit.chain import encode
from runbook.audit.reader import reading
from runbook.audit.record import NO_RECORD, Record
from runbook.audit.store import PARTS, RunDir, Store
from runbook.drivers.rehearsal import rehearse
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario
from runbook.model.canonical import Json

TOOL = Path(sys.executable).with_name("runbook")
SECRET = "hunter2-hunter2-hunter2"
TICKET = "INC-7 <script>x</script> | @channel"


@dataclass(frozen=True)
class Hostile:
    """A run with hostile texts everywhere: its report when it was paused, and at its end, in each form."""

    folder: Path
    paused: str
    page: str
    json: str
    html: str


def runbook(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a directory whose ``state`` is the store."""
    environment = {**os.environ, "RUNBOOK_STATE_DIR": str(cwd / "state"), "REPORT_TOKEN": SECRET, **variables}
    return subprocess.run(
        [TOOL, *arguments], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def walked(folder: Path, steps: str, answers: str = "answers: []\n", *options: str, status: int = 0) -> RunDir:
    """Walk a runbook with answers; the run is called ``r1``."""
    (folder / "book.yaml").write_text(steps)
    (folder / "answers.yaml").write_text(answers)
    done = runbook("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r1", *options, cwd=folder)
    assert done.returncode == status, done.stderr
    return run_of(folder)


@contextmanager
def begun(folder: Path, steps: str, answers: str, until: bytes) -> Iterator[None]:
    """A walk in another process whose log says that already; it is killed in the end, as by a power loss."""
    (folder / "book.yaml").write_text(steps)
    (folder / "answers.yaml").write_text(answers)
    environment = {**os.environ, "RUNBOOK_STATE_DIR": str(folder / "state")}
    command = [str(TOOL), "run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r1"]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as walk:
        try:
            log, deadline = run_of(folder).log, time.monotonic() + 20
            while not log.exists() or until not in log.read_bytes():
                assert time.monotonic() < deadline
                time.sleep(0.02)  # the other process writes the log
            yield
        finally:
            walk.kill()


def run_of(folder: Path, run: str = "r1") -> RunDir:
    return RunDir(folder / "state" / "runs" / run)


def report(folder: Path, *options: str, run: str = "r1") -> str:
    """The report of a run whose log is complete and right."""
    done = runbook("report", run, *options, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def records_of(run: RunDir) -> list[Record]:
    with reading(run.log) as log:
        return list(log)


def rewrite(run: RunDir, changed: Iterable[tuple[Record, Mapping[str, Json]]]) -> None:
    """Write a log anew with other fields, its chain whole again: what its owner could do."""
    lines, prev = [], NO_RECORD
    for seq, (record, fields) in enumerate(changed):
        made = encode(seq=seq, prev=prev, ts=record.ts, mono=record.mono, type_=record.type, fields=fields)
        lines.append(made.raw + b"\n")
        prev = made.h
    run.log.write_bytes(b"".join(lines))


def rehearsed(folder: Path, scenario: Path) -> RunDir:
    """Walk a scenario and keep its log as that of a run."""
    told = load_scenario(str(scenario)).scenario
    assert told is not None
    path = scenario.parent / told.runbook
    loaded = load(str(path), KINDS)
    assert loaded.runbook is not None
    files = {name: hashlib.sha256(source).hexdigest() for name, source in loaded.files.items()}
    walk = rehearse(told, loaded.runbook, KINDS, files=files)
    assert walk.failures == []
    run = Store(folder / "state").prepare().create("r1")
    assert {part.name for part in run.path.iterdir()} == set(PARTS)
    for source in loaded.files.values():
        run.keep(source)
    run.log.write_bytes(b"".join(record.raw + b"\n" for record in walk.records))
    return run
