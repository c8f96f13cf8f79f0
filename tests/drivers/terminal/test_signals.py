"""Signals, hang-ups and keys that are signals: everything durable, everything resumable, the terminal as it was."""

import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from tests.drivers.terminal.conftest import Walking
from tests.drivers.terminal.pseudo import Terminal

pytestmark = pytest.mark.reliability

LFLAG, CONTROLS = 3, 6
SLOW = """\
  - id: slow
    title: Something slow
    kind: command
    effect: none
    argv: [sh, -c, "echo going; sleep 30"]
  - {id: done, kind: finish, outcome: resolved}
"""


def cooked(terminal: Terminal) -> bool:
    """Whether the terminal echoes and takes lines, as a shell wants it."""
    flags = terminal.modes[LFLAG]
    return isinstance(flags, int) and bool(flags & termios.ECHO) and bool(flags & termios.ICANON)


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_g5_ctrl_c_and_ctrl_d_at_a_question_pause(walking: Walking, key: str) -> None:
    terminal = walking.start(SLOW)
    terminal.expect("run it", "›")
    assert not cooked(terminal)
    terminal.send("half a line" if key == "\x03" else "")
    terminal.send(key)
    terminal.expect("ENDING paused Ctrl-")
    assert terminal.end() == 0
    assert cooked(terminal)
    assert [record["by"] for record in walking.records("run.paused")] == ["ana@example.com"]


def test_g5_half_a_line_that_ctrl_c_drops_while_it_is_read_holds_nothing_up(walking: Walking) -> None:
    """The terminal drops it between the look whether something is there and the reading, which then must not wait."""
    terminal = walking.start(SLOW)
    terminal.expect("run it", "›")
    controls = terminal.modes[CONTROLS]
    assert isinstance(controls, list)
    assert controls[termios.VMIN] in {0, b"\x00"}


def test_g5_ctrl_c_while_something_runs_goes_to_that_first(walking: Walking) -> None:
    """The command is stopped, the walk goes on, and what was stopped is asked about before it starts again."""
    terminal = walking.start(SLOW)
    terminal.expect("run it", "›")
    terminal.answer("")
    terminal.expect("│ going", "Ctrl-C stops it")
    terminal.send("\x03")
    terminal.expect("stopped", "run it")
    time.sleep(0.3)  # nothing starts by itself
    assert len(walking.records("step.started")) == 1
    assert walking.records("run.paused") == []
    terminal.send("\x03")
    terminal.expect("ENDING paused")


def test_g5_ctrl_c_twice_insists(walking: Walking) -> None:
    """A command that does not listen is told more clearly."""
    deaf = SLOW.replace("echo going; sleep 30", "trap '' INT; echo going; while :; do sleep 0.1; done")
    terminal = walking.start(deaf)
    terminal.expect("run it", "›")
    terminal.answer("")
    terminal.expect("│ going", "Ctrl-C stops it")
    terminal.send("\x03")
    terminal.expect("asked to stop; Ctrl-C again insists")
    terminal.send("\x03")
    terminal.expect("stopped", "SIGTERM", "run it")


def test_g5_ctrl_c_three_times_kills(walking: Walking) -> None:
    """A command that listens to nothing is killed, and the walk asks what next."""
    deaf = SLOW.replace("echo going; sleep 30", "trap '' INT TERM; echo going; while :; do sleep 0.1; done")
    terminal = walking.start(deaf)
    terminal.expect("run it", "›")
    terminal.answer("")
    terminal.expect("│ going", "Ctrl-C stops it")
    terminal.send("\x03")
    terminal.expect("asked to stop; Ctrl-C again insists")
    terminal.send("\x03")
    time.sleep(0.2)  # a person presses again
    terminal.send("\x03")
    terminal.expect("stopped", "SIGKILL", "run it")
    assert len(walking.records("step.cancelled")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("where", ["at a question", "while it runs"])
def test_g5_a_signal_ends_the_sitting_and_restores_the_terminal(
    walking: Walking, number: signal.Signals, where: str
) -> None:
    terminal = walking.start(SLOW)
    terminal.expect("run it", "›")
    if where == "while it runs":
        terminal.answer("")
        terminal.expect("│ going")
    terminal.process.send_signal(number)
    why = "the terminal was closed (SIGHUP)" if number is signal.SIGHUP else "ended by SIGTERM"
    terminal.expect(f"ENDING signal {why}")
    terminal.end()
    assert cooked(terminal)
    assert [record["reason"] for record in walking.records("run.paused")] == [why]
    for record in walking.records("step.cancelled"):
        assert record["reason"].startswith(f"{why}; `sh` was stopped")
    assert [record["by"] for record in walking.records("run.paused")] == ["signal"]


def test_g5_a_terminal_that_is_gone_pauses_the_run(walking: Walking) -> None:
    """A dropped connection: the log says that it is paused, and no trace of an error stands anywhere."""
    terminal = walking.start(SLOW)
    terminal.expect("run it", "›")
    terminal.hang_up()
    terminal.end()
    assert len(walking.records("run.paused")) == 1


def test_g5_ctrl_z_suspends_and_fg_brings_the_line_back(walking: Walking) -> None:
    """Suspended, the terminal is the shell's as it was; continued, it is ours, and the line is still there."""
    shell = (
        "import os, signal, sys, termios, fcntl\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.setpgid(0, 0)\n"
        "    os.tcsetpgrp(0, os.getpid())\n"
        "    signal.signal(signal.SIGTTOU, signal.SIG_DFL)\n"
        "    os.execv(sys.argv[1], sys.argv[1:])\n"
        "_, status = os.waitpid(child, os.WUNTRACED)\n"
        "assert os.WIFSTOPPED(status)\n"
        "os.tcsetpgrp(0, os.getpgrp())\n"
        "print('SUSPENDED', bool(termios.tcgetattr(0)[3] & termios.ECHO), flush=True)\n"
        "os.tcsetpgrp(0, child)\n"
        "os.kill(child, signal.SIGCONT)\n"
        "os.waitpid(child, 0)\n"
    )
    terminal = walking.start(SLOW, under=[sys.executable, "-c", shell])
    terminal.expect("run it", "›")
    terminal.send("n half a li")
    terminal.expect("n half a li")
    terminal.send("\x1a")
    terminal.expect("SUSPENDED True", "› n half a li")
    terminal.send("ne\r")
    terminal.expect("note by ana@example.com: half a line")


def test_g5_an_error_of_our_own_leaves_the_terminal_as_it_was(walking: Walking) -> None:
    """Whatever is raised on the way, the modes are put back."""
    terminal = walking.start(SLOW)
    terminal.expect("run it", "›")
    terminal.process.send_signal(signal.SIGUSR1)  # the walker raises an error of its own at this signal
    terminal.expect("RuntimeError: on purpose")
    terminal.end()
    assert cooked(terminal)


def test_nothing_of_the_terminal_is_loaded_without_one(tmp_path: Path) -> None:
    """The library for the eye costs time: an unattended walk does not import it."""
    code = (
        "import sys\n"
        "from runbook.drivers.attendance import attending\n"
        "from runbook.drivers.interrupts import Interrupts\n"
        "with attending(Interrupts(), answers=None) as seat: print(seat.operator.source)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, cwd=tmp_path
    )
    source, modules = done.stdout.splitlines()
    assert source == "answers"
    assert not {"rich", "termios"} & set(modules.split())
