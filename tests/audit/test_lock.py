"""One writer a run, and whoever comes second is told who that is."""

import fcntl
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.audit.logs import me, new_run, written

from runbook.audit.lock import holder_of
from runbook.audit.store import RunDir
from runbook.audit.writer import LogWriter
from runbook.model.diagnostics import Refused

pytestmark = pytest.mark.reliability


HOLD = """
import os, sys, time
from pathlib import Path
from runbook.audit.lock import Holder
from runbook.audit.store import RunDir
from runbook.audit.writer import LogWriter
run = RunDir(Path(sys.argv[1]))
holder = Holder(pid=os.getpid(), host="bastion.example.com", operator="ben@example.com")
writer = LogWriter.reopen(run, holder).writer
print("held", flush=True)
time.sleep(60)  # it holds the log until it is killed
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[RunDir, "subprocess.Popen[str]"]]:
    """A run that another process holds."""
    run = new_run(tmp_path)
    written(run)
    command = [sys.executable, "-c", HOLD, str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield run, process
        process.kill()


@pytest.mark.parametrize("stopped", [False, True])
def test_c11_a_second_writer_is_refused_and_told_who_holds_the_run_even_if_that_is_stopped(
    stopped: bool, held: tuple[RunDir, "subprocess.Popen[str]"]
) -> None:
    run, process = held
    if stopped:
        process.send_signal(signal.SIGSTOP)
    before = run.log.read_bytes()
    with pytest.raises(Refused) as caught:
        LogWriter.reopen(run, me())
    message = caught.value.diagnostics[0].message
    assert message == f"the run is held by process {process.pid} on bastion.example.com (ben@example.com)"
    assert run.log.read_bytes() == before
    assert holder_of(run) is not None
    process.kill()
    process.wait()
    assert holder_of(run) is None
    LogWriter.reopen(run, me()).writer.close()


def test_c11_whoever_looks_who_holds_a_run_does_not_hold_it_up(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    written(run)
    looking = run.log.open("rb")
    fcntl.flock(looking, fcntl.LOCK_SH)
    started = time.monotonic()
    with pytest.raises(Refused, match="held by"):
        LogWriter.reopen(run, me())
    assert time.monotonic() - started < 2
    looking.close()
    LogWriter.reopen(run, me()).writer.close()


def test_who_holds_a_run_is_told_even_if_what_it_wrote_is_garbage(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with LogWriter.create(run, me()):
        assert holder_of(run) == me()
        for garbage in (b"", b"{", b"[]", json.dumps({"pid": []}).encode()):
            (run.path / "writer.json").write_bytes(garbage)
            found = holder_of(run)
            assert found is not None
            assert found.host == "unknown"
            with pytest.raises(Refused, match="held by another process"):
                LogWriter.reopen(run, me())
    assert holder_of(run) is None
    assert holder_of(RunDir(tmp_path / "nowhere")) is None
