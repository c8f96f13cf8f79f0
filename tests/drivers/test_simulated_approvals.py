"""Approvals in rehearsals: named by the scenario, held to the same rules, and marked as simulated."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.sitting import Sitting, answering, loaded, rehearsed, replayed, told

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Hand, Place, Sought
from runbook.language.loading import load_answers
from runbook.model.diagnostics import Refused
from runbook.world.clock import SimulatedClock

ROLES = "roles: {platform: [ana@example.com, ben@example.com, cleo@example.com]}\n"
ASKED = "confirm: {approvals: {count: 2, from: [platform]}}\n"
BOOK = book(change("mend", then="done", more=ASKED), head=ROLES)


def scenario(approvals: str) -> str:
    return (
        f"operator: ana@example.com\nworld: {{mend: [{{exit_code: 0}}]}}\n"
        f"answers: [{{step: mend, confirm: yes, approvals: [{approvals}]}}]\nexpect: {{finish: resolved}}\n"
    )


def test_a_scenario_names_who_approves(tmp_path: Path) -> None:
    walked = rehearsed(tmp_path, BOOK, scenario("ben@example.com, cleo@example.com"))
    assert walked.failures == []
    given = told(walked.records, "approval.given")
    assert [(one["approver"], one["key"], one["signature"]) for one in given] == [
        ("ben@example.com", "simulated:ben@example.com", ""),
        ("cleo@example.com", "simulated:cleo@example.com", ""),
    ]


@pytest.mark.parametrize(
    ("approvals", "why"),
    [
        ("ben@example.com, ben@example.com", "has approved already"),
        ("ben@example.com, ana@example.com", "is the operator"),
        ("ben@example.com, zoe@example.com", "has none of the roles"),
    ],
)
def test_the_rules_of_the_walk_hold_in_a_rehearsal_too(approvals: str, why: str, tmp_path: Path) -> None:
    walked = rehearsed(tmp_path, BOOK, scenario(approvals))
    assert "waits for 1 more to approve" in walked.failures[0]
    assert [why in str(one["reason"]) for one in told(walked.records, "approval.refused")] == [True]


def test_approvals_that_no_step_asks_for_are_refused_before_the_walk(tmp_path: Path) -> None:
    text = book(change("mend", then="done"), head=ROLES)
    with pytest.raises(Refused, match="never asks for `approvals`"):
        rehearsed(tmp_path, text, scenario("ben@example.com"))


def test_an_answers_file_approves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("answers: [{step: mend, confirm: yes, approvals: [ben@example.com]}]\n")
    assert [diagnostic.code.number for diagnostic in load_answers(str(path)).diagnostics] == ["RB120"]


GATE = (
    "id: mend\nkind: gate\nquestion: May we?\n" + ASKED.replace("count: 2", "count: 1") + "next: done\non_fail: bad\n"
)


class Named(AnswersOperator):
    """Confirms everything; ben approves whenever somebody is asked to."""

    def approval(self, place: Place, sought: Sought, ms: int) -> str | Hand | None:
        """Name ben."""
        del place, sought, ms
        return "ben@example.com"


@pytest.mark.parametrize("step", [change("mend", then="done", more=ASKED.replace("count: 2", "count: 1")), GATE])
def test_what_was_approved_is_not_started_after_its_time_but_asked_about_anew(step: str, tmp_path: Path) -> None:
    clock = SimulatedClock()
    yes = answering(tmp_path, "answers: [{step: mend, confirm: yes}]", clock)
    operator = Named(yes.unused(), clock)

    def sleep_once(journal: Journal) -> None:
        if sitting.types.count("approval.given") == 1 and journal.mono() < 3_600_000:
            clock.wait(3_600_001)

    sitting = Sitting(
        loaded(tmp_path, book(step, head=ROLES)),
        operator,
        clock=clock,
        world={"mend": [{"exit_code": 0}]},
        messages=sleep_once,
    )
    sitting.go()
    assert sitting.types.count("approval.requested") == 2
    assert sitting.types.count("step.started") == 2  # it, and the end
    assert replayed(sitting).finish is not None
