"""A runbook inside another at a terminal: where one is, whom to call, how to leave it, how to go on inside."""

from pathlib import Path

import pytest
from tests.drivers.terminal.conftest import Walking

INNER = """\
runbook: v1
id: inner
title: The inner one
environments: {production: {}}
contacts: [{name: Inner team, reach: "tel: 2"}]
inputs: {host: {type: string}}
steps:
  - {id: look, kind: manual, effect: none, title: "Look at ${{ inputs.host }}", instructions: Look.}
  - {id: again, kind: manual, effect: none, title: Look again, instructions: Look.}
  - {id: well, kind: finish, outcome: resolved}
"""
OUTER = (
    '  - {id: outer, kind: runbook, path: inner.yaml, inputs: {host: "${{ item }}"}, '
    'for_each: {in: \'["web-1", "web-2"]\'}, next: after, on_fail: after}\n'
    "  - {id: after, kind: manual, effect: none, title: Look outside, instructions: Look.}\n"
    "  - {id: done, kind: finish, outcome: resolved}\n"
)
ONCE = OUTER.replace(', for_each: {in: \'["web-1", "web-2"]\'}', "").replace("${{ item }}", "app1")
HEAD = """\
runbook: v1
id: demo
title: The outer one
contacts: [{name: Boss, reach: "tel: 1"}]
environments: {production: {}}
"""


@pytest.fixture(autouse=True)
def inner(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(INNER)


def test_a_heading_that_does_not_fit_is_wrapped_between_words(walking: Walking) -> None:
    terminal = walking.start(OUTER, head=HEAD, columns=34)
    terminal.expect("Enter run it")
    terminal.answer("")
    terminal.expect("inside outer[0] · visit 1", "d it is done")
    assert "visit" in terminal.text.split("inside outer[0]")[1].split()


def test_the_line_below_the_heading_says_inside_of_what_one_is(walking: Walking) -> None:
    terminal = walking.start(OUTER, head=HEAD)
    terminal.expect("Enter run it")
    terminal.answer("")
    terminal.expect("outer[0] web-1 › look", "Look at web-1", "d it is done")
    terminal.answer("d")
    terminal.expect("outer[0] web-1 › ✓ look › again")
    terminal.answer("d")
    terminal.expect("outer[1] web-2 › look", "Look at web-2")


def test_contacts_are_those_inside_and_then_those_outside(walking: Walking) -> None:
    terminal = walking.start(ONCE, head=HEAD)
    terminal.expect("outer › look")
    terminal.answer("c")
    terminal.expect("Inner team", "tel: 2", "Boss", "tel: 1")


def test_to_go_to_a_step_outside_leaves_the_runbook_inside_and_says_so_before(walking: Walking) -> None:
    terminal = walking.start(ONCE, head=HEAD)
    terminal.expect("outer › look")
    terminal.answer("g")
    terminal.expect("1 look", "Or out of `outer`, which is then not finished:", "after", "Go to which step?")
    terminal.answer("after")
    terminal.expect("Why go to `after`?")
    terminal.answer("others look")
    terminal.expect("outer › after", "Look outside")


def test_what_was_paused_inside_goes_on_inside(walking: Walking) -> None:
    terminal = walking.start(ONCE, head=HEAD)
    terminal.expect("outer › look")
    terminal.answer("d")
    terminal.expect("outer › ✓ look › again")
    terminal.answer("p")
    terminal.expect("paused")


def test_a_step_that_fails_inside_a_loop_is_asked_about_before_the_next_element_begins(
    walking: Walking, tmp_path: Path
) -> None:
    fails = "kind: command, effect: none, argv: ['false'], title: Look again"
    (tmp_path / "inner.yaml").write_text(
        INNER.replace("kind: manual, effect: none, title: Look again, instructions: Look.", fails)
    )
    terminal = walking.start(OUTER.replace("for_each: {", "for_each: {max_failures: 1, "), head=HEAD)
    terminal.expect("Enter run it")
    terminal.answer("")
    terminal.expect("outer[0] web-1 › look", "d it is done")
    terminal.answer("d")
    terminal.expect("again", "Enter run it")
    terminal.answer("")
    terminal.expect("THE FILE NAMES NO WAY ON FROM HERE", "s skip it and go on at `well`")
    assert walking.started() == ["outer", "outer[0]", "outer[0]/look", "outer[0]/again"]
    terminal.answer("s")
    terminal.expect("Why skip it?")
    terminal.answer("it is known")
    terminal.expect("outer[1] web-2 › look")


def test_inside_the_key_for_undoing_says_what_was_changed_outside(walking: Walking) -> None:
    change = (
        "  - {id: mend, kind: command, effect: change, title: Mend it, argv: [echo, mended], "
        "undo: {kind: command, argv: [echo, spoilt]}}\n"
    )
    terminal = walking.start(change + ONCE, head=HEAD)
    terminal.expect("yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("outer › look", "d it is done")
    terminal.answer("u")
    terminal.expect(
        "Nothing is taken back from here: `outer` has changed nothing that can be. What was changed outside of "
        "`outer` is taken back there, after it or by `g`: mend."
    )
    terminal.answer("d")
    terminal.expect("again", "d it is done")
    terminal.answer("d")
    terminal.expect("this runbook ends as resolved", "Look outside")


def test_a_loop_of_runbooks_does_not_claim_to_read_only(walking: Walking) -> None:
    terminal = walking.start(OUTER, head=HEAD)
    shown = terminal.expect("each of its steps is shown, and each change asked about, by itself", "Enter run it")
    assert "reads only" not in shown
