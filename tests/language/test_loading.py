"""A file is loaded with everything that is said about it, in file order, or with nothing to say."""

import hashlib
from pathlib import Path

import pytest
from tests.language.conftest import Load

from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_answers, load_scenario
from runbook.model.runbook import Finish
from runbook.model.scenario import Expected, Scripted, ScriptedEvent, Trouble

ROOT = Path(__file__).resolve().parents[2]


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    loaded = load(str(tmp_path / "no.yaml"), KINDS)
    assert (loaded.document, loaded.runbook, loaded.sha256) == (None, None, "")
    assert [diagnostic.code.number for diagnostic in loaded.diagnostics] == ["RB100"]


def test_the_digest_is_that_of_the_bytes(load_text: Load) -> None:
    text = "runbook: v1\nid: a\nsteps: [{id: done, kind: finish, outcome: completed}]\n"
    assert load_text(text).sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_mistakes_of_meaning_are_told_together_in_file_order(load_text: Load) -> None:
    loaded = load_text("""runbook: v1
id: order
environments: {a: {x: 1}, b: {y: 1}}
steps:
  - id: it
    kind: command
    effect: change
    script: echo ${{ run.id }}
    next: nowhere
  - id: done
    kind: finish
    outcome: completed
""")
    places = [(diagnostic.span.line, diagnostic.code.number) for diagnostic in loaded.diagnostics if diagnostic.span]
    assert [place for place in places if place[1] in {"RB130", "RB252", "RB257", "RB201"}] == [
        (3, "RB130"),
        (3, "RB130"),
        (7, "RB252"),
        (8, "RB257"),
        (9, "RB201"),
    ]
    assert places == sorted(places)


def test_a_scenario_is_bound() -> None:
    scenario = load_scenario(str(ROOT / "tests" / "right" / "scenarios" / "orders.yaml")).scenario
    assert scenario is not None
    assert (scenario.runbook, scenario.environment, scenario.operator) == (
        "../orders_cannot_be_placed.yaml",
        "production",
        "trainee",
    )
    assert scenario.simulated
    assert scenario.world["health"].attempts == (
        Scripted(observation={"status": 500, "body": {"error": "boom"}}),
        Scripted(trouble=Trouble.TIMEOUT),
        Scripted(trouble=Trouble.REFUSED),
    )
    assert scenario.world["roll_back"].attempts == (
        Scripted(trouble=Trouble.LOST, reason="the cable was cut", delay=3_000),
    )
    assert scenario.events == (ScriptedEvent(after=300_000, say="Support calls. Refunds are being asked for."),)
    assert scenario.answers[2].confirm == "production"
    assert scenario.expect == Expected(
        finish=Finish.RESOLVED,
        path=scenario.expect.path,
        must=("roll_back",),
        never=("migrate",),
        within=1_800_000,
    )


def test_mistakes_in_a_scenario_are_told_at_their_places(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("""scenario: v1
runbok: a.yaml
world:
  Health: [{status: 200}]
  health: []
  roll_back: [{lost: false, delay: 3}]
answers: [{step: a, confirm: true, do: retyr}]
expect: {finish: solved}
""")
    said = load_scenario(str(path)).diagnostics
    assert [f"{d.span.line}:{d.span.column} {d.code.number} {d.help}" for d in said if d.span] == [
        "2:1 RB120 did you mean `runbook`?",
        "4:3 RB125 write the address of a step: ID, outer/inner, ID[2], ID.undo, ID.probe, ID.until, or ID.ITEM",
        "5:3 RB126 write at least one element",
        "6:22 RB124 write `true`",
        "6:36 RB122 write `3s` if seconds are meant",
        '7:30 RB122 put it in quotes: "true"',
        "7:40 RB124 did you mean `retry`?",
        "8:18 RB124 did you mean `resolved`?",
    ]


def test_an_answers_file_is_bound(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("answers:\n  - {step: a, confirm: yes, items: {x: not_verified}, reason: 'no'}\n")
    answers = load_answers(str(path)).answers
    assert answers is not None
    (answer,) = answers.entries
    assert (answer.step, answer.confirm, answer.reason, answer.choose) == ("a", "yes", "no", None)
    assert dict(answer.items) == {"x": "not_verified"}
    assert answer.span.line == 2


@pytest.mark.parametrize(
    ("text", "help_"),
    [
        ("scenario: v1\nrunbook: ../a.yaml\ntitle: x\nanswers: []", "`runbook test FILE` walks it"),
        ("answers: []", "give it to a walk: `runbook run RUNBOOK --answers FILE`"),
    ],
)
def test_a_file_of_another_sort_is_told_as_one(text: str, help_: str, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(text)
    (said,) = load(str(path), KINDS).diagnostics
    assert (said.code.number, said.help) == ("RB120", help_)
