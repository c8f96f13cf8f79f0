"""``runbook test``: every scenario in its order, quiet where all is well, with what differs and what nobody walks."""

import json
import os
import re
import signal
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.drivers.desk import Desk

BOOK = """runbook: v1
id: queue
title: Queue
steps:
  - {id: look, title: Look, kind: command, effect: none, argv: [look], next: which, on_fail: mend}
  - id: mend
    title: Mend
    kind: manual
    effect: change
    instructions: Mend it
    undo: {kind: manual, instructions: Take it back}
    next: look
    on_fail: bad
  - id: which
    title: Which?
    kind: choice
    options:
      - {id: fine, label: Fine, next: good}
      - {id: odd, label: Odd, next: bad}
    max_visits: 3
    next: bad
    on_fail: bad
  - {id: good, kind: finish, outcome: resolved}
  - {id: bad, kind: finish, outcome: escalated}
"""
WELL = """scenario: v1
runbook: ../book.yaml
title: All is well
world: {look: [{exit_code: 0}]}
answers: [{step: which, choose: fine}]
expect: {finish: resolved, path: [look, which, good]}
"""
MENDED = """scenario: v1
runbook: ../book.yaml
title: It is mended
world: {look: [{exit_code: 1, reason: exit status 1}, {exit_code: 0}]}
answers: [{step: mend, confirm: yes, outcome: done}, {step: which, choose: odd}]
expect: {finish: escalated, path: [look, mend, look, which, bad]}
"""

ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "time", "tests", "failures", "errors", "skipped"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "time", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
}
"""What the schema of the strictest reader, Jenkins' xUnit plug-in, knows of these elements."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    (tmp_path / "scenarios").mkdir()
    desk.write("book.yaml", BOOK)
    desk.write("scenarios/well.yaml", WELL)
    desk.write("scenarios/mended.yaml", MENDED)
    return desk


def lines(text: str) -> list[str]:
    return text.rstrip("\n").split("\n")


def test_where_all_is_well_a_line_for_each_runbook_says_so(desk: Desk) -> None:
    done = desk.do("test")
    assert (done.status, done.err) == (0, "")
    assert lines(done.out) == [
        "ok    book.yaml  2 scenarios, 5 of 8 edges, 62 %",
        "      book.yaml:13: `mend` failed → `bad`",
        "      book.yaml:11: `mend` undo → `mend.undo`",
        "      book.yaml:22: `which` failed → `bad`",
        "2 passed, 0 failed",
    ]
    assert lines(desk.do("test", "-v").out)[:2] == [
        "ok    scenarios/mended.yaml  It is mended",
        "ok    scenarios/well.yaml  All is well",
    ]


def test_a_path_that_differs_is_shown_beside_the_expected_one_with_what_led_there(desk: Desk) -> None:
    desk.write("scenarios/well.yaml", WELL.replace("exit_code: 0", "exit_code: 1").replace("which, good", "good"))
    desk.write("scenarios/mended.yaml", MENDED.replace("look, mend, look", "look, look"))
    done = desk.do("test", "scenarios")
    assert done.status == 1
    assert lines(done.out)[:10] == [
        "FAIL  scenarios/mended.yaml  It is mended",
        "      the path is not the one that is expected (- expected, + walked):",
        "          look",
        "        + mend      `look` failed: exit status 1",
        "          look (2)",
        "          which",
        "          … 1 the same",
        "FAIL  scenarios/well.yaml  All is well",
        "      the walk stopped: no answer to the confirmation of `mend`",
        "      it ended not at all, expected resolved",
    ]


def test_a_world_that_was_not_told_something_names_the_step_and_the_visit(desk: Desk) -> None:
    desk.write("scenarios/mended.yaml", MENDED.replace("{exit_code: 0}", "{stdout: hm}"))
    done = desk.do("test", "scenarios/mended.yaml")
    assert lines(done.out)[1] == (
        "      in visit 2 of `look`: the scenario does not tell `exit_code` of `look`, and it is read"
    )


def test_a_scenario_that_cannot_be_walked_is_not_said_to_be_without_finish_and_path(desk: Desk) -> None:
    desk.write("scenarios/mended.yaml", MENDED.replace("answers: [", "answers: [{step: look, choose: it}, "))
    done = desk.do("test")
    assert done.status == 2
    assert "without `finish` and `path`" not in done.out


def test_an_edge_counts_only_where_a_scenario_with_finish_and_path_walked_it(desk: Desk) -> None:
    desk.write("scenarios/mended.yaml", MENDED.replace("expect: {finish: escalated, path", "expect: {must"))
    done = desk.do("test")
    assert lines(done.out)[0] == "ok    book.yaml  2 scenarios, 2 of 8 edges, 25 %"
    assert "      scenarios without `finish` and `path`, which walk no edge that counts: 1" in lines(done.out)


def test_a_coverage_that_is_demanded_fails_below_it_and_counts_runbooks_without_scenarios(desk: Desk) -> None:
    assert desk.do("test", "--min-coverage", "62").status == 0
    below = desk.do("test", "--min-coverage", "63")
    assert below.status == 1
    assert "FAIL  book.yaml  2 scenarios, 5 of 8 edges, 62 %, 63 % are wanted" in below.out
    desk.write("other.yaml", BOOK.replace("id: queue", "id: other"))
    assert "none  other.yaml  no scenario, 0 of 8 edges, 0 %" in lines(desk.do("test").out)
    assert desk.do("test", "--min-coverage", "62").status == 1
    assert desk.do("test", "--min-coverage", "101").status == 2


def test_the_rail_is_drawn_with_what_was_walked_and_keeps_to_the_terminal(desk: Desk) -> None:
    wide, narrow = (lines(desk.do("test", "--rail", env={"COLUMNS": columns}).out)[4:-1] for columns in ("80", "40"))
    assert wide == [
        "      ● walked  ○ not walked",
        "      ●◂╮     look",
        "      ├─┼─╮     ● passed → which",
        "      │ │ │     ● failed → mend",
        "      ● │ │   mend",
        "      ├─╯ │     ● passed → look",
        "      ╰╌╌╌┼╌╮   ○ failed → bad  :13",
        "          │ ┆   ○ undo → mend.undo  :11",
        "      ●◂──╯ ┆ which",
        "      ├─────┤   ● odd → bad",
        "      │     │   ○ failed → bad  :22",
        "      │     │   ● fine → good",
        "      ■     │ good",
        "      ■◂────╯ bad",
    ]
    assert "\x1b" not in "".join(wide)
    assert max(map(len, narrow)) <= 40
    assert any("\x1b[33m" in line for line in lines(desk.do("test", "--rail", env={"FORCE_COLOR": "1"}).out))


def test_what_cannot_be_read_is_status_2_and_an_error_of_a_runbook_is_told_once(desk: Desk) -> None:
    desk.write("book.yaml", BOOK.replace("next: which,", "next: whch,"))
    done = desk.do("test")
    assert done.status == 2
    assert done.err.count("whch") == 2, done.err  # the message, and the line that it is about
    assert done.out.count("ERROR ") == 2
    assert lines(done.out)[-1] == "0 passed, 0 failed, 2 unreadable"


def test_the_same_as_json(desk: Desk) -> None:
    desk.write("scenarios/broken.yaml", "scenario: v1\nrunbok: x\n")
    done = desk.do("test", "--format", "json")
    assert (done.status, done.err) == (2, "")
    told = json.loads(done.out)
    assert [(each["file"], each["result"]) for each in told["scenarios"]] == [
        ("scenarios/broken.yaml", "unreadable"),
        ("scenarios/mended.yaml", "passed"),
        ("scenarios/well.yaml", "passed"),
    ]
    assert told["scenarios"][0]["diagnostics"][0]["code"] == "RB120"
    (book,) = told["runbooks"]
    assert (book["edges"], book["walked"], book["percent"]) == (8, 5, 62)
    first = {"file": "book.yaml", "line": 13, "column": 5, "step": "mend", "via": "failed", "to": "bad"}
    assert book["unwalked"][0] == first


def test_junit_holds_every_scenario_with_the_text_of_its_failure(desk: Desk) -> None:
    desk.write(
        "scenarios/well.yaml",
        WELL.replace("All is well", "'Odd <&> \"well\"'").replace("resolved,", "failed,"),
    )
    desk.write("scenarios/\a.yaml", "scenario: v1\nrunbok: x\n")
    assert desk.do("test", "--junit", "out.xml", "--min-coverage", "90").status == 2
    root = ET.fromstring((desk.root / "out.xml").read_bytes())  # noqa: S314 - our own
    assert root.tag == "testsuites"
    assert {name: root.attrib[name] for name in ("tests", "failures", "errors")} == {
        "tests": "4",
        "failures": "2",
        "errors": "1",
    }
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    for element in root.iter():
        assert element.attrib.keys() <= ATTRIBUTES[element.tag], element.tag
    assert cases["scenarios/mended.yaml: It is mended"].attrib["classname"] == "book"
    failed = cases['scenarios/well.yaml: Odd <&> "well"'].find("failure")
    assert failed is not None
    assert failed.text == "it ended resolved, expected failed"
    assert cases["scenarios/\ufffd.yaml"].find("error") is not None
    thin = cases["edge coverage of at least 90 %"].find("failure")
    assert thin is not None
    assert "book.yaml:22: `which` failed → `bad`" in str(thin.text)
    assert desk.do("test", "--junit", "nowhere/out.xml").status == 2


def many(desk: Desk, count: int) -> None:
    """So many scenarios, each third of which fails."""
    for number in range(count):
        text = WELL if number % 3 else WELL.replace("finish: resolved", "finish: failed")
        desk.write(f"scenarios/n{number:03}.yaml", text.replace("All is well", f"Number {number}"))


def told(text: str) -> str:
    return re.sub(r'"seconds": "[^"]*"', "", text)


def test_several_processes_say_the_same_as_one_in_the_same_order(desk: Desk) -> None:
    many(desk, 30)
    one, four = (desk.do("test", "-v", "--jobs", jobs) for jobs in ("1", "4"))
    assert (one.status, one.out, one.err) == (four.status, four.out, four.err)
    assert [line.split()[-1] for line in lines(one.out) if "Number" in line] == [str(n) for n in range(30)]
    one, four = (desk.do("test", "--format", "json", "--jobs", jobs) for jobs in ("1", "4"))
    assert told(one.out) == told(four.out)


def test_ctrl_c_ends_it_at_once_and_leaves_no_process(desk: Desk) -> None:
    waits = "  - {id: calm, kind: wait, for: 1h, title: Calm, next: good}\n"
    desk.write(
        "book.yaml", BOOK.replace("  - {id: good", waits + "  - {id: good").replace("next: good}", "next: calm}", 1)
    )
    for number in range(20):
        desk.write(f"scenarios/n{number:02}.yaml", WELL.replace("title:", "clock: real\ntitle:"))
    process = desk.start("test", "--jobs", "3", "scenarios")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not tell the children of a process")
    until = time.monotonic() + 30
    while len(started := children.read_text().split()) < 3 and time.monotonic() < until:
        time.sleep(0.02)  # until the processes are there
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    done = process.ended()
    assert time.monotonic() - began < 5
    assert done.status == 130
    assert re.fullmatch(r"\ninterrupted: [0-9]+ of 22 scenarios were walked\n", done.err)
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
