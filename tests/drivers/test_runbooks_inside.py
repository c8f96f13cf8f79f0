"""A runbook that walks another: one run, one log, the steps of the inner one under longer addresses."""

import json
from pathlib import Path

import pytest
from tests.drivers.books import END, GOOD, book
from tests.drivers.sitting import Sitting, answering, loaded, rehearsed, replayed

from runbook.drivers.foresight import look_over
from runbook.kinds.registry import KINDS
from runbook.language.loading import load_answers
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Refused
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


def walked(root: Path, text: str = OUTER, answers: str = "", inner: str = INNER, **world: list[JsonObject]) -> Sitting:
    (root / "inner.yaml").write_text(inner)
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


def misfits(root: Path, *entries: str, text: str = OUTER) -> list[str]:
    """What is said of an answers file before the walk begins."""
    (root / "inner.yaml").write_text(INNER)
    runbook = loaded(root, text)
    path = root / "answers.yaml"
    path.write_text("answers:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries))
    answers = load_answers(str(path)).answers
    assert answers is not None
    return [f"{found.code.number} {found.message}" for found in look_over(answers, runbook, KINDS)]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("step: first/mend, confirm: 'yes'", ""),
        ("step: first/mend.undo, confirm: 'yes'", ""),
        ("step: first/look, do: go_to, to: mend, reason: so", ""),
        ("step: first/look, do: go_to, to: first/mend, reason: so", ""),
        ("step: first/look, do: go_to, to: after, reason: so", ""),
        ("step: first/look, do: go_to, to: nowhere, reason: so", "RB301 `do: go_to` at `first/look` leads to"),
        ("step: first/mend, choose: it", "RB301 `first/mend` never asks for `choose`"),
        ("step: first/nowhere, confirm: 'yes'", "RB300 there is no step `first/nowhere`"),
        ("step: after/look, confirm: 'yes'", "RB300 there is no step `after/look`"),
        ("step: 'first[0]/mend', confirm: 'yes'", "RB300 there is no step `first[0]/mend`"),
        ("step: mend, confirm: 'yes'", "RB300 there is no step `mend`"),
    ],
)
def test_answers_are_judged_by_the_runbook_that_they_are_inside_of(tmp_path: Path, entry: str, said: str) -> None:
    found = misfits(tmp_path, entry)
    assert len(found) == bool(said)
    assert all(one.startswith(said) for one in found)


def test_an_entry_serves_its_whole_visit_although_another_runbook_was_walked_meanwhile(tmp_path: Path) -> None:
    outer = book(
        "id: first\ntitle: First the other\nkind: runbook\npath: inner.yaml\ninputs: {host: app1}\n"
        "confirm: {phrase: go}\nexpect: finish == 'failed'\nnext: done\n",
        end=GOOD,
    )
    sitting = walked(tmp_path, outer, "  - {step: first, confirm: go, do: skip, reason: it is known}\n")
    assert [told["reason"] for told in sitting.told("step.skipped")] == ["it is known"]


def test_inside_a_loop_an_answer_names_the_element(tmp_path: Path) -> None:
    text = OUTER.replace("expect: finish == 'resolved'", "for_each: {in: '[1, 2]'}").replace(
        "${{ string(steps.first.host) }}", "${{ string(steps.first.passed) }}"
    )
    assert misfits(tmp_path, "step: 'first[1]/mend', confirm: 'yes'", text=text) == []
    assert misfits(tmp_path, "step: first/mend, confirm: 'yes'", text=text)[0].startswith("RB300")


def test_a_step_is_judged_by_the_outputs_of_the_runbook_that_it_walks(tmp_path: Path) -> None:
    text = OUTER.replace("expect: finish == 'resolved'", "expect: looks == 2\n    save: {where: host}")
    assert walked(tmp_path, text).path() == ["first", "bad"]
    sitting = walked(tmp_path, text, "  - {step: first/mend, confirm: yes}\n", look=[FAILS, PASSES])
    assert sitting.path() == ["first", "after", "done"]
    assert sitting.walk.saved == {"where": "app1"}


def test_a_walk_can_leave_the_runbook_inside_for_a_step_outside(tmp_path: Path) -> None:
    answers = "  - {step: first/mend, confirm: no, do: go_to, to: bad, reason: others look at it}\n"
    sitting = walked(tmp_path, answers=answers, look=[FAILS])
    assert sitting.path() == ["first", "bad"]
    deviation = sitting.told("deviation.recorded")[0]
    assert (deviation["step"], deviation["to"]) == ("first", "bad")


SCENARIO = """\
title: It mends
clock: simulated
world:
  first/look: [{exit_code: 1, stdout: "", stderr: ""}, {exit_code: 0, stdout: "", stderr: ""}]
  first/mend: [{exit_code: 0, stdout: "", stderr: ""}]
  after: [{exit_code: 0, stdout: "", stderr: ""}]
answers: [{step: first/mend, confirm: yes}]
expect:
  finish: resolved
  path: [first, after, done]
  must: [first/mend]
"""


def test_a_scenario_scripts_what_is_inside_and_walks_the_edges_of_its_own_runbook_only(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(INNER)
    told = rehearsed(tmp_path, OUTER, SCENARIO)
    assert list(told.failures) == []
    assert {(edge.source, edge.target) for edge in told.edges} == {("first", "after"), ("after", "done")}
    never = rehearsed(tmp_path, OUTER, SCENARIO.replace("must:", "never:"))
    assert list(never.failures) == ["`first/mend` must never start and did"]
    for wrong in ("first/nowhere", "look"):
        with pytest.raises(Refused, match=wrong):
            rehearsed(tmp_path, OUTER, SCENARIO.replace("first/mend: [", f"{wrong}: ["))


def test_a_cooldown_inside_counts_the_starts_of_the_inner_runbook(tmp_path: Path) -> None:
    inner = INNER.replace("    effect: change\n", "    effect: change\n    guards: [{cooldown: 60m}]\n")
    (tmp_path / "inner.yaml").write_text(inner)
    world = {"first/look": [FAILS, PASSES], "first/mend": [PASSES], "after": [PASSES]}
    book_ = loaded(tmp_path, OUTER)
    clock = SimulatedClock()
    operator = answering(tmp_path, "answers: [{step: first/mend, confirm: yes}]\n", clock)
    sitting = Sitting(book_, operator, clock=clock, world=world)
    sitting.go()
    checked = sitting.told("guard.checked", "first/mend")
    assert checked
    assert "inner" in json.dumps(checked[0])


@pytest.mark.parametrize("inside", [True, False], ids=["taken back inside", "taken back outside"])
def test_a_runbook_is_undone_when_all_that_it_has_changed_is(tmp_path: Path, *, inside: bool) -> None:
    back = "back" if inside else "well"
    mend = INNER.replace("next: look\n", f"next: {back}\n")
    taking = "  - {id: back, title: Back, kind: undo, next: well, on_fail: well}\n"
    inner = mend.replace("  - id: well\n", f"{taking * inside}  - id: well\n")
    text = book(
        "id: first\ntitle: First the other\nkind: runbook\npath: inner.yaml\ninputs: {host: app1}\n"
        "next: back\non_fail: bad\n",
        "id: back\ntitle: Take it back\nkind: undo\nwhen: '!steps.first.undone'\nnext: done\non_fail: bad\n",
        end=END.replace("outcome: resolved", "outcome: resolved\n    summary: ${{ steps.first.undone }}"),
    )
    steps = ("first/mend", "first/back" if inside else "back", "first/mend.undo")
    yes = "".join(f"  - {{step: {step}, confirm: yes}}\n" for step in steps)
    sitting = walked(tmp_path, text, yes, inner=inner, look=[FAILS])
    (what,) = (told["what"] for told in sitting.told("step.started", "done"))
    assert json.loads(str(what))["fields"]["summary"] == "true"
    assert (sitting.told("step.skipped", "back") != []) is inside
