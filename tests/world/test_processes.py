"""Running programs: what comes back, what never hangs, and that nothing outlives its time."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.model.io import Cancelled, NotSent, ProcessResult, TimedOut, WorldError
from runbook.world.capture import KEPT
from runbook.world.processes import GRACE, Program

Run = Callable[..., ProcessResult]
Living = Callable[[str], list[int]]
Python = Callable[..., str]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc; run it on Linux")


def failure(run: Run, *argv: str, **options: object) -> WorldError:
    with pytest.raises(WorldError) as caught:
        run(*argv, **options)
    return caught.value


def test_a_program_tells_its_status_and_both_outputs(run: Run) -> None:
    result = run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (result.exit_code, result.signal, result.stdout, result.stderr) == (3, None, "out\n", "err\n")
    assert [result.truncated, result.incomplete, result.replaced] == [False, False, False]


def test_standard_input_arrives_whole_even_if_it_is_larger_than_a_pipe(run: Run) -> None:
    data = os.urandom(1_000_000).hex().encode()
    assert run("wc", "-c", stdin=data).stdout.strip() == "2000000"


def test_a_program_that_does_not_read_its_input_is_no_failure(run: Run) -> None:
    assert run("true", stdin=b"x" * 1_000_000).exit_code == 0


def test_every_byte_reaches_the_callback_with_the_name_of_its_stream(run: Run) -> None:
    came: dict[str, bytes] = {"stdout": b"", "stderr": b""}

    def take(stream: str, chunk: bytes) -> None:
        came[stream] += chunk

    run("sh", "-c", "head -c 300000 /dev/zero; printf x >&2", output=take)
    assert came == {"stdout": bytes(300_000), "stderr": b"x"}


def test_a_callback_that_fails_stops_no_program_half_way(run: Run, tmp_path: Path) -> None:
    def refuse(stream: str, chunk: bytes) -> None:
        raise OSError(28, f"no room for {len(chunk)} bytes of {stream}")

    with pytest.raises(OSError, match="no room"):
        run("sh", "-c", "echo begun; cat /etc/hostname >&2; touch done", cwd=str(tmp_path), output=refuse)
    assert (tmp_path / "done").exists()


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


FLOOD = """
import os, resource, sys, time
from runbook.world.processes import Program
count = 0
def take(stream, chunk):
    global count
    count += len(chunk)
run = lambda script: Program(["bash", "-c", script], env=dict(os.environ), cwd="/", output=take).run()
run("true")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = run(sys.argv[1])
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(count, len(result.stdout), result.truncated, grown if sys.platform == "linux" else grown // 1024)
"""


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("script", "size"),
    [
        ("yes | head -c 300M", 300 * 2**20),
        ("head -c 200M /dev/zero | tr '\\0' x", 200 * 2**20),
        ("for ((i = 0; i < 100000; i++)); do echo; done", 100_000),
        pytest.param("yes | head -c 10G", 10 * 2**30, marks=pytest.mark.full),
        pytest.param("head -c 1G /dev/zero | tr '\\0' x", 2**30, marks=pytest.mark.full),
        pytest.param("for ((i = 0; i < 1000000; i++)); do echo; done", 1_000_000, marks=pytest.mark.full),
    ],
)
def test_g3_a_flood_is_drained_counted_and_kept_in_flat_memory(python: Python, script: str, size: int) -> None:
    count, kept, truncated, grown_kib = python(FLOOD, script).split()
    assert int(count) == size
    assert int(kept) <= 2 * KEPT + 100
    assert truncated == str(size > 2 * KEPT)
    assert int(grown_kib) <= 64 * 1024


@pytest.mark.reliability
def test_g3_the_text_says_where_how_many_bytes_are_left_out(run: Run) -> None:
    result = run("sh", "-c", "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo last")
    missing = len("first\n") + 3_000_000 + len("last\n") - 2 * KEPT
    assert result.stdout.startswith("first\n")
    assert result.stdout.endswith("xlast\n")
    assert f"\n[{missing} bytes are left out here]\n" in result.stdout


@pytest.mark.reliability
def test_g4_binary_output_is_replaced_and_flagged(run: Run) -> None:
    result = run("head", "-c", "10000000", "/dev/urandom")
    assert result.replaced
    assert result.truncated
    assert "\ufffd" in result.stdout
    assert run("printf", "a\\200b").stdout == "a\ufffdb"


@pytest.mark.reliability
def test_g4_a_character_that_is_split_between_two_writes_is_whole(run: Run) -> None:
    result = run("sh", "-c", "printf '\\303'; sleep 0.05; printf '\\244'")  # the pause is what splits it
    assert (result.stdout, result.replaced) == ("ä", False)


@pytest.mark.reliability
def test_g4_a_character_at_a_cut_is_left_out_and_not_broken(run: Run) -> None:
    result = run("sh", "-c", "printf x; yes äää | head -c 5000001")
    head, tail = result.stdout.split("bytes are left out here")
    assert "\ufffd" not in head + tail[:-1]


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
    assert python(PRESSED, script, *map(str, levels)) == f"`bash` was stopped by a person; it ended with {ended}"


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


@pytest.mark.reliability
def test_g6_a_child_that_reads_finds_nothing_and_goes_on(run: Run) -> None:
    assert run("sh", "-c", "cat; read -r line || echo nothing").stdout == "nothing\n"


IN_A_TERMINAL = """
import os
from runbook.world.processes import Program
os.close(os.open("/dev/tty", os.O_RDWR))
result = Program(["sh", "-c", ": < /dev/tty"], env=dict(os.environ), cwd="/").run()
os.write(1, b"child: %d\\n" % result.exit_code)
"""


@pytest.mark.reliability
def test_g6_a_child_gets_no_terminal_even_where_there_is_one() -> None:
    ours, theirs = os.openpty()
    walk = subprocess.Popen(
        ["sh", "-c", 'exec "$0" -c "$1" <>"$2" >&0 2>&0', sys.executable, IN_A_TERMINAL, os.ttyname(theirs)],
        start_new_session=True,  # so that the first terminal it opens becomes its own
    )
    assert walk.wait(30) == 0
    os.close(theirs)
    said = os.read(ours, 4096)
    os.close(ours)
    assert b"child: 0" not in said
    assert b"child: " in said


@pytest.mark.reliability
def test_g6_a_program_that_waits_for_an_answer_times_out_with_a_hint(run: Run) -> None:
    error = failure(run, "sh", "-c", "printf 'Password: ' >&2; sleep 100", limit=300)
    assert isinstance(error, TimedOut)
    assert "manual step" in error.help


@pytest.mark.reliability
def test_g7_each_way_not_to_start_has_a_reason_of_its_own(run: Run, tmp_path: Path) -> None:
    plain, locked = tmp_path / "plain", tmp_path / "none"
    plain.write_text("#!/bin/sh\n")
    lost = tmp_path / "lost"
    lost.write_text("#!/no/such/interpreter\n")
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\0\1\2")
    for program in (lost, garbage):
        program.chmod(0o755)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    errors = [
        failure(run, "no-such-command"),
        failure(run, str(locked)),
        failure(run, str(plain)),
        failure(run, str(tmp_path)),
        failure(run, str(lost)),
        failure(run, str(garbage)),
        failure(run, str(loop)),
        failure(run, "true", cwd=str(locked)),
        failure(run, "true", cwd=str(plain)),
        failure(run, "true", "x" * 5_000_000),
        failure(run, "true", "a\0b"),
        failure(run, "true", "\ud800"),
        failure(run, "true", env={"A": "b\0"}),
        failure(run, "true", env={"A=B": "c"}),
        failure(run),
    ]
    assert {type(error) for error in errors} == {NotSent}
    assert len({error.reason for error in errors}) == len(errors)
    assert all(error.help and "\n" not in error.reason for error in errors)
    assert errors[0].reason == "the command `no-such-command` was not found"


NO_ROOM = """
import os, resource, sys
from runbook.model.io import NotSent
from runbook.world.processes import Program
if os.getuid() == 0:
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
try:
    Program(["true"], env=dict(os.environ), cwd="/").run()
except NotSent as error:
    print(error.reason)
"""


@linux
@pytest.mark.reliability
def test_g7_a_fork_that_the_system_refuses_is_said(python: Python) -> None:
    assert python(NO_ROOM) == "`true` was not started: the system allows no further process now"


@pytest.mark.reliability
@pytest.mark.parametrize("status", [1, 126, 127, 130, 137, 255])
def test_g7_a_status_is_recorded_as_it_is(run: Run, status: int) -> None:
    result = run("sh", "-c", f"exit {status}")
    assert (result.exit_code, result.signal) == (status, None)


@pytest.mark.reliability
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM"])
def test_g7_a_signal_is_recorded_by_its_name(run: Run, name: str) -> None:
    result = run("sh", "-c", f"kill -{name[3:]} $$")
    assert (result.exit_code, result.signal) == (None, name)


@linux
def test_a_real_time_signal_has_a_name_too(run: Run) -> None:
    assert run("bash", "-c", "kill -40 $$").signal == "SIGRTMIN+6"


@pytest.mark.reliability
@pytest.mark.parametrize("script", ["false | true", 'echo "$UNSET_VARIABLE"', "true\nfalse\ntrue"])
def test_g8_a_script_under_the_flags_of_the_house_stops_where_it_fails(run: Run, script: str) -> None:
    assert run("bash", "-euo", "pipefail", "-c", script).exit_code == 1


@pytest.mark.reliability
def test_g9_what_a_program_prints_or_not_makes_no_failure(run: Run) -> None:
    assert run("sh", "-c", "echo ERROR: all is lost >&2").exit_code == 0
    assert run("sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4").exit_code == 4  # it lives on without outputs
    silent = run("true")
    assert (silent.exit_code, silent.stdout, silent.stderr) == (0, "", "")


@pytest.mark.reliability
def test_g9_a_limit_holds_for_a_program_that_closed_its_outputs(run: Run) -> None:
    assert isinstance(failure(run, "sh", "-c", "exec >&- 2>&-; sleep 100", limit=200), TimedOut)


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
def test_c14_a_child_inherits_no_descriptor(run: Run, tmp_path: Path) -> None:
    log = os.open(tmp_path / "audit.jsonl", os.O_CREAT | os.O_WRONLY)
    os.set_inheritable(log, True)  # even one that would be inherited
    listed = run("ls", "-l", "/proc/self/fd").stdout
    os.close(log)
    assert "audit.jsonl" not in listed
    assert len([line for line in listed.splitlines() if "->" in line]) == 4  # three, and the listed directory


@linux
def test_without_a_wake_up_from_the_system_it_works_by_looking(python: Python) -> None:
    """As on macOS, where there is no pidfd."""
    source = (
        "import os\ndel os.pidfd_open\nfrom runbook.world.processes import Program\n"
        "run = lambda *argv: Program(argv, env=dict(os.environ), cwd='/').run().exit_code\n"
        "print(run('sh', '-c', 'exit 5'), run('sh', '-c', 'exec >&- 2>&-; sleep 0.1; exit 6'))\n"
    )
    assert python(source) == "5 6"


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
