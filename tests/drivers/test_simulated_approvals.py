"""Approvals in rehearsals: named by the scenario, held to the same rules, and marked as simulated."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.sitting import rehearsed, told

from runbook.language.loading import load_answers
from runbook.model.diagnostics import Refused

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
