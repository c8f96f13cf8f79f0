"""Taking back what a run has changed: by a step of the file, by the operator, and what becomes of what fails."""

from pathlib import Path

import pytest
from tests.drivers.books import END, book
from tests.drivers.sitting import Sitting, answering, loaded, replayed

from runbook.model.canonical import JsonObject
from runbook.walk.walk import Walk
from runbook.world.clock import SimulatedClock


def changing(step: str, then: str, fail: str = "") -> str:
    """A command that changes something and has an undo."""
    ways = f"next: {then}\n" + (f"on_fail: {fail}\n" if fail else "")
    return (
        f"id: {step}\ntitle: Change {step}\nkind: command\neffect: change\nargv: [change, {step}]\n{ways}"
        f"undo: {{kind: command, argv: [restore, {step}]}}\n"
    )


BOOK = book(
    changing("one", "two"),
    changing("two", "three"),
    changing("three", "back", "back"),
    "id: back\ntitle: Take it back\nkind: undo\nnext: done\non_fail: bad\n",
    end=END,
)
YES = "answers:\n" + "".join(f"  - {{step: {step}, confirm: yes}}\n" for step in ("one", "two", "three", "back"))
GOOD: JsonObject = {"exit_code": 0, "stdout": "", "stderr": ""}
BAD: JsonObject = {"exit_code": 1, "stdout": "", "stderr": ""}


def walked(root: Path, answers: str, text: str = BOOK, **world: list[JsonObject]) -> Sitting:
    clock = SimulatedClock()
    told = {name.replace("__", "."): entries for name, entries in world.items()}
    everything = {address: [GOOD] for address in ("one", "two", "three", "one.undo", "two.undo", "three.undo")}
    sitting = Sitting(loaded(root, text), answering(root, answers, clock), clock=clock, world={**everything, **told})
    sitting.go()
    assert left(replayed(sitting)) == left(sitting.walk)
    return sitting


def undone(sitting: Sitting) -> list[str]:
    started = [str(record.fields["step"]) for record in sitting.log.records if record.type == "step.started"]
    return [step for step in started[3:] if step not in {"done", "bad"}]


def left(walk: Walk) -> list[str]:
    return [change.step for change in walk.changes]


def test_an_undo_step_takes_back_everything_newest_first_and_asks_for_each(tmp_path: Path) -> None:
    answers = YES + "".join(f"  - {{step: {step}.undo, confirm: yes}}\n" for step in ("three", "two", "one"))
    sitting = walked(tmp_path, answers)
    assert undone(sitting) == ["back", "three.undo", "two.undo", "one.undo"]
    assert sitting.walk.finish is not None
    assert sitting.walk.finish.value == "resolved"
    assert left(sitting.walk) == []
    assert '"undone":["three","two","one"]' in str(sitting.told("step.finished", "back")[0]["obs"])


def test_an_undo_that_nobody_confirms_is_asked_about_and_what_it_leaves_is_left(tmp_path: Path) -> None:
    answers = YES + (
        "  - {step: three.undo, confirm: yes}\n"
        "  - {step: two.undo, confirm: no, do: skip, reason: it is wanted}\n"
        "  - {step: one.undo, confirm: yes}\n"
    )
    sitting = walked(tmp_path, answers)
    assert undone(sitting) == ["back", "three.undo", "one.undo"]
    assert left(sitting.walk) == ["two"]
    assert sitting.told("step.finished", "back")[0]["outcome"] == "failed"


@pytest.mark.reliability
def test_j12_a_second_undo_that_fails_and_a_third_change_that_is_unknown_are_asked_about(tmp_path: Path) -> None:
    answers = (
        "answers:\n"
        "  - {step: one, confirm: yes}\n"
        "  - {step: two, confirm: yes}\n"
        "  - {step: three, confirm: yes, settle: unknown, do: undo}\n"
        "  - {step: three.undo, do: retry}\n"
        "  - {step: three.undo, confirm: yes}\n"
        "  - {step: two.undo, confirm: yes, do: skip, reason: by hand tomorrow}\n"
        "  - {step: one.undo, confirm: yes}\n"
        "  - {step: three, do: abort, reason: enough}\n"
    )
    text = BOOK.replace("next: back\n    on_fail: back\n", "next: back\n")
    sitting = walked(tmp_path, answers, text, three=[{"lost": True}], two__undo=[BAD])
    assert undone(sitting) == ["three.undo", "two.undo", "one.undo"]
    assert left(sitting.walk) == ["two"]
    assert sitting.walk.finish is not None
    assert sitting.walk.finish.value == "aborted"
