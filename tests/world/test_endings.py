"""The ends of programs: nothing outlives its time, nothing hangs, nothing is left behind in us."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from tests.world.running import Living, Python, Run, failure, linux

from runbook.model.io import Cancelled, TimedOut
from runbook.world.processes import GRACE, Program

TREE = """
trap '' TERM
sleep {tag} & (sleep {tag} &) &
(trap '' TERM; sleep {tag}; sleep {tag}) &
setsid sleep {tag} & (setsid sleep {tag} &)
env -i setsid sleep {tag} & (env -i setsid sleep {tag} &)
(setsid sh -c "trap '' TERM HUP; sleep {tag}; sleep {tag}" &)
nohup sleep {tag} >/dev/null 2>&1 &
while :; do sleep {tag}; done
"""


@linux
@pytest.mark.reliability
def test_g1_nothing_survives_a_timeout_however_it_hid(run: Run, living: Living) -> None:
    tag = f"3000.{os.getpid()}"
    began = time.monotonic()
    error = failure(run, "bash", "-c", TREE.format(tag=tag), limit=400)
    took = time.monotonic() - began
    assert isinstance(error, TimedOut)
    assert "did not end within 400 ms" in error.reason
    assert living(tag) == []
    assert took <= 0.4 + GRACE + 1


@pytest.mark.reliability
def test_g1_what_ends_on_sigterm_costs_no_grace(run: Run) -> None:
    began = time.monotonic()
    assert isinstance(failure(run, "sleep", "100", limit=100), TimedOut)
    assert time.monotonic() - began < 1


@linux
@pytest.mark.reliability
def test_g1_another_program_is_left_alone(run: Run, living: Living) -> None:
    """Two at once: ending one, with what it orphaned, touches nothing of the other."""
    tag = f"3001.{os.getpid()}"
    begun = threading.Event()
    other = Program(
        ["bash", "-c", f"(env -i setsid sleep {tag} >/dev/null 2>&1 &); echo begun; sleep 100"],
        env=dict(os.environ),
        cwd="/",
        output=lambda *_: begun.set(),
    )

    def stopped() -> None:
        with pytest.raises(Cancelled):
            other.run()

    thread = threading.Thread(target=stopped)
    thread.start()
    assert begun.wait(10)
    failure(run, "sleep", "100", limit=100)
    survivors = living(tag)
    other.cancel(3)
    thread.join()
    for pid in living(tag):
        os.kill(pid, signal.SIGKILL)
    assert len(survivors) == 1


@linux
@pytest.mark.reliability
def test_g2_a_background_child_that_keeps_the_output_open_does_not_hold_the_step(run: Run, living: Living) -> None:
    tag = f"3002.{os.getpid()}"
    began = time.monotonic()
    result = run("sh", "-c", f"sleep {tag} & echo started")
    took = time.monotonic() - began
    left = living(tag)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert (result.exit_code, result.stdout, result.incomplete) == (0, "started\n", True)
    assert took <= GRACE + 0.5
    assert len(left) == 1, "what a program starts and leaves is its own business"


PRESSED = """
import os, sys, threading
from runbook.model.io import Cancelled
from runbook.world.processes import Program
ready = threading.Event()
program = Program(["bash", "-c", sys.argv[1]], env=dict(os.environ), cwd="/", output=lambda *_: ready.set())
def press():
    ready.wait(10)
    for level in map(int, sys.argv[2:]):
        program.cancel(level)
threading.Thread(target=press).start()
try:
    program.run()
except Cancelled as error:
    print(error.reason)
"""


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("script", "levels", "ended"),
    [
        ("echo ready; sleep 100", (1,), "SIGINT"),
        ("trap 'exit 7' INT; echo ready; while :; do sleep 0.1; done", (1,), "status 7"),
        ("trap '' INT; echo ready; sleep 100", (1, 2), "SIGTERM"),
        ("trap '' INT TERM; echo ready; sleep 100; sleep 100", (1, 2, 3), "SIGKILL"),
    ],
)
def test_g5_a_person_stops_a_program_in_three_steps(
    python: Python, script: str, levels: tuple[int, ...], ended: str
) -> None:
    assert python(PRESSED, script, *map(str, levels)) == f"`bash` was stopped; it ended with {ended}"


@linux
@pytest.mark.reliability
def test_g5_what_outlives_the_stopped_program_is_ended_too(python: Python, living: Living) -> None:
    tag = f"3003.{os.getpid()}"
    python(PRESSED, f"(setsid sleep {tag} &); sleep {tag} & echo ready; sleep 100", "1")
    assert living(tag) == []


def test_a_program_that_was_stopped_before_it_was_started_never_is(tmp_path: Path) -> None:
    program = Program(["touch", "started"], env=dict(os.environ), cwd=str(tmp_path))
    program.cancel(1)
    with pytest.raises(Cancelled):
        program.run()
    assert list(tmp_path.iterdir()) == []


MANY = """
import gc, os, sys
from pathlib import Path
from runbook.world.processes import Program
def run():
    Program(["/bin/true"], env=dict(os.environ), cwd="/").run()
def counted():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir())), pages
for _ in range(50):
    run()
before = counted()
for _ in range(int(sys.argv[1])):
    run()
after = counted()
children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
print(after[0] - before[0], after[1] - before[1], len(children), (after[2] - before[2]) * os.sysconf("SC_PAGE_SIZE"))
"""


@linux
@pytest.mark.reliability
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.full)])
def test_g10_programs_leave_no_descriptor_thread_zombie_or_memory(python: Python, count: int) -> None:
    descriptors, threads, children, grown = map(int, python(MANY, str(count)).split())
    assert (descriptors, threads, children) == (0, 0, 0)
    assert grown <= 2 * 2**20


ORPHANS = """
import os, subprocess, time
from pathlib import Path
from runbook.world.processes import Program
def run(script):
    return Program(["bash", "-c", script], env=dict(os.environ), cwd="/").run()
mine = subprocess.Popen(["sh", "-c", "exit 7"])
pid = run("(setsid sleep 0.1 > /dev/null 2>&1 & echo $!)").stdout.strip()
run("sleep 0.2")
print(mine.wait())
until = time.monotonic() + 10
while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
    run("true")
print(Path(f"/proc/{pid}").exists())
"""


@linux
@pytest.mark.reliability
def test_g10_dead_orphans_are_reaped_and_no_status_of_others_is_stolen(python: Python) -> None:
    assert python(ORPHANS).splitlines() == ["7", "False"]


@linux
@pytest.mark.reliability
def test_j15_programs_side_by_side_do_not_disturb_each_other(run: Run, living: Living) -> None:
    """In eight threads: some end, some flood, some time out with orphans; each gets its own end."""
    tag = f"3004.{os.getpid()}"
    wrong: list[object] = []

    def one(number: int) -> None:
        for turn in range(6):
            match (number + turn) % 3:
                case 0:
                    result = run("sh", "-c", f"echo {number}; exit {turn}")
                    if (result.stdout, result.exit_code) != (f"{number}\n", turn):
                        wrong.append(result)
                case 1:
                    result = run("head", "-c", "3000000", "/dev/zero")
                    if (result.exit_code, result.truncated) != (0, True):
                        wrong.append(result)
                case _:
                    error = failure(run, "bash", "-c", f"(setsid sleep {tag} &); sleep {tag}", limit=100)
                    if not isinstance(error, TimedOut):
                        wrong.append(error)

    threads = [threading.Thread(target=one, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert living(tag) == []
