"""The conversation with the wrapper, without a network: under every shell there is, and however it is cut."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.model.io import Lost, NotSent
from runbook.world.ssh_wrapper import BOOTSTRAP, Conversation, Order, plain, quoted


def found(shells: dict[str, list[str]]) -> list[object]:
    """Those that this machine has."""
    return [pytest.param(command, id=name) for name, command in shells.items() if shutil.which(command[0])]


SHELLS = {
    "dash": ["dash"],
    "bash": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh": ["ksh"],
    "zsh": ["zsh", "--emulate", "sh"],
    "yash": ["yash", "--posix"],
}
LOGIN = {name: [name] for name in ("bash", "dash", "zsh", "fish", "tcsh", "csh")}
READS_A_LINE = 'IFS= read -r l && eval "$l"'


class Hand:
    """A conversation whose output is kept."""

    def __init__(self, *argv: str, **order: object) -> None:
        self.out = {"stdout": b"", "stderr": b""}
        self.talk = Conversation("web1", Order(argv=argv, **order), self.take)  # type: ignore[arg-type] # each test names its fields

    def take(self, name: str, chunk: bytes) -> None:
        """Keep a piece."""
        self.out[name] += chunk

    def over(self, command: list[str]) -> "Hand":
        """Have it with a program, all of our side at once."""
        said = self.talk.opening + self.talk.go()
        done = subprocess.run(command, input=said, capture_output=True, check=False, timeout=20)
        self.talk.feed("stdout", done.stdout)
        self.talk.feed("stderr", done.stderr)
        return self


@pytest.mark.reliability
@pytest.mark.parametrize("shell", found(SHELLS))
def test_e3_the_wrapper_means_the_same_to_every_shell(shell: list[str]) -> None:
    values = ["", "a b", "-n", "'", "\\", "$(id)`id`", "a\nb\n", "é \u0081\u0088 漢", "x" * 5_000, "*", "~", "%s"]
    script = 'printf "%s|" "$@"; printf "%s|" "$A" "$B"; cat "$F"; cat; echo err >&2; exit 7'
    hand = Hand(
        *("sh", "-c", script, "sh", *values),
        env={"A": "a'b\n", "B": ""},
        files={"F": "file\n\n"},
        stdin=b"in\xff",
        cwd="/",
    ).over([*shell, "-c", READS_A_LINE])
    assert hand.out["stdout"] == "".join(f"{v}|" for v in [*values, "a'b\n", ""]).encode() + b"file\n\nin\xff"
    assert hand.out["stderr"] == b"err\n"
    assert hand.talk.status == 7
    for argv, order in ((("surely-not-there",), {}), (("true",), {"cwd": "/surely/not/there"})):
        with pytest.raises(NotSent):
            Hand(*argv, **order).over([*shell, "-c", READS_A_LINE])


# Under ksh93 stopping says nothing within its time, which a walk tells as "may still run".
@pytest.mark.reliability
@pytest.mark.parametrize("shell", found({name: shell for name, shell in SHELLS.items() if name != "ksh"}))
def test_e6_a_program_is_ended_under_every_shell(shell: list[str]) -> None:
    long = f"77.{os.getpid()}"
    hand = Hand("sh", "-c", f"trap '' TERM; sleep {long} & setsid sleep {long} & sleep {long}; sleep {long}")
    command = [*shell, "-c", READS_A_LINE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, start_new_session=True, bufsize=0, **pipes) as wrapper:  # type: ignore[call-overload] # as one reads it
        wrapper.stdin.write(hand.talk.opening)
        hand.talk.feed("stdout", wrapper.stdout.read(200))
        assert hand.talk.pid == wrapper.pid
        wrapper.stdin.write(hand.talk.go())
        while len(_living(long)) < 3:
            time.sleep(0.01)  # until it has started all of them
        answer = subprocess.run(
            command, input=hand.talk.stop(None), capture_output=True, check=False, timeout=20
        ).stdout
    assert hand.talk.left(answer) == []
    assert _living(long) == []


def _living(seconds: str) -> list[Path]:
    """The processes that sleep for so long."""
    wanted = f"sleep\0{seconds}\0".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if entry.read_bytes() == wanted:
                found.append(entry)
    return found


@pytest.mark.parametrize("shell", found(LOGIN))
def test_every_login_shell_can_be_given_the_command(shell: list[str]) -> None:
    hand = Hand("echo", "it's in").over([*shell, "-c", BOOTSTRAP])
    assert (hand.out["stdout"], hand.talk.status) == (b"it's in\n", 0)


def test_nothing_is_run_before_go_and_nothing_of_a_wrapper_that_was_cut() -> None:
    hand = Hand("sh", "-c", "echo ran")
    whole = hand.talk.opening
    for said in (whole, whole + b"g", whole + b"no\n", *(whole[:-cut] for cut in range(1, len(whole), 97))):
        done = subprocess.run(["sh", "-c", READS_A_LINE], input=said, capture_output=True, check=False, timeout=20)
        assert b"ran" not in done.stdout


@given(
    out=st.binary(max_size=80),
    noise=st.binary(max_size=40),
    cuts=st.lists(st.integers(0, 400), max_size=12),
    n=st.integers(0, 255),
)
def test_output_is_the_same_however_it_is_cut(out: bytes, noise: bytes, cuts: list[int], n: int) -> None:
    hand = Hand("true")
    mark = hand.talk._mark.encode()
    for data in (out, mark[:-1] + out, out + mark[:7] + mark):
        hand = Hand("true")
        hand.talk._streams["stdout"]._mark = mark + b":"
        whole = noise + mark + b":begin:12;" + data + mark + f":end:{n};".encode() + b"behind"
        places = sorted({min(cut, len(whole)) for cut in cuts})
        for start, end in zip([0, *places], [*places, len(whole)], strict=True):
            hand.talk.feed("stdout", whole[start:end])
        assert hand.out["stdout"] == data + b"behind"
        assert hand.talk._streams["stdout"].status == n
        assert hand.talk.pid == 12
        assert hand.talk.status is None  # the other stream has not ended


def test_what_came_too_early_is_not_sent_and_what_came_too_late_is_lost() -> None:
    hand = Hand("true")
    assert isinstance(hand.talk.broken("x"), NotSent)
    hand.talk.go()
    assert isinstance(hand.talk.broken("x"), Lost)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_a_quoted_word_is_that_word(text: str) -> None:
    word = quoted(text)
    assert word[0] == word[-1] == "'"
    assert "'" not in word[1:-1].replace("'\\''", "")


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b]0;owned\x07plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("a\x9b6nb\x00\x08c", "abc"),
        ("\x1bcd\u202e\u200be", "de"),
    ],
)
def test_e5_what_the_other_side_said_is_neutralised(text: str, seen: str) -> None:
    assert plain(text) == seen


def test_a_walk_without_ssh_imports_none_of_it(python: Callable[..., str]) -> None:
    source = (
        "import sys\n"
        "from runbook.world.real import RealWorld\n"
        "from runbook.world.secrets import SecretStore\n"
        "from runbook.kinds.command import Command\n"
        "from runbook.kinds.ssh import Ssh\n"
        "world = RealWorld(secrets=SecretStore({}, register=lambda *_: None), output=lambda *_: None)\n"
        "world.perform('a', Command(argv=['true']), None)\n"
        "Ssh(host='web1', argv=['true']).preview()\n"
        "world.close()\n"
        "print([name for name in sys.modules if 'paramiko' in name or 'world.ssh' in name])\n"
    )
    assert python(source) == "[]"
