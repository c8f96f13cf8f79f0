"""Loops, undos and reads side by side as a person at a terminal sees them."""

import time
from pathlib import Path

import pytest
from tests.drivers.terminal.conftest import Walking

HEAD = f"""\
runbook: v1
id: demo
title: Sign-in does not work
environments:
  production: {{hosts: [web-1, web-2, web-3], many: [{", ".join(f"host-{number:02}" for number in range(40))}]}}
"""
DONE = "  - {id: done, kind: finish, outcome: resolved}\n"


def loop(script: str, *, over: str = "hosts", effect: str = "change", more: str = "", at_once: int = 1) -> str:
    undo = '    undo: {kind: command, argv: [echo, start, "${{ item }}"]}\n' if effect == "change" else ""
    return (
        f"  - id: stop\n    title: Stop every host\n    kind: command\n    effect: {effect}\n"
        f"    for_each: {{in: environment.{over}, at_once: {at_once}}}\n"
        f'    argv: [sh, -c, "{script}", "${{{{ item }}}}"]\n    next: done\n{undo}{more}'
    )


@pytest.mark.parametrize("columns", [80, 40])
def test_a_long_list_is_shown_by_its_ends_and_whole_when_asked_for(walking: Walking, columns: int) -> None:
    terminal = walking.start(loop("echo $0", over="many") + DONE, head=HEAD, columns=columns)
    said = terminal.expect("for each of 40:", "[0] host-00:", "[39] host-39:", "more like these", "yes do it now")
    assert "[20] host-20" not in said
    terminal.answer("l", guarded=True)
    terminal.expect("[20] host-20:", "[38] host-38:", "yes do it now")
    terminal.answer("no", guarded=True)
    terminal.expect("NOT STARTED")
    assert walking.started() == []
    assert all(len(line) <= columns for line in terminal.text.splitlines())


@pytest.mark.parametrize("columns", [80, 40])
def test_what_is_the_same_for_all_is_shown_once(walking: Walking, columns: int) -> None:
    """A long script stands there once, and behind each element only its variable."""
    steps = (
        "  - id: stop\n    title: Stop every host\n    kind: command\n    effect: change\n"
        "    for_each: {in: environment.hosts}\n    script: |\n      echo one\n      echo two $HOST\n"
        '    env: {HOST: "${{ item }}"}\n    undo: none\n    because: they start again by themselves\n'
    )
    terminal = walking.start(steps + DONE, head=HEAD, columns=columns)
    shown = terminal.expect("for each of 3: bash", "the script:", "echo two $HOST", "[0] web-1: with HOST=web-1")
    shown += terminal.expect("[2] web-3: with HOST=web-3", "yes do it now")
    assert shown.count("echo one") == 1


def test_a_loop_says_how_far_it_is_and_what_did_not_pass(walking: Walking) -> None:
    terminal = walking.start(loop("test $0 != web-2") + DONE, head=HEAD)
    terminal.expect("one after the other; the first that does not pass ends it", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("[0] web-1: passed · exit_code 0 · 1 of 3", "[1] web-2: failed", "2 of 3, 1 failed")
    terminal.expect("failed: web-2", "not run: web-3", "THE FILE NAMES NO WAY ON", "u take back what was changed")


@pytest.mark.reliability
def test_j12_what_would_be_taken_back_is_shown_first_and_each_is_asked_for(walking: Walking) -> None:
    terminal = walking.start(loop("test $0 != web-2") + DONE, head=HEAD)
    terminal.expect("yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("THE FILE NAMES NO WAY ON")
    terminal.answer("u")
    terminal.expect("TAKE BACK 2, the newest first", "1 stop[1] ? nobody knows whether it changed anything")
    terminal.expect("2 stop[0]", "echo start web-1", "Type `undo` to begin")
    terminal.answer("", guarded=True)
    terminal.expect("Nothing is taken back.")
    assert [record["do"] for record in walking.records("operator.acted")] == []
    terminal.answer("u")
    terminal.expect("TAKE BACK 2", "Type `undo` to begin; anything else goes back.")
    terminal.answer("undo", guarded=True)
    terminal.expect("taking back 1 of 2 · stop[1].undo", "NOT STARTED: nobody knows whether `stop[1]` changed")
    terminal.expect("r take it back all the same", "s leave it as it is: `stop[1]` stays changed")
    terminal.answer("s")
    terminal.expect("Why skip it?")
    terminal.answer("it was off")
    terminal.expect("taking back 2 of 2 · stop[0].undo", "echo start web-1", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("[0] web-1 undo: passed", "THE FILE NAMES NO WAY ON")
    assert walking.started() == ["stop", "stop[0]", "stop[1]", "stop[0].undo"]
    deviations = [(record["step"], record["deviation"]) for record in walking.records("deviation.recorded")]
    assert deviations == [("stop[1].undo", "skip")]


def test_elements_that_are_confirmed_one_by_one_can_be_left_out(walking: Walking) -> None:
    steps = loop("echo $0", more="    confirm: {each: true}\n") + DONE
    terminal = walking.start(steps, head=HEAD)
    terminal.expect("for each of 3:", "run it")
    terminal.answer("")
    terminal.expect("element 1 of 3 · stop[0]", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("element 2 of 3 · stop[1]", "yes do it now")
    terminal.answer("no", guarded=True)
    terminal.expect("NOT STARTED", "r try again: confirmed anew", "s leave this one out")
    terminal.answer("r")
    terminal.expect("yes do it now")
    terminal.answer("no", guarded=True)
    terminal.expect("NOT STARTED", "s leave this one out")
    terminal.answer("s")
    terminal.expect("Why skip it?")
    terminal.answer("it is new")
    terminal.expect("element 3 of 3 · stop[2]", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("skipped: web-2", "RESOLVED")
    assert walking.started() == ["stop", "stop[0]", "stop[2]", "done"]


def test_ctrl_c_in_a_loop_begins_no_more_and_asks_before_the_rest(walking: Walking, tmp_path: Path) -> None:
    steps = loop("echo $0 >> effects; sleep 1", over="many", at_once=2) + DONE
    terminal = walking.start(steps, head=HEAD)
    terminal.expect("up to 2 at once", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("0 of 40", "Ctrl-C begins no more")
    while not (tmp_path / "effects").exists() or len((tmp_path / "effects").read_text().splitlines()) < 2:
        time.sleep(0.01)  # until both have begun
    terminal.send("\x03")
    terminal.expect("STOPPED: 2 of 40 over, 38 left.")
    terminal.expect("not run: host-02, host-03, host-04, host-05, 33 more, host-39", "yes go on with them")
    assert len((tmp_path / "effects").read_text().splitlines()) == 2
    terminal.answer("", guarded=True)
    terminal.expect("Enter alone does nothing")
    terminal.answer("yes", guarded=True)
    terminal.expect("3 of 40")
    terminal.send("\x03")
    terminal.expect("no more is begun, what runs is awaited; Ctrl-C again stops it")
    terminal.send("\x03")
    terminal.expect("NOBODY SAW THE RESULT", "passed it happened")


def test_an_element_that_nobody_saw_is_settled_by_itself(walking: Walking) -> None:
    steps = loop("test $0 != web-2 || sleep 20", more="    timeout: 400ms\n")
    terminal = walking.start(steps + DONE, head=HEAD)
    terminal.expect("yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("element 2 of 3 · stop[1]", "NOBODY SAW THE RESULT", "failed it surely did not happen")
    terminal.answer("passed", guarded=True)
    terminal.expect("How do you know?")
    terminal.answer("it is off")
    terminal.expect("[2] web-3: passed", "RESOLVED")
    settled = [(record["step"], record["outcome"]) for record in walking.records("step.settled")]
    assert settled == [("stop[1]", "passed")]


def test_before_what_cannot_be_undone_it_is_said_what_could_be(walking: Walking) -> None:
    steps = (
        loop("echo $0").replace("next: done", "next: drop")
        + "  - {id: drop, kind: command, effect: irreversible, because: it is gone, argv: [echo, dropped]}\n"
        + DONE
    )
    terminal = walking.start(steps, head=HEAD)
    terminal.expect("yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("CHANGES SOMETHING THAT CANNOT BE UNDONE", "It cannot be undone: it is gone", "If you stop now:")
    terminal.expect("can be undone stop[2], stop[1], stop[0] (newest first)", "no return this step: drop")
    terminal.answer("a", guarded=True)
    terminal.expect("What could be taken back stays changed: stop[2], stop[1], stop[0] (`u` takes it back first).")


def test_of_reads_side_by_side_those_that_still_run_are_named(walking: Walking) -> None:
    steps = (
        "  - id: all\n    title: Ask all\n    kind: parallel\n    next: done\n    steps:\n"
        "      - {id: quick, kind: command, argv: [echo, quickly]}\n"
        "      - {id: slow, kind: command, argv: [sh, -c, 'echo slowly; sleep 2']}\n"
        "      - {id: slower, kind: command, argv: [sleep, '3']}\n"
    )
    terminal = walking.start(steps + DONE, head=HEAD)
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("quick: passed", "Ctrl-C stops it · slow, slower")
    terminal.expect("slow: passed", "slower: passed", "RESOLVED")


def test_before_reads_side_by_side_begin_it_is_said_what_each_does(walking: Walking) -> None:
    steps = (
        "  - id: all\n    title: Ask all\n    kind: parallel\n    next: done\n    steps:\n"
        "      - {id: loud, kind: command, argv: [echo, 'words of ${{ run.operator }}'], expect: exit_code == 0}\n"
        '      - {id: long, kind: command, script: "echo one\\necho two\\n", retry: {attempts: 2}, timeout: 9s}\n'
    )
    terminal = walking.start(steps + DONE, head=HEAD, columns=40)
    shown = terminal.expect("side by side: loud, long", "[loud] echo 'words of ", "echo one", "echo two", "run it")
    assert "[loud] passes if exit_code == 0" in shown
    assert "[long] up to 2 attempts" in shown
    assert walking.started() == []
    terminal.answer("")
    terminal.expect("loud: passed", "long: passed", "RESOLVED")
    assert terminal.text.count("echo two") == 1
    assert all(len(line) <= 40 for line in terminal.text.splitlines())


def test_of_many_reads_side_by_side_the_rest_is_listed_when_asked_for(walking: Walking) -> None:
    reads = "".join(f"      - {{id: read{n}, kind: command, argv: [echo, number{n}]}}\n" for n in range(15))
    steps = f"  - id: all\n    title: Ask all\n    kind: parallel\n    next: done\n    steps:\n{reads}"
    terminal = walking.start(steps + DONE, head=HEAD)
    shown = terminal.expect("[read6] echo number6", "6 more like these, up to 15; `l` lists", "[read14]", "run it")
    assert "number7" not in shown
    terminal.answer("l")
    terminal.expect("[read7] echo number7", "run it")


def test_a_step_of_an_included_runbook_is_shown_asked_about_and_taken_back(walking: Walking, tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        "runbook: v1\nid: inner\ntitle: The inner one\nenvironments: {production: {hosts: [web-1, web-2]}}\nsteps:\n"
        + loop("test $0 != web-2").replace("next: done", "next: fin")
        + "  - {id: fin, kind: finish, outcome: resolved}\n"
    )
    terminal = walking.start("  - {id: outer, kind: runbook, path: inner.yaml, next: done}\n" + DONE, head=HEAD)
    terminal.expect("step 1 of 2 inside outer", "The inner one", "for each of 2:", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("[0] web-1: passed", "[1] web-2: failed", "s skip it and go on at `fin`", "u take back")
    terminal.answer("u")
    terminal.expect("TAKE BACK 2", "1 stop[1]", "2 stop[0]", "Type `undo` to begin")
    terminal.answer("undo", guarded=True)
    terminal.expect("taking back 1 of 2 · stop[1].undo", "s leave it as it is: `stop[1]` stays changed")
    terminal.answer("s")
    terminal.expect("Why skip it?")
    terminal.answer("it was off")
    terminal.expect("taking back 2 of 2 · stop[0].undo", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("[0] web-1 undo: passed", "THE FILE NAMES NO WAY ON")
    assert walking.started() == [
        "outer",
        "outer/stop",
        "outer/stop[0]",
        "outer/stop[1]",
        "outer/stop[0].undo",
    ]
