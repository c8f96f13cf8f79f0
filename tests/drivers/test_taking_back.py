"""Taking back what a run has changed: by a step of the file, by the operator, and what becomes of what fails."""

import json
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


def saying(*steps: str) -> str:
    """Two ends that say of these steps whether they are undone."""
    said = " ".join(f"${{{{ steps.{step}.undone }}}}" for step in steps)
    return "".join(f"{line}\n" + f"    summary: {said}\n" * ("outcome" in line) for line in END.splitlines())


def said(sitting: Sitting) -> str:
    """What the end said."""
    (what,) = (each["what"] for step in ("done", "bad") for each in sitting.told("step.started", step))
    return str(json.loads(str(what))["fields"]["summary"])


def test_an_end_says_what_of_each_step_was_taken_back_before(tmp_path: Path) -> None:
    text = BOOK.replace("kind: undo", "kind: undo\n    since: two").replace(END, saying("one", "two", "three"))
    two = "  - {step: two.undo, confirm: yes}\n"
    answers = f"{YES}  - {{step: three.undo, confirm: yes}}\n"
    assert said(walked(tmp_path, answers + two, text)) == "false true true"
    kept = "  - {step: two.undo, confirm: no, do: skip, reason: it is wanted}\n"
    assert said(walked(tmp_path, answers + kept, text)) == "false false true"


def test_what_is_changed_again_is_not_undone(tmp_path: Path) -> None:
    text = book(
        changing("one", "back", "bad"),
        "id: back\ntitle: Take it back\nkind: undo\nnext: which\non_fail: bad\n",
        "id: which\ntitle: Again?\nkind: choice\noptions:\n"
        "  - {id: again, label: Again, next: one}\n  - {id: end, label: No, next: done}\n",
        end=saying("one"),
    )
    yes = "".join(f"  - {{step: {step}, confirm: yes}}\n" for step in ("one", "back", "one.undo"))
    end = "  - {step: which, choose: end}\n"
    assert said(walked(tmp_path, f"answers:\n{yes}{end}", text)) == "true"
    again = (
        "  - {step: which, choose: again}\n  - {step: one, confirm: yes}\n"
        "  - {step: back, confirm: no, do: skip, reason: it is wanted}\n"
    )
    assert said(walked(tmp_path, f"answers:\n{yes}{again}{end}", text)) == "false"


@pytest.mark.parametrize(
    ("second", "undone"), [("confirm: yes", "true"), ("confirm: no, do: skip, reason: x", "false")]
)
def test_a_loop_is_undone_when_each_of_its_elements_is(tmp_path: Path, second: str, undone: str) -> None:
    text = book(
        "id: one\ntitle: Change\nkind: command\neffect: change\nargv: [change, '${{ item }}']\n"
        "next: back\non_fail: bad\n"
        "for_each: {in: \"['a', 'b']\"}\nundo: {kind: command, argv: [restore, '${{ item }}']}\n",
        "id: back\ntitle: Take it back\nkind: undo\nnext: done\non_fail: bad\n",
        end=saying("one"),
    )
    answers = (
        "answers:\n  - {step: one, confirm: yes}\n  - {step: back, confirm: yes}\n"
        f"  - {{step: 'one[1].undo', confirm: yes}}\n  - {{step: 'one[0].undo', {second}}}\n"
    )
    world = {f"one[{each}]{part}": [GOOD] for each in range(2) for part in ("", ".undo")}
    assert said(walked(tmp_path, answers, text, **world)) == undone
