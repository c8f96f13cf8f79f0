"""A guard that refuses, on a real terminal: what is said, what may be done, and that its consequence is said first."""

import pytest
from tests.drivers.terminal.conftest import Walking

DONE = "  - {id: done, kind: finish, outcome: resolved}\n"


def guarded(override: str) -> str:
    """A change that fails, and may start again an hour later."""
    return (
        "  - id: reset\n    title: Reset it\n    kind: command\n    effect: change\n    undo: none\n"
        "    because: a test\n    argv: ['false']\n    next: done\n"
        f"    guards: [{{cooldown: 60m, key: database{override}}}]\n"
    )


@pytest.mark.reliability
def test_j10_a_guard_is_overridden_with_a_reason_after_its_consequence_was_said(walking: Walking) -> None:
    terminal = walking.start(guarded(", override: reason") + DONE)
    terminal.expect("Guards and locks see")
    terminal.expect("yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("THE FILE NAMES NO WAY ON")
    terminal.answer("r")
    terminal.expect("Why try again?")
    terminal.answer("it did nothing")
    terminal.expect("NOT STARTED", "`database` was started", "not again until")
    terminal.expect("o override what refuses it, this once; asks why")
    terminal.answer("o")
    terminal.expect("Why may it start all the same?")
    terminal.answer("")
    terminal.expect("o override what refuses it")
    terminal.answer("o")
    terminal.expect("Why may it start all the same?")
    terminal.answer("the first one never reached it")
    terminal.expect("yes do it now")
    assert [record["reason"] for record in walking.records("guard.overridden")] == ["the first one never reached it"]
    assert [record["deviation"] for record in walking.records("deviation.recorded")] == ["retry", "override"]


@pytest.mark.reliability
def test_j10_a_guard_that_nobody_may_override_offers_no_such_key(walking: Walking) -> None:
    terminal = walking.start(guarded("") + DONE)
    terminal.expect("yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("THE FILE NAMES NO WAY ON")
    terminal.answer("r")
    terminal.expect("Why try again?")
    terminal.answer("it did nothing")
    said = terminal.expect("NOT STARTED", "r try again", "a abort")
    assert "o override" not in said
    terminal.answer("o")
    terminal.expect("`o` is no key here.")
    assert walking.records("guard.overridden") == []
