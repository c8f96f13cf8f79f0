"""Programs on another machine, through both transports: what arrives, what comes back, how they end."""

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.world.ssh.conftest import NAME, Machine
from tests.world.sshd import Sshd

from runbook.model.io import Cancelled, Lost, NotSent, TimedOut
from runbook.world.capture import KEPT
from runbook.world.ssh import SshClient
from runbook.world.ssh_wrapper import Order

Living = Callable[[str], list[int]]
OWN = os.getpid()
"""Stands behind a point in how long a program sleeps, so that side by side nobody takes it for another test's."""
VALUES = [
    "",
    " ",
    "a b",
    "-rf",
    "--",
    "-",
    "'",
    '"',
    "''\\''",
    "\\",
    "\\n",
    "$HOME $(id) `id` ${IFS} $$",
    "a\nb",
    "\n",
    "trailing\n\n",
    "\r\n\t\v\x01\x1b[31m\x7f",
    "é ß 漢字 😀 \u0081\u0088\u00c1",
    "*?[a-z]{a,b}~!#;&|<>",
    "%s%n",
    "go",
    "=",
    "A=B",
    "x" * 100_000,
]


def wait_for(what: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)  # until another process has done it


@pytest.mark.reliability
def test_e3_arguments_variables_files_and_input_arrive_byte_for_byte(machine: Machine) -> None:
    draw = random.Random(3)
    signs = [chr(n) for n in (*range(1, 256), 0x2028, 0xFFFD, 0x1F600)]
    values = [*VALUES, *("".join(draw.choices(signs, k=draw.randrange(1, 40))) for _ in range(40))]
    script = 'printf "%s\\0" "$@"; i=0; while [ $i -lt $# ]; do eval "printf \'%s\\0\' \\"\\$V$i\\""; i=$((i+1)); done'
    seen = machine.run("sh", "-c", script, "sh", *values, env={f"V{n}": value for n, value in enumerate(values)})
    assert seen.stdout.split("\0") == [*values, *values, ""]
    files = dict(zip(("A", "B", "C"), ("", "x\n\ny'$(id)\n", "no end é"), strict=True))
    data = bytes(range(256)) * 300
    seen = machine.shell('cat "$A" "$B" "$C"; wc -c | tr -d " "', files=files, stdin=data)
    assert seen.stdout == f"{''.join(files.values())}{len(data)}\n"


@pytest.mark.reliability
def test_e3_a_script_gets_its_input_and_a_program_without_input_gets_none(machine: Machine) -> None:
    assert machine.shell("cat; echo end", stdin=b"go\nbytes\xff").stdout == "go\nbytes\ufffdend\n"
    assert machine.shell("cat; echo end").stdout == "end\n"


@pytest.mark.reliability
@pytest.mark.parametrize("value", ["a\0b", "half \ud800"])
def test_f9_what_no_program_can_be_given_is_refused(machine: Machine, value: str) -> None:
    for order in ({"env": {"A": value}}, {"files": {"A": value}}, {"cwd": value}):
        with pytest.raises(NotSent, match=r"NUL|half a character"):
            machine.run("true", **order)
    with pytest.raises(NotSent, match="argument 1 of `echo`"):
        machine.run("echo", value)


def test_a_program_runs_in_its_directory_there(machine: Machine, sshd: Sshd, tmp_path: Path) -> None:
    odd = tmp_path / "it's a $dir"
    odd.mkdir()
    (sshd.home / "-x").mkdir(exist_ok=True)
    assert machine.run("pwd", cwd=str(odd)).stdout == f"{odd}\n"
    assert machine.run("pwd", cwd="~").stdout == f"{sshd.home}\n"
    assert machine.run("pwd", cwd="~/-x").stdout == f"{sshd.home}/-x\n"
    with pytest.raises(NotSent, match=f"`/not there` cannot be entered on {NAME}"):
        machine.run("pwd", cwd="/not there")


def test_a_program_that_is_not_there_was_not_sent(machine: Machine) -> None:
    with pytest.raises(NotSent, match="`surely-not-there` was not found on web1") as caught:
        machine.run("surely-not-there")
    assert caught.value.help
    for argv in ((), ("",), ("-x",)):
        with pytest.raises(NotSent):
            machine.run(*argv)


@pytest.mark.reliability
def test_f12_private_files_are_private_and_gone_however_the_program_ends(machine: Machine) -> None:
    look = 'ls -l "$A" | cut -c1-10; ls -ld "${A%/*}" | cut -c1-10; echo "$A"'
    seen = machine.shell(look, files={"A": "x"}, env={"TMPDIR": "/nowhere"}).stdout.split("\n")
    assert seen[:2] == ["-rw-------", "drwx------"]
    assert not Path(seen[2]).parent.exists()
    with pytest.raises(TimedOut):
        machine.run("sh", "-c", 'echo "$A" > ~/place; sleep 60', files={"A": "x"}, limit=2_500)
    place = Path(machine.shell("cat ~/place; rm ~/place").stdout.strip())
    assert place.name == "0"
    assert not place.parent.exists()


@pytest.mark.parametrize("status", [0, 1, 2, 126, 127, 255])
def test_every_exit_status_is_told(machine: Machine, status: int) -> None:
    seen = machine.shell(f"echo out; echo err >&2; exit {status}")
    assert (seen.exit_code, seen.signal, seen.stdout, seen.stderr) == (status, None, "out\n", "err\n")


def test_a_signal_is_told_as_a_shell_tells_it(machine: Machine) -> None:
    for name, number in (("KILL", 9), ("TERM", 15), ("HUP", 1)):
        assert machine.shell(f"kill -{name} $$").exit_code == 128 + number


def test_what_a_program_writes_is_passed_on_as_it_comes(machine: Machine) -> None:
    came: list[tuple[str, bytes, float]] = []
    machine.run(
        *("sh", "-c", "echo one; sleep 1; echo two >&2"),
        output=lambda name, chunk: came.append((name, chunk, time.monotonic())),
    )
    assert [(name, chunk) for name, chunk, _ in came] == [("stdout", b"one\n"), ("stderr", b"two\n")]
    assert came[1][2] - came[0][2] > 0.5


def test_a_flood_is_taken_whole_and_kept_in_part(machine: Machine) -> None:
    size = 30_000_000
    counted = 0

    def count(_: str, chunk: bytes) -> None:
        nonlocal counted
        counted += len(chunk)

    seen = machine.run("sh", "-c", f"head -c {size} /dev/zero | tr '\\0' x", output=count)
    assert counted == size
    assert seen.truncated
    assert len(seen.stdout) < 2 * KEPT + 100


def test_an_output_that_fails_does_not_stop_a_program_half_way(machine: Machine, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space left")

    with pytest.raises(OSError, match="no space left"):
        machine.run("sh", "-c", f"echo a; sleep 0.3; echo b; touch {tmp_path}/done", output=full)
    assert (tmp_path / "done").exists()


def test_what_is_left_behind_is_left_running_and_its_output_not_waited_for(machine: Machine, living: Living) -> None:
    began = time.monotonic()
    seen = machine.shell(f"sleep 7.{OWN} & echo done")
    assert (seen.stdout, seen.exit_code, seen.incomplete) == ("done\n", 0, True)
    assert time.monotonic() - began < 6
    assert living(f"sleep\x007.{OWN}")


def test_bytes_that_are_no_text_are_replaced_and_that_is_told(machine: Machine) -> None:
    seen = machine.shell("printf 'a\\377b'")
    assert (seen.stdout, seen.replaced) == ("a\ufffdb", True)


@pytest.mark.reliability
def test_e4_a_status_of_255_a_login_that_fails_a_loss_and_a_refusal_are_told_apart(
    machine: Machine, other: Callable[..., Sshd]
) -> None:
    sshd = other()
    there = machine.at("lossy", sshd, let_in=False)
    assert machine.shell("exit 255").exit_code == 255
    with pytest.raises(NotSent) as closed:
        there.run("true")
    machine.home.let_in(sshd)

    def cut() -> None:
        wait_for((sshd.home / "begun").exists)
        sshd.drop()

    cutter = threading.Thread(target=cut)
    cutter.start()
    with pytest.raises(Lost) as lost:
        there.shell("touch ~/begun; exec sleep 3.75")
    cutter.join()
    assert there.shell("echo again").stdout == "again\n"
    sshd.stop()
    with pytest.raises(NotSent) as refused:
        there.run("true")
    assert "let" in closed.value.reason
    assert "the connection to lossy was lost while the program ran, which may still run there" in lost.value.reason
    assert "refused the connection" in refused.value.reason
    assert all(error.value.help for error in (closed, lost, refused))


@pytest.mark.reliability
def test_e4_a_name_that_does_not_resolve_and_a_port_that_speaks_no_ssh_are_reasons_of_their_own(
    machine: Machine,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            stream, _ = server.accept()
            with stream:
                stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200)

        threading.Thread(target=answer, daemon=True).start()
        with machine.home.config.open("a") as file:
            file.write(f"Host web_server\n  HostName 127.0.0.1\n  Port {server.getsockname()[1]}\n")
        machine.name = "web_server"
        with pytest.raises(NotSent, match="web_server"):
            machine.run("true")
    machine.name = "surely-not-there.invalid"
    with pytest.raises(NotSent, match="resolve"):
        machine.run("true")


@pytest.mark.reliability
def test_e4_what_runs_it_there_is_killed_and_nobody_knows(machine: Machine) -> None:
    with pytest.raises(Lost, match="lost while the program ran"):
        machine.shell("kill -9 $PPID; sleep 0.2")


@pytest.mark.reliability
def test_e5_a_banner_and_the_noise_of_rc_files_are_no_output(machine: Machine, other: Callable[..., Sshd]) -> None:
    sshd = other(f"Banner {machine.home.place}/banner")
    (machine.home.place / "banner").write_text("\x1b]0;owned\x07 Welcome \x1b[31m\n")
    (sshd.home / ".bashrc").write_text("echo noise; echo more >&2; printf '\\033]0;owned\\007'; printf 'no end'\n")
    there = machine.at("noisy", sshd)
    came: list[bytes] = []
    seen = there.run("sh", "-c", "printf out; printf err >&2", output=lambda _, chunk: came.append(chunk))
    assert (seen.stdout, seen.stderr) == ("out", "err")
    assert sorted(b"".join(came)) == sorted(b"errout")
    assert there.run("true").stdout == ""


@pytest.mark.reliability
@pytest.mark.parametrize("said", ["\\033]0;owned\\007This account is closed.\\n", ""])
def test_e5_an_account_without_a_shell_says_so_neutralised(
    machine: Machine, other: Callable[..., Sshd], said: str
) -> None:
    there = machine.at("closed", other(f"ForceCommand printf '{said}'; exit 1"))
    with pytest.raises(NotSent, match="closed did not run what it was given") as caught:
        there.run("true")
    assert caught.value.reason.isprintable()
    assert ("This account is closed." in caught.value.reason) == bool(said)


@pytest.mark.reliability
def test_e6_at_a_timeout_the_program_is_ended_with_all_that_descends_from_it(machine: Machine, living: Living) -> None:
    stubborn = (
        f"trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 81.{OWN}; sleep 81.{OWN}' & sleep 81.{OWN} & sleep 81.{OWN}"
        f"; sleep 81.{OWN}"
    )
    with pytest.raises(TimedOut, match=r"`sh` on web1 did not end within 2 s and was ended$") as caught:
        machine.run("sh", "-c", stubborn, limit=2_000)
    assert caught.value.help
    assert not living(f"sleep\x0081.{OWN}")
    assert machine.shell("echo still here").stdout == "still here\n"


@pytest.mark.reliability
@pytest.mark.parametrize("transport", ["paramiko"])  # the system's ssh ends a program over another connection
def test_e6_where_it_cannot_be_ended_it_may_still_run(
    machine: Machine, other: Callable[..., Sshd], living: Living
) -> None:
    there = machine.at("single", other("MaxSessions 1"))
    with pytest.raises(TimedOut, match=r"may still run there \(process group [0-9]+\)"):
        there.run("sleep", f"4.{OWN}", limit=1_000)
    assert living(f"sleep\x004.{OWN}")


@pytest.mark.reliability
def test_e6_a_connection_that_says_nothing_more_does_not_hold_the_walk(
    machine: Machine, other: Callable[..., Sshd]
) -> None:
    sshd = other()
    there = machine.at("frozen", sshd)

    def freeze() -> None:
        wait_for((sshd.home / "begun").exists)
        for pid in sshd.serving():
            os.kill(pid, signal.SIGSTOP)

    freezer = threading.Thread(target=freeze)
    freezer.start()
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"may still run there|was ended$"):
        there.run("sh", "-c", "touch ~/begun; exec sleep 9.875", limit=2_000)
    assert time.monotonic() - began < 10
    freezer.join()
    assert there.run("echo", "again").stdout == "again\n"


def test_a_time_that_is_up_before_anything_was_sent_means_that_nothing_happened(
    machine: Machine, other: Callable[..., Sshd]
) -> None:
    sshd = other()
    (sshd.home / ".bashrc").write_text("sleep 3\n")
    there = machine.at("slow", sshd)
    with pytest.raises(NotSent, match="was not started within"):
        there.run("touch", "~/begun", limit=1_500)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_person_stops_a_program(machine: Machine, living: Living, level: int) -> None:
    begun = threading.Event()
    program = machine.program("sh", "-c", f"echo begun; sleep 8{level}.{OWN}", output=lambda *_: begun.set())

    def stop() -> None:
        begun.wait(10)
        program.cancel(level)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Cancelled, match="stopped by a person") as caught:
        program.run()
    if level < 3 and machine.transport == "paramiko":  # the program itself is asked, and ends by the signal
        assert caught.value.reason.endswith(f"; it ended with status {128 + {1: 2, 2: 15}[level]}")
    stopper.join()
    wait_for(lambda: not living(f"sleep\x008{level}.{OWN}"))


def test_a_program_that_was_stopped_before_it_began_does_not_begin(machine: Machine) -> None:
    program = machine.program("touch", "~/begun")
    program.cancel(1)
    with pytest.raises(Cancelled):
        program.run()


@pytest.mark.reliability
def test_e8_a_secret_is_in_no_argument_here_or_there(machine: Machine) -> None:
    secret = "sw0rdfish-in-no-argument"
    seen: list[bytes] = []

    def look(name: str, chunk: bytes) -> None:
        del name, chunk
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(entry.read_bytes())
            except OSError:  # it has ended meanwhile
                continue

    done = machine.run(
        *("sh", "-c", 'cat > /dev/null; echo "$A" | wc -c; sleep 0.3; echo'),
        env={"A": secret},
        stdin=secret.encode(),
        files={"F": secret},
        output=look,
    )
    assert done.exit_code == 0
    assert len([line for line in seen if b"IFS= read" in line]) >= 1
    assert not [line for line in seen if secret.encode() in line]


def test_only_names_of_machines_are_taken(client: SshClient) -> None:
    for host in ("-oProxyCommand=x", "a;b", "$(x)", "a\n", "user@-x", "", "a b", "@a"):
        for transport in ("paramiko", "openssh"):
            with pytest.raises(NotSent, match="is no name of a machine"):
                client.program(host, Order(argv=("true",)), transport=transport, limit=None, output=None)
