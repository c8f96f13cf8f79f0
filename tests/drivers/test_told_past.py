"""The past that a scenario tells: guards refuse in a rehearsal as they would, and their refusals count as edges."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.sitting import rehearsed, told

from runbook.model.diagnostics import Refused
from runbook.model.graph import refusal_of

PLACES = "environments:\n  staging: {}\n  production: {}\n"
REQUIRES = (
    "{requires_run: {environment: staging, finish: resolved, within: 1d}, when: environment.name == 'production'}"
)
GUARDS = f"guards:\n  - {{cooldown: 60m}}\n  - {{cooldown: 30m, key: database}}\n  - {REQUIRES}\n"
TEXT = book(change("reset", then="done", more=GUARDS), head=PLACES)
GOOD = "{run: s1, ago: 3h, environment: staging, finish: resolved, passed: [reset]}"
SCENARIO = """
environment: production
past: [{past}]
world: {{reset: [{{exit_code: 0}}]}}
answers: [{answer}]
expect: {{finish: {finish}, path: [{path}]}}
"""
REFUSED = {"answer": "{step: reset, do: abort, reason: too early}", "finish": "aborted", "path": "reset"}


def reason(root: Path, past: str) -> str:
    """Why the guards of a rehearsal refuse; empty if they do not."""
    walked = rehearsed(root, TEXT, SCENARIO.format(past=past, **REFUSED))
    refused = told(walked.records, "step.refused", "reset")
    if refused:
        assert walked.failures == []
        assert refusal_of("reset") in walked.edges
    return str(refused[0]["reason"]) if refused else ""


@pytest.mark.parametrize(
    ("past", "said"),
    [
        ("", "there is no live run of `tested` in staging"),
        ("{run: s1, ago: 25h, environment: staging, finish: resolved, passed: [reset]}", "it ended 1 d 1 h ago"),
        ("{run: s1, ago: 1h, environment: staging, finish: failed, passed: [reset]}", "it ended failed"),
        ("{run: s1, ago: 1h, environment: staging, finish: resolved}", "`reset` did not pass in it"),
        ("{run: s1, ago: 1h, environment: production, finish: resolved, passed: [reset]}", "it is another one's"),
        (f"{GOOD}, {{run: p1, ago: 40m, environment: production, started: [reset]}}", "run p1"),
        (f"{GOOD}, {{run: p1, ago: 20m, started: [{{step: reset, key: database}}], runbook: other}}", "`database`"),
        (
            f"{GOOD}, {{run: p1, ago: 40m, environment: production, started: [reset], operator: ben@example.com}}",
            "ben@",
        ),
        (GOOD, ""),
        (f"{GOOD}, {{run: p1, ago: 61m, environment: production, started: [reset]}}", ""),
        (f"{GOOD}, {{run: s2, ago: 1m, environment: staging, started: [reset]}}", ""),
    ],
)
def test_what_is_told_of_other_runs_decides(tmp_path: Path, past: str, said: str) -> None:
    found = reason(tmp_path, past)
    assert said in found
    assert bool(said) is bool(found)


@pytest.mark.parametrize(
    "past",
    [
        "{run: p1, ago: 1m, environment: production, started: [rest]}",
        "{run: p1, ago: 1m, environment: production, passed: [rest], finish: resolved}",
        "{run: p1, ago: 1m, environment: prod}",
    ],
)
def test_what_the_runbook_does_not_have_is_refused(tmp_path: Path, past: str) -> None:
    with pytest.raises(Refused, match="the past of run `p1` names"):
        reason(tmp_path, past)


ROLES = "roles:\n  data: [ben@example.com, cleo@example.com]\n"
APPROVED = book(
    change("reset", then="done", more="guards: [{cooldown: 60m, override: approval}]\n"), head=f"{PLACES}{ROLES}"
)
OVERRIDE = "do: override, reason: the first one had no effect, confirm: yes"
TOLD = """
environment: production
operator: ana@example.com
past: [{{run: p1, ago: 40m, environment: production, started: [reset]}}]
world: {{reset: [{{exit_code: 0}}]}}
answers: [{{step: reset, {answer}}}]
expect: {{finish: resolved, path: [reset, done]}}
"""


@pytest.mark.reliability
@pytest.mark.parametrize("person", ["ben@example.com", "ana@example.com", "eve@example.com"])
def test_j10_an_override_that_wants_an_approval_has_it_of_somebody_in_the_role_who_is_not_the_operator(
    tmp_path: Path, person: str
) -> None:
    walked = rehearsed(tmp_path, APPROVED, TOLD.format(answer=f"{OVERRIDE}, approvals: [{person}]"))
    overridden = told(walked.records, "guard.overridden", "reset")
    if person == "ben@example.com":
        assert walked.failures == []
        assert [(one["by"], one["reason"]) for one in overridden] == [(person, "the first one had no effect")]
    else:
        assert overridden == told(walked.records, "step.started", "reset") == []
        assert any("waits for 1 more to approve" in failure for failure in walked.failures)
