"""A dry run at a terminal, and the question before an end that would leave something changed."""

from tests.drivers.terminal.conftest import Walking

CHANGE = """\
  - {id: change, kind: command, effect: change, title: Change it, argv: [touch, changed], confirm: {phrase: now},
     undo: {kind: command, argv: [rm, changed]}, on_fail: bad, next: look}
  - {id: look, kind: command, effect: none, argv: [test, -e, nothing], next: done, on_fail: bad}
  - {id: done, kind: finish, outcome: resolved}
  - {id: bad, kind: finish, outcome: failed}
"""


def test_a_dry_run_shows_a_change_and_what_a_live_run_asks_for_and_takes_it_as_the_operator_says(
    walking: Walking,
) -> None:
    terminal = walking.start(CHANGE, env={"MODE": "dry"})
    terminal.expect("DRY RUN: nothing is changed")
    assert "that you have not confirmed" not in terminal.text
    terminal.expect("WOULD BE DONE, AND IS NOT", "touch changed", "To take it back: rm changed", "typed phrase `now`")
    assert terminal.text.count("touch changed") == 1
    terminal.answer("f")
    terminal.expect("shown, not done; taken as failed")
    assert terminal.end() == 0
    assert [record["fidelity"] for record in walking.records("step.finished")] == ["shown", "ran"]


def test_in_a_dry_run_what_follows_a_change_is_run_and_passes(walking: Walking) -> None:
    terminal = walking.start(CHANGE, env={"MODE": "dry"})
    terminal.expect("go on as if it had been done")
    terminal.answer("")
    terminal.expect("Enter run it")
    terminal.answer("")
    terminal.expect("nothing follows from it")
    assert terminal.end() == 0
    assert walking.started() == ["change", "look", "done"]


def test_before_an_end_that_leaves_something_changed_it_can_be_taken_back(walking: Walking) -> None:
    """What the end says is put together again after that, and so the report and the last screen are true."""
    says = 'summary: \'${{ steps.change.undone ? "It is as it was." : "It is changed." }}\''
    terminal = walking.start(CHANGE.replace("outcome: failed", f"outcome: failed, {says}"))
    terminal.expect("now")
    terminal.answer("now", guarded=True)
    terminal.expect("Enter run it")
    terminal.answer("")
    terminal.expect("It is changed.", "what is changed stays so", "u take back first what was changed: change")
    terminal.answer("u")
    terminal.expect("TAKE BACK 1", "rm changed", "Afterwards `bad` is asked about again", "Type `undo` to begin")
    terminal.answer("undo", guarded=True)
    terminal.expect("yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("It is as it was.", "FAILED")
    (end,) = [record for record in walking.records("step.started") if record["step"] == "bad"]
    assert "It is as it was." in str(end["what"])


def test_a_change_that_a_dry_run_takes_as_unknown_is_settled_and_nothing_is_said_to_have_happened(
    walking: Walking,
) -> None:
    terminal = walking.start(CHANGE, env={"MODE": "dry"})
    terminal.expect("x go on as if nobody had seen the result")
    terminal.answer("x")
    terminal.expect("DRY RUN: NOTHING WAS DONE, AND IT IS TAKEN AS UNKNOWN")
    assert "NOBODY SAW" not in terminal.text
