"""Others approve what a run does that an engine walks: asked for, signed, taken in and refused as at hand."""

import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_approve import Elsewhere
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, answers
from tests.drivers.engine import Crew
from tests.drivers.persons import ANA, BEN, CLEO, Persons, open_request
from tests.drivers.test_approving import GATE, ROLES, asking
from tests.drivers.test_temporal_runs import alike

from runbook.drivers.approval_texts import word_of

YES = "step: mend, confirm: yes"
GUARDED = book(
    change("mend", then="done", more="guards: [{cooldown: 60m, key: k, override: approval}]\n"),
    head=f'{ROLES}lock: "${{{{ run.id }}}}"\n',
)


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN, CLEO)


@pytest.fixture
def crew(crew: Crew, persons: Persons) -> Crew:
    crew.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    return crew


def waits(crew: Crew, text: str, *entries: str) -> None:
    """Submit a runbook, and answer for it until it waits for others."""
    submitted = crew.submit(text)
    assert submitted.status == 0, submitted.err
    left = crew.answer(*entries)
    assert left.status == 3, left.err
    assert "runbook approve" in left.err


def without_numbers(told: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """What became of steps and approvals, without what is another one in every run; a walk at hand was resumed."""
    numbers = {"request", "text", "signature", "not_after", "inbox", "action", "what"}
    return [
        (type_, {key: value for key, value in fields.items() if key not in numbers})
        for type_, fields in told
        if type_.startswith(("approval.", "step."))
    ]


def test_a_submitted_step_waits_for_approvals_as_a_walk_at_hand_does(
    crew: Crew, persons: Persons, tmp_path: Path
) -> None:
    crew.worker()
    waits(crew, asking(2), YES)
    assert crew.effects() == []
    persons.approve(crew.run(), BEN)
    persons.approve(crew.run(), BEN)
    crew.walked("approval.refused")
    persons.approve(crew.run(), CLEO)
    crew.walked("run.finished")
    assert crew.effects() == ["mend"]
    assert crew.verify() == 0
    (tmp_path / "hand").mkdir()
    hand = Desk(tmp_path / "hand")
    hand.env |= {name: crew.env[name] for name in ("RUNBOOK_KEY", "RUNBOOK_ALLOWED_SIGNERS")}
    hand.write("answers.yaml", answers(YES))
    hand.walk(asking(2), "--operator", ANA, "--answers", "answers.yaml")
    for person in (BEN, BEN, CLEO):
        persons.approve(hand.run(), person)
    assert hand.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert without_numbers(alike(crew.records())) == without_numbers(alike(hand.records()))
    persons.list(ANA, BEN, cleo="other")
    assert crew.verify() == hand.verify() == 5


def test_approvals_come_by_number_from_another_machine_or_are_pasted_where_somebody_answers(
    crew: Crew, persons: Persons
) -> None:
    crew.worker()
    crew.submit(asking(2))
    with ExitStack() as stack:
        there = Elsewhere(crew, persons, stack)
        operator = there.terminal("ana", "answer", "r1", "--operator", ANA)
        operator.expect("CHANGES SOMETHING", "You confirm it first; then others must approve it: 2 with the role ")
        operator.answer("yes", guarded=True)
        crew.walked("approval.requested")
        operator.expect("OTHERS MUST APPROVE", "-----BEGIN RUNBOOK REQUEST-----", "0 of 2 approved")
        request = open_request(crew.run())
        approver = there.terminal("ben", "approve", request.signed.request)
        approver.expect("Type `yes` to approve it as ben@example.com")
        approver.answer("yes")
        crew.walked("approval.given")
        operator.expect(f"approved by {BEN}", "1 of 2 approved")
        operator.answer("nonsense")
        operator.expect("neither an approval nor a file with one")
        word = crew.write("word", word_of(persons.approval(request, CLEO)))
        operator.answer(str(word))
        operator.expect(f"approved by {CLEO}", "run r1 is over: resolved")
        assert operator.end() == 0
    assert crew.verify() == 0


def test_kills_of_worker_and_engine_do_not_end_the_wait_for_an_approval(crew: Crew, persons: Persons) -> None:
    first = crew.worker()
    waits(crew, GATE, "step: may_we, confirm: yes")
    first.signal(signal.SIGKILL)
    crew.engine.kill()
    persons.approve(crew.run(), BEN)
    crew.engine.start()
    crew.worker()
    crew.walked("approval.given")
    assert crew.answer("step: may_we, confirm: yes").status == 0
    assert f'"approvals":["{BEN}"]' in crew.told("step.finished")[0]["obs"]
    assert crew.verify() == 0


def test_nobody_approves_for_themselves_whatever_they_are_called(crew: Crew, persons: Persons) -> None:
    persons.list(ANA, BEN, CLEO, benjamin="ben")
    crew.worker()
    waits(crew, asking(2), YES)
    persons.approve(crew.run(), BEN)
    crew.walked("approval.given")
    taken = crew.answer("step: mend, do: abort, reason: mine", operator="benjamin@example.com")
    assert taken.status == 3, taken.err
    assert crew.told("run.handed_over") == []
    persons.approve(crew.run(), CLEO)
    crew.walked("run.finished")
    assert crew.verify() == 0


def test_a_request_that_nobody_can_sign_or_that_expires_refuses_the_step(crew: Crew) -> None:
    key = crew.env.pop("RUNBOOK_KEY")
    crew.worker()
    crew.submit(asking(more=", expires: 1s"))
    left = crew.answer(YES, "step: mend, do: retry, reason: again")
    crew.env["RUNBOOK_KEY"] = key
    assert "answer with --key FILE" in str(crew.told("step.refused")[0]["reason"]), left.err
    crew.answer("step: mend, do: retry, reason: again, confirm: yes", YES)
    crew.walked("step.refused", count=2)
    assert "the request was open until" in str(crew.told("step.refused")[1]["reason"])
    assert crew.effects() == []


@pytest.mark.full
def test_a_guard_is_overridden_where_somebody_else_approves_that(crew: Crew, persons: Persons) -> None:
    crew.worker()
    crew.submit(GUARDED, run="r0")
    assert crew.answer(YES, run="r0").status == 0
    waits(crew, GUARDED, "step: mend, do: override, reason: it had no effect, confirm: yes")
    persons.approve(crew.run(), CLEO)
    crew.walked("guard.overridden")
    assert crew.answer(YES).status == 0
    assert crew.effects() == ["mend", "mend"]
    assert [(told["by"], told["reason"]) for told in crew.told("guard.overridden")] == [(CLEO, "it had no effect")]
    assert crew.verify() == 0
