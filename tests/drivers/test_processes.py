"""Work in several processes: in its order, with whatever went wrong told where it was handed out, and nobody left."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

BEGIN = """import os, signal, sys, time
from runbook.drivers.processes import Died, in_order
"""


def python(program: str) -> list[str]:
    """The lines that a program prints; it forks, which a process with threads such as this one must not."""
    done = subprocess.run([sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("processes", [1, 2, 5, 40])
def test_what_comes_of_each_piece_is_handed_out_in_order(processes: int) -> None:
    found = python(f"print(*in_order(lambda n: (time.sleep(0.002 * (n % 5)), n * n)[1], 30, {processes}))")
    assert found == [" ".join(str(n * n) for n in range(30))]


def test_work_is_done_by_others_and_by_as_many_as_are_wanted() -> None:
    (pids,) = python("print(len({*in_order(lambda n: (time.sleep(0.05), os.getpid())[1], 12, 3)} - {os.getpid()}))")
    assert int(pids) == 3


def test_what_a_piece_of_work_raises_is_told_with_its_trace() -> None:
    found = python(
        "def work(n):\n"
        "    return 1 / (n - 9)\n"
        "try:\n"
        "    print(len([*in_order(work, 20, 2)]))\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
    )
    assert found[0] == "ZeroDivisionError: division by zero"
    assert any("in work" in line for line in found)


def test_a_process_that_dies_is_named_with_what_it_was_doing() -> None:
    found = python(
        "def work(n):\n"
        "    if n == 9: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return n\n"
        "try:\n"
        "    print(len([*in_order(work, 20, 2)]))\n"
        "except Died as died:\n"
        "    print(died.index, died)\n"
    )
    assert found == ["9 the process that did it ended with signal 9"]


def test_processes_end_by_themselves_when_who_handed_out_the_work_is_killed(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    program = f"""
def work(n):
    open({str(marks)!r} + f"/{{os.getpid()}}", "w").close()
    time.sleep(0.2)  # long enough for the others to have begun
[*in_order(work, 10_000, 3)]
"""
    with subprocess.Popen([sys.executable, "-c", BEGIN + program]) as process:
        until = time.monotonic() + 30
        while len(pids := [int(path.name) for path in marks.iterdir()]) < 3 and time.monotonic() < until:
            time.sleep(0.02)  # until all three have begun
        process.kill()
    assert len(pids) == 3
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)  # until they have noticed
    assert not any(alive(pid) for pid in pids)


def alive(pid: int) -> bool:
    """Whether a process is there that is not only waiting to be taken note of."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(told.strip()) and not told.strip().startswith("Z")
