"""Running programs: what is given to them, what comes back, and why they do not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.world.running import Python, Run, failure, linux

from runbook.model.io import NotSent, TimedOut
from runbook.world.capture import KEPT


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
