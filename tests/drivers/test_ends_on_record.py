"""What becomes of a step, as its record says it: something left behind, hostile bytes, thousands of steps."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.books import book, read
from tests.drivers.desk import Desk

pytestmark = pytest.mark.reliability


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def seen(desk: Desk, step: str) -> dict[str, Any]:
    """What a step observed."""
    return next(json.loads(told["obs"]) for told in desk.told("step.finished") if told["step"] == step)


def test_g1_a_timeout_is_the_recorded_reason(desk: Desk) -> None:
    done = desk.walk(book(read("look", "sleep", "60", then="bad", fail="done", more="timeout: 2s\n")))
    assert done.status == 0
    assert "`sleep` did not end within 2 s and was ended" in desk.told("step.finished")[0]["reason"]
    assert desk.stragglers() == []


def test_g2_output_that_is_incomplete_is_recorded_as_that(desk: Desk) -> None:
    done = desk.walk(book(read("look", "sh", "-c", "sleep 60 & echo $!", then="done")))
    assert done.status == 0
    observed = seen(desk, "look")
    assert observed["output_incomplete"] is True
    os.kill(int(observed["stdout"]), signal.SIGKILL)
    assert desk.verify() == 0


HOSTILE = [
    b"\x1b]52;c;aGVsbG8=\x07\n",
    b"\x1b]0;pwned\x07\x1b]8;;http://x.example.com\x1b\\x\x1b]8;;\x1b\\\n",
    b"\x1bP$qm\x1b\\\x1bc\x1b[6n\n",
    b"over\rwritten bs\b\b\bxx \xe2\x80\xaertl \x00\x7f\n",
    b"\xc2\x9b31m lone \x9b\n",
    b"\x1b]52;c;never ended\n",
]


def test_h1_the_log_holds_hostile_output_without_loss_and_escaped(desk: Desk) -> None:
    whole = b"".join(HOSTILE)
    (desk.root / "hostile").write_bytes(whole)
    done = desk.walk(book(read("look", "cat", "hostile", then="done")))
    assert done.status == 0
    assert seen(desk, "look")["stdout"] == whole.decode(errors="replace")
    log = desk.run().log.read_bytes()
    assert log.isascii()
    assert not set(log) & {*range(32), 127} - {10}
    outputs = [path.read_bytes() for path in desk.run().output.iterdir()]
    assert whole in outputs or whole.decode(errors="replace").encode() in outputs or not outputs
    for text in (done.text, desk.do("report", "r1").out, desk.do("status", "r1").out, desk.do("verify", "r1").out):
        assert not {*text} & {*map(chr, range(32)), "\x7f", "\x9b", "\u202e"} - {"\n", "\t"}


def grown(desk: Desk, steps: int) -> tuple[int, int, int]:
    """What a walk of so many steps has more at its end than early on: descriptors, zombies, KiB of memory."""
    look = "ls /proc/$PPID/fd | wc -l; cat /proc/$PPID/task/*/children | wc -w; grep VmRSS /proc/$PPID/status"
    again = (
        f"id: look\nkind: command\neffect: none\nargv: [sh, -c, {json.dumps(look)}]\nmax_visits: {steps}\n"
        "next: look2\non_fail: done\n"
    )
    circle = "id: look2\nkind: command\neffect: none\nargv: ['true']\nnext: look\non_fail: bad\n"
    process = desk.start
    desk.write("book.yaml", book(again, circle))
    assert process("run", "book.yaml", "--run-id", "r1").ended(600).status == 0
    told = [told for told in desk.told("step.finished") if told["step"] == "look" and "obs" in told]
    assert len(told) == steps
    first, last = (json.loads(told[place]["obs"])["stdout"].split() for place in (20, -1))
    return (int(last[0]) - int(first[0]), int(last[1]) - int(first[1]), int(last[3]) - int(first[3]))


@pytest.mark.parametrize("steps", [150, pytest.param(5_000, marks=pytest.mark.full)])
def test_g10_a_walk_of_many_steps_grows_in_nothing(desk: Desk, steps: int) -> None:
    descriptors, zombies, memory = grown(desk, steps)
    assert (descriptors, zombies) == (0, 0)
    assert memory <= 2_048
