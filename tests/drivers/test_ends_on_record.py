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
A_VISIT = 300
"""The bytes that a walk may keep of a visit: its step, its number, how it ended."""


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


LOOK = "ls /proc/$PPID/fd | wc -l; cat /proc/$PPID/task/*/children | wc -w; grep VmRSS /proc/$PPID/status"


def samples(desk: Desk, steps: int) -> list[list[int]]:
    """What a walk of twice so many steps has at each second of them: descriptors, children, KiB of memory."""
    ways = f"max_visits: {steps}\nnext: turn\non_fail: done\n"
    look = f"id: look\nkind: command\neffect: none\nargv: [sh, -c, {json.dumps(LOOK)}]\n{ways}"
    turn = "id: turn\nkind: command\neffect: none\nargv: ['true']\nnext: look\non_fail: bad\n"
    desk.write("book.yaml", book(look, turn))
    assert desk.start("run", "book.yaml", "--run-id", "r1").ended(900).status == 0
    told = [told for told in desk.told("step.finished") if told["step"] == "look" and "obs" in told]
    assert len(told) == steps
    words = [json.loads(each["obs"])["stdout"].split() for each in told]
    return [[int(descriptors), int(children), int(memory)] for descriptors, children, _, memory, _ in words]


@pytest.mark.parametrize("steps", [100, pytest.param(5_000, marks=pytest.mark.full)])
def test_g10_a_walk_of_many_steps_keeps_of_each_visit_its_name_and_outcome_alone(desk: Desk, steps: int) -> None:
    """A look sees at times what the start of its own program still holds open, so the least of ten counts."""
    found = samples(desk, steps)
    early, late = ([min(column) for column in zip(*part, strict=True)] for part in (found[10:20], found[-10:]))
    assert late[:2] == early[:2]
    assert late[2] - early[2] <= 2_048 + 2 * steps * A_VISIT // 1_024
