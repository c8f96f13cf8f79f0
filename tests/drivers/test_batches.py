"""A batch of real commands, cut off in the middle by everything that can cut it off: nothing done is done again."""

import json
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.drivers.books import END, book, read
from tests.drivers.desk import Desk, Process, answers, count, wait_for

HOSTS = 100
YES = answers("step: each, confirm: yes")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def batch(script: str, *, of: int = HOSTS, at_once: int = 8, effect: str = "change", more: str = "") -> str:
    """A runbook that runs a script for each of so many hosts; ``$1`` is the host."""
    hosts = ", ".join(f"h{number:03}" for number in range(of))
    undo = "undo: {kind: command, argv: [sh, -c, 'echo undo-$1 >> $EFFECTS', x, '${{ item }}']}\n"
    return book(
        f"id: each\ntitle: Every host\nkind: command\neffect: {effect}\nargv: [sh, -c, {json.dumps(script)}, x, "
        f"'${{{{ item }}}}']\nfor_each: {{in: environment.hosts, at_once: {at_once}{more}}}\nnext: done\non_fail: bad\n"
        + (undo if effect == "change" else ""),
        head=f"environments:\n  test: {{hosts: [{hosts}]}}\n",
        end=END,
    )


def begun(desk: Desk, text: str, answered: str = YES) -> Process:
    desk.write("book.yaml", text)
    desk.write("answers.yaml", answered if "effect: change" in text else "answers: []\n")
    return desk.start("run", "book.yaml", "-e", "test", "--answers", "answers.yaml", "--run-id", "r1")


def started(desk: Desk) -> list[str]:
    return [str(told["step"]) for told in desk.told("step.started") if "[" in str(told["step"])]


def outcomes(desk: Desk) -> dict[str, int]:
    last = [told for told in desk.told("step.finished") if told["step"] == "each"][-1]
    return count(str(item["outcome"]) for item in json.loads(last["obs"])["items"])


def settled(steps: Sequence[str]) -> str:
    return answers("step: each, confirm: yes", *(f"step: '{step}', settle: failed, evidence: looked" for step in steps))


@pytest.mark.reliability
def test_c1_a_batch_that_is_killed_goes_on_and_does_nothing_twice(desk: Desk) -> None:
    """What was in flight at the kill is unknown and asked about; what was done is not done again."""
    slow = "sleep 0.05; echo $1 >> $EFFECTS"
    process = begun(desk, batch(slow, more=", max_failures: 100"))
    wait_for(lambda: len(desk.effects()) >= 30, "the batch does not come on")
    process.signal(signal.SIGKILL)
    process.ended()
    desk.settled()
    assert desk.verify() == 3
    over = {str(told["step"]) for told in desk.told("step.finished")}
    flying = [step for step in started(desk) if step not in over]
    assert 0 < len(flying) <= 8
    desk.write("answers.yaml", settled(flying))
    done = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert done.status == 0, done.text
    assert sorted(str(told["step"]) for told in desk.told("step.unknown")) == sorted(flying)
    assert count(count(started(desk)).keys()) == count(f"each[{number}]" for number in range(HOSTS))
    assert set(count(desk.effects()).values()) == {1}
    assert outcomes(desk) == {"passed": HOSTS - len(flying), "failed": len(flying)}
    assert desk.verify() == 0


@pytest.mark.reliability
def test_c2_reads_that_were_in_flight_at_a_kill_run_again(desk: Desk) -> None:
    process = begun(desk, batch("sleep 0.05; echo $1 >> $EFFECTS", effect="none", of=40))
    wait_for(lambda: len(desk.effects()) >= 10, "the batch does not come on")
    process.signal(signal.SIGKILL)
    process.ended()
    desk.settled()
    done = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert done.status == 0, done.text
    cancelled = [str(told["step"]) for told in desk.told("step.cancelled")]
    assert 0 < len(cancelled) <= 8
    assert count(started(desk)) == {f"each[{n}]": 1 + cancelled.count(f"each[{n}]") for n in range(40)}
    assert outcomes(desk) == {"passed": 40}
    assert desk.verify() == 0


def test_ctrl_c_awaits_what_changes_something_begins_no_more_and_pauses(desk: Desk) -> None:
    process = begun(desk, batch("sleep 0.3; echo $1 >> $EFFECTS", of=30))
    wait_for(lambda: len(desk.effects()) >= 8, "the batch does not come on")
    process.signal(signal.SIGINT)
    done = process.ended()
    assert done.status == 3, done.text
    assert "can be undone" in done.err
    assert desk.told("step.unknown") == []
    before = desk.effects()
    assert len(before) == len(started(desk)) < 30
    assert desk.verify() == 3
    status = desk.do("status", "r1").out
    assert "repeated" in status
    assert f"{len(before)} passed" in status
    done = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert done.status == 0, done.text
    assert count(desk.effects()) == {f"h{number:03}": 1 for number in range(30)}
    assert desk.verify() == 0


def test_a_second_ctrl_c_stops_what_changes_something_and_nobody_knows_what_it_did(desk: Desk) -> None:
    process = begun(desk, batch("echo $1 >> $EFFECTS; exec sleep 60", of=20, at_once=4))
    wait_for(lambda: len(desk.effects()) == 4, "the batch does not begin")
    process.signal(signal.SIGINT)
    wait_for(lambda: "operator.acted" in desk.types(), "it is not taken note of")
    process.signal(signal.SIGINT)
    done = process.ended()
    assert done.status == 3, done.text
    assert len(desk.told("step.unknown")) == 4
    assert len(started(desk)) == 4
    assert desk.stragglers() == []
    assert desk.verify() == 3


def test_ctrl_c_stops_reads_at_once(desk: Desk) -> None:
    process = begun(desk, batch("echo $1 >> $EFFECTS; exec sleep 60", of=20, at_once=4, effect="none"))
    wait_for(lambda: len(desk.effects()) == 4, "the batch does not begin")
    process.signal(signal.SIGINT)
    done = process.ended()
    assert done.status == 3, done.text
    assert len(desk.told("step.cancelled")) == 4
    assert desk.stragglers() == []
    assert desk.verify() == 3


def test_an_abort_from_elsewhere_awaits_what_changes_something(desk: Desk) -> None:
    process = begun(desk, batch("sleep 0.5; echo $1 >> $EFFECTS", of=20, at_once=4))
    wait_for(lambda: len(desk.effects()) >= 6, "the batch does not come on")
    assert desk.do("abort", "r1", "--reason", "enough").status == 0
    done = process.ended()
    assert done.status == 1, done.text
    assert len(desk.effects()) == len(started(desk)) < 20
    assert desk.told("step.unknown") == []
    assert desk.verify() == 0


def test_when_too_many_fail_those_that_run_are_awaited_and_no_more_begins(desk: Desk) -> None:
    script = "test $1 != h001 || exit 1; sleep 0.4; echo $1 >> $EFFECTS"
    done = begun(desk, batch(script, of=20, at_once=4)).ended()
    assert done.status == 1, done.text
    found = outcomes(desk)
    assert found["failed"] == 1
    assert found["passed"] == len(desk.effects()) == len(started(desk)) - 1 < 8
    assert desk.verify() == 0


def test_each_element_has_its_own_time_and_its_own_attempts(desk: Desk) -> None:
    text = batch("test -e $1 || { touch $1; exit 1; }; test $1 != h002 || sleep 30", of=5, effect="none")
    text = text.replace("    next: done", "    timeout: 1s\n    retry: {attempts: 2, delay: 10ms}\n    next: done")
    done = begun(desk, text).ended()
    assert done.status == 1, done.text
    assert outcomes(desk) == {"passed": 4, "failed": 1}
    assert set(count(started(desk)).values()) == {2}
    assert desk.stragglers() == []


@pytest.mark.reliability
def test_j15_reads_side_by_side_are_all_settled_whatever_becomes_of_them(desk: Desk) -> None:
    """One hangs until its time is up, one floods, one is killed, one is fine."""
    text = book(
        "id: all\ntitle: All\nkind: parallel\nnext: done\non_fail: bad\nsteps:\n"
        "  - {id: hangs, kind: command, argv: [sleep, '60'], timeout: 1s}\n"
        "  - {id: floods, kind: command, argv: [sh, -c, 'yes | head -c 20000000']}\n"
        "  - {id: killed, kind: command, argv: [sh, -c, 'kill -9 $$']}\n"
        "  - {id: fine, kind: command, argv: [echo, fine]}\n",
        end=END,
    )
    done = desk.walk(text)
    assert done.status == 1, done.text
    ends = {str(told["step"]): str(told["outcome"]) for told in desk.told("step.finished")}
    assert ends == {
        "all.hangs": "failed",
        "all.floods": "passed",
        "all.killed": "failed",
        "all.fine": "passed",
        "all": "failed",
        "bad": "passed",
    }
    assert desk.stragglers() == []
    assert desk.verify() == 0


THREADS = read("{0}", "sh", "-c", "ls /proc/$PPID/task | wc -l", then="{1}")
"""Says how many threads the walk has that started it."""


@pytest.mark.reliability
def test_j15_hanging_flooding_and_killed_reads_leave_no_thread(desk: Desk) -> None:
    """The threads that performed them perform again: a second time costs none."""
    sides = (
        "id: {0}\ntitle: All\nkind: parallel\nnext: bad\non_fail: {0}_over\nsteps:\n"
        "  - {{id: hangs, kind: command, argv: [sleep, '60'], timeout: 1s}}\n"
        "  - {{id: floods, kind: command, argv: [sh, -c, 'yes | head -c 20000000']}}\n"
        "  - {{id: killed, kind: command, argv: [sh, -c, 'kill -9 $$']}}\n"
    )
    steps = [sides.format("one"), THREADS.format("one_over", "two"), sides.format("two")]
    done = desk.walk(book(*steps, THREADS.format("two_over", "done"), end=END))
    assert done.status == 0, done.text
    told = {str(told["step"]): json.loads(told["obs"]) for told in desk.told("step.finished") if "obs" in told}
    assert told["one_over"]["stdout"] == told["two_over"]["stdout"]


@pytest.mark.reliability
def test_j15_ctrl_c_while_one_hangs_one_floods_and_one_was_killed_settles_them_all(desk: Desk) -> None:
    text = book(
        "id: all\ntitle: All\nkind: parallel\nnext: done\non_fail: bad\nsteps:\n"
        "  - {id: hangs, kind: command, argv: [sleep, '60']}\n"
        "  - {id: floods, kind: command, argv: ['yes']}\n"
        "  - {id: killed, kind: command, argv: [sh, -c, 'kill -9 $$']}\n"
        "  - {id: fine, kind: command, argv: [echo, fine]}\n",
        end=END,
    )
    desk.write("book.yaml", text)
    process = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for(lambda: desk.run().log.exists() and len(desk.told("step.finished")) == 2, "the quick ones do not end")
    process.signal(signal.SIGINT)
    done = process.ended()
    assert done.status == 3, done.text
    ends = {str(told["step"]): str(told["outcome"]) for told in desk.told("step.finished")}
    assert ends == {"all.killed": "failed", "all.fine": "passed"}
    assert {str(told["step"]) for told in desk.told("step.cancelled")} == {"all", "all.hangs", "all.floods"}
    assert desk.stragglers() == []
    assert desk.verify() == 3


@pytest.mark.reliability
def test_j15_ctrl_c_among_reads_side_by_side_stops_them_all(desk: Desk) -> None:
    text = book(
        "id: all\ntitle: All\nkind: parallel\nnext: done\non_fail: bad\nsteps:\n"
        + "".join(
            f"  - {{id: p{n}, kind: command, argv: [sh, -c, 'echo x >> $EFFECTS; exec sleep 60']}}\n" for n in range(4)
        )
        + "  - {id: deaf, kind: command, argv: [sh, -c, \"trap '' INT; echo x >> $EFFECTS; sleep 60; :\"]}\n",
        end=END,
    )
    desk.write("book.yaml", text)
    process = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for(lambda: len(desk.effects()) == 5, "they do not begin")
    process.signal(signal.SIGINT)
    wait_for(lambda: len(desk.told("step.cancelled")) == 4, "they do not stop")
    process.signal(signal.SIGINT)
    done = process.ended()
    assert done.status == 3, done.text
    assert {str(told["step"]) for told in desk.told("step.cancelled")} == {
        "all",
        "all.deaf",
        *(f"all.p{n}" for n in range(4)),
    }
    assert desk.stragglers() == []
    assert desk.verify() == 3
    assert desk.do("abort", "r1", "--reason", "enough").status == 0
    assert desk.verify() == 0


@pytest.mark.reliability
def test_j12_a_kill_in_the_middle_of_an_undo_leaves_it_unknown_and_it_is_not_done_twice(desk: Desk) -> None:
    steps = "".join(
        f"  - id: {name}\n    title: Change {name}\n    kind: command\n    effect: change\n"
        f"    argv: [sh, -c, 'echo {name} >> $EFFECTS']\n    next: {then}\n"
        f"    undo: {{kind: command, argv: [sh, -c, 'echo back-{name} >> $EFFECTS; sleep {sleep}']}}\n"
        for name, then, sleep in [("one", "two", 0), ("two", "three", 3), ("three", "back", 0)]
    )
    text = book("id: back\ntitle: Back\nkind: undo\nnext: done\non_fail: bad\n", end=END).replace(
        "steps:\n", f"steps:\n{steps}"
    )
    names = ("one", "two", "three", "back", "three.undo", "two.undo", "one.undo")
    given = answers(*(f"step: {name}, confirm: yes" for name in names))
    desk.write("book.yaml", text)
    desk.write("answers.yaml", given)
    process = desk.start("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r1")
    wait_for(lambda: "back-two" in desk.effects(), "it does not come to the second undo")
    process.signal(signal.SIGKILL)
    process.ended()
    desk.settled()
    assert "two.undo: begun, and nobody has seen how it ended" in desk.do("status", "r1").out
    more = "step: two.undo, settle: failed, evidence: it is still changed, do: skip, reason: by hand"
    desk.write("answers.yaml", answers(more, "step: one.undo, confirm: yes"))
    done = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert done.status == 1, done.text
    assert desk.effects() == ["one", "two", "three", "back-three", "back-two", "back-one"]
    assert [str(told["step"]) for told in desk.told("step.unknown")] == ["two.undo"]
    page = desk.do("report", "r1").out
    assert "Change two" in page.partition("## What was changed, and is left so")[2].partition("## Taken back")[0]
    assert desk.verify() == 0
