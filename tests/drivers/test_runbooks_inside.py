"""A runbook that walks another: one run, one log, the steps of the inner one under longer addresses."""

import json
from pathlib import Path

from tests.drivers.books import END, GOOD, book
from tests.drivers.sitting import Sitting, answering, loaded, replayed

from runbook.model.canonical import JsonObject
from runbook.world.clock import SimulatedClock

PASSES: JsonObject = {"exit_code": 0, "stdout": "", "stderr": ""}
FAILS: JsonObject = {"exit_code": 1, "stdout": "", "stderr": ""}
INNER = """\
runbook: v1
id: inner
title: The inner one
inputs:
  host: {type: string}
  times: {type: integer, default: 2}
steps:
  - id: look
    title: Look at ${{ inputs.host }}
    kind: command
    effect: none
    argv: [look, "${{ inputs.host }}"]
    on_fail: mend
    next: well
  - id: mend
    title: Mend it
    kind: command
    effect: change
    argv: [mend, "${{ inputs.host }}"]
    undo: {kind: command, argv: [spoil, "${{ inputs.host }}"]}
    next: look
  - id: well
    kind: finish
    outcome: resolved
    outputs: {host: "${{ inputs.host }}", looks: "${{ steps.look.visits }}"}
"""
OUTER = book(
    "id: first\ntitle: First the other\nkind: runbook\npath: inner.yaml\ninputs: {host: app1}\n"
    "expect: finish == 'resolved'\nnext: after\non_fail: bad\n",
    "id: after\ntitle: Then this\nkind: command\neffect: none\nargv: [then, '${{ string(steps.first.host) }}']\n"
    "next: done\non_fail: bad\n",
    end=END,
)


def walked(root: Path, text: str = OUTER, answers: str = "", **world: list[JsonObject]) -> Sitting:
    (root / "inner.yaml").write_text(INNER)
    clock = SimulatedClock()
    entries = {"first/look": [PASSES], "first/mend": [PASSES], "first/mend.undo": [PASSES], "after": [PASSES]}
    told = {f"first/{name}": entry for name, entry in world.items()}
    file = f"answers:\n{answers}" if answers else "answers: []\n"
    sitting = Sitting(loaded(root, text), answering(root, file, clock), clock=clock, world={**entries, **told})
    sitting.go()
    assert replayed(sitting).phase is sitting.walk.phase
    return sitting


def test_the_steps_of_the_inner_runbook_stand_in_the_log_under_longer_addresses(tmp_path: Path) -> None:
    sitting = walked(tmp_path)
    entered = [(told["step"], told["via"], told.get("from")) for told in sitting.told("step.entered")]
    assert entered == [
        ("first", "start", None),
        ("first/look", "start", None),
        ("first/well", "passed", "first/look"),
        ("after", "passed", "first"),
        ("done", "passed", "after"),
    ]
    obs = json.loads(str(sitting.told("step.finished", "first")[0]["obs"]))
    assert obs == {"finish": "resolved", "host": "app1", "looks": 1}
    what = json.loads(str(sitting.told("step.started", "first")[0]["what"]))
    assert what["fields"]["inputs"] == {"host": "app1", "times": 2}
    assert '"then","app1"' in str(sitting.told("step.started", "after")[0]["what"])


def test_a_change_inside_is_confirmed_there_and_joins_the_changes_of_the_run(tmp_path: Path) -> None:
    answers = "  - {step: first/mend, confirm: yes}\n"
    sitting = walked(tmp_path, answers=answers, look=[FAILS, PASSES])
    assert sitting.told("confirmation.given")[0]["step"] == "first/mend"
    assert [(change.step, change.changed) for change in sitting.walk.changes] == [("first/mend", "yes")]


def test_a_change_inside_is_taken_back_by_an_undo_outside(tmp_path: Path) -> None:
    text = OUTER.replace("    next: done\n", "    next: back\n").replace(
        GOOD, "  - id: back\n    title: Take it back\n    kind: undo\n    next: done\n    on_fail: bad\n" + GOOD
    )
    answers = (
        "  - {step: first/mend, confirm: yes}\n"
        "  - {step: back, confirm: yes}\n"
        "  - {step: first/mend.undo, confirm: yes}\n"
    )
    sitting = walked(tmp_path, text, answers, look=[FAILS, PASSES])
    assert sitting.path() == ["first", "after", "back", "done"]
    assert sitting.walk.changes == []


def test_what_is_asked_inside_can_pause_the_run_and_be_gone_on_with(tmp_path: Path) -> None:
    sitting = walked(tmp_path, look=[FAILS, PASSES])
    assert sitting.types[-1] == "run.paused"
    inner = sitting.walk.inner()
    assert inner is not None
    assert inner.visit is not None
    assert inner.visit.step.id == "mend"


def test_a_runbook_that_ends_badly_fails_the_step_that_walks_it(tmp_path: Path) -> None:
    sitting = walked(tmp_path, answers="  - {step: first/look, do: abort, reason: enough}\n", look=[FAILS])
    assert sitting.types[-1] == "run.paused"
