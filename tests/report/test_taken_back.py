"""What a report says of loops and undos: each element, what was taken back, and what is left changed."""

import json
from pathlib import Path

import jsonschema
import pytest
from tests.drivers.books import GOOD, book
from tests.drivers.desk import Desk, answers

ROOT = Path(__file__).resolve().parents[2]
BOOK = book(
    "id: one\ntitle: Change one thing\nkind: command\neffect: change\nargv: [echo, one]\nnext: stop\n"
    "undo: {kind: command, argv: [echo, back]}\n",
    "id: stop\ntitle: Stop it\nkind: command\neffect: change\nargv: [sh, -c, 'test $0 != b', '${{ item }}']\n"
    "for_each: {in: environment.hosts}\nnext: done\nundo: {kind: command, argv: [echo, start, '${{ item }}']}\n",
    head="environments:\n  test: {hosts: [a, b, c]}\n",
    end=GOOD,
)
ANSWERS = answers(
    "step: one, confirm: yes",
    "step: stop, confirm: yes, do: undo",
    "step: 'stop[1].undo', do: retry",
    "step: 'stop[1].undo', confirm: yes",
    "step: 'stop[0].undo', confirm: no, do: skip, reason: by hand tomorrow",
    "step: one.undo, confirm: yes",
    "step: stop, do: abort, reason: enough",
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", ANSWERS)
    done = desk.walk(BOOK, "-e", "test", "--answers", "answers.yaml")
    assert done.status == 1, done.text
    assert desk.verify() == 0
    return desk


@pytest.mark.reliability
def test_j12_a_report_lists_what_is_left_changed_and_what_was_taken_back(desk: Desk) -> None:
    page = desk.do("report", "r1").out
    left, _, after = page.partition("## What was changed, and is left so")[2].partition("## Taken back")
    assert "Stop it: a" in left
    assert "Change one thing" not in left
    assert "- Stop it: b, at " in after
    assert "- Change one thing, at " in after
    assert "- [ ] Take back: Stop it: a: skipped: by hand tomorrow" in page


def test_each_element_stands_with_its_outcome_in_the_step_that_is_repeated(desk: Desk) -> None:
    page = desk.do("report", "r1").out
    assert "- Stop it: a (`stop[0]`): passed" in page
    assert "- Stop it: b (`stop[1]`): **failed**" in page
    assert "<b>failed: 1 failed, 1 not run, 1 passed</b>" in page
    assert "**Stop it: a**: passed" not in page  # what passed has no line of its own in the timeline
    assert "**Stop it: b**: ✗ failed: exit status 1" in page


def test_the_data_of_a_report_fold_elements_and_name_what_an_undo_undoes(desk: Desk) -> None:
    found = json.loads(desk.do("report", "r1", "--format", "json").out)
    jsonschema.validate(found, json.loads((ROOT / "schemas" / "report.schema.json").read_text()))
    loop = next(visit for visit in found["visits"] if visit["step"] == "stop")
    assert [(element["step"], element["outcome"]) for element in loop["elements"]] == [
        ("stop[0]", "passed"),
        ("stop[1]", "failed"),
    ]
    undos = [(visit["step"], visit["undoes"]) for visit in found["visits"] if visit["undoes"]]
    assert undos == [
        ("stop[1].undo", "stop[1]#1"),
        ("stop[1].undo", "stop[1]#1"),
        ("stop[0].undo", "stop[0]#1"),
        ("one.undo", "one#1"),
    ]
    assert [(change["step"], change["changed"]) for change in found["changes"]] == [("stop[0]", "yes")]
    assert [undone["step"] for undone in found["taken_back"]] == ["stop[1]", "one"]


def test_the_status_says_what_a_loop_and_an_undo_left(desk: Desk) -> None:
    found = json.loads(desk.do("status", "r1", "--format", "json").out)
    assert found["changes"] == [{"step": "stop[0]", "visit": 1, "changed": "yes"}]
    assert found["if_stopped"] is None
