"""The password-reset cascade cannot happen again: what its runbook refuses, and what it says then."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, answers
from tests.drivers.sitting import told

from runbook.drivers.rehearsal import rehearse
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario

RUNBOOKS = Path(__file__).resolve().parents[2] / "runbooks"
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    at = Desk(tmp_path)
    yield at
    at.settled()


def refusal(scenario: str) -> str:
    """What the guards of the reset say in a scenario of its runbook."""
    path = str(RUNBOOKS / "rotate_database_password.yaml")
    runbook = load(path, KINDS).runbook
    told_ = load_scenario(str(RUNBOOKS / "scenarios" / f"rotate_{scenario}.yaml")).scenario
    assert runbook is not None
    assert told_ is not None
    rehearsed = rehearse(told_, runbook, KINDS, files={path: "0" * 64})
    assert rehearsed.failures == []
    (refused,) = told(rehearsed.records, "step.refused", "reset")
    return str(refused["reason"])


def test_s3_the_second_reset_within_the_hour_is_refused_with_since_when_until_when_and_which_run() -> None:
    said = refusal("too_early")
    for part in ("40 min ago", "ben@example.com", "run 20261121-0930-rotate_database_password-b2mq", "not again until"):
        assert part in said, part


@pytest.mark.parametrize(("scenario", "said"), [("without_staging", "in staging"), ("staging_too_old", "7 d ago")])
def test_s3_production_is_refused_without_a_recent_run_on_staging(scenario: str, said: str) -> None:
    found = refusal(scenario)
    assert "there is no live run of `rotate_database_password` in staging that ended resolved" in found
    assert said in found


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", " "])
def test_s3_a_stray_byte_at_the_end_of_the_secret_is_found_before_it_is_used(desk: Desk, end: str) -> None:
    look = "id: look\nkind: env\nfrom: secrets\nrequire: {password: {pattern: '[a-z-]+', secret: true}}\non_fail: bad"
    text = book(f"{look}\nnext: reset", change("reset", then="done"), head="secrets:\n  password: {env: PASSWORD}\n")
    desk.write("answers.yaml", answers("step: reset, confirm: yes"))
    done = desk.walk(text, "--answers", "answers.yaml", env={"PASSWORD": PASSWORD + end})
    assert done.status == 1, done
    assert desk.effects() == []
    assert PASSWORD.encode() not in desk.every_byte()
    assert PASSWORD not in done.text


def staged(desk: Desk) -> str:
    """A runbook whose change wants a staging run that went well."""
    places = "environments:\n  staging: {}\n  production: {}\n"
    live = "when: environment.name == 'production'"
    guards = f"guards: [{{requires_run: {{environment: staging, finish: resolved, within: 1d}}, {live}}}]\n"
    desk.write("answers.yaml", answers("step: reset, confirm: yes"))
    return book(change("reset", then="done", more=guards), head=places)


def go(desk: Desk, text: str, place: str, run: str) -> int:
    return desk.walk(text, "--answers", "answers.yaml", "-e", place, run=run).status


def test_s3_a_live_run_on_staging_lets_production_go_and_its_log_is_judged_now(desk: Desk) -> None:
    text = staged(desk)
    assert go(desk, text, "production", "first") == 3
    assert "as far as this store knows" in desk.told("step.refused", "first")[0]["reason"]
    assert desk.do("abort", "first", "--reason", "staging first").status == 0
    assert go(desk, text, "staging", "second") == 0
    assert go(desk, text, "production", "third") == 0
    assert desk.effects() == ["reset", "reset"]
    log = desk.run("second").log
    log.write_bytes(log.read_bytes().replace(b"resolved", b"Resolved", 1))
    assert go(desk, text, "production", "fourth") == 3
    assert "run second: its log does not verify" in desk.told("step.refused", "fourth")[0]["reason"]


def test_s3_another_version_of_the_runbook_on_staging_does_not_count(desk: Desk) -> None:
    text = staged(desk)
    assert go(desk, text.replace("within: 1d", "within: 2d"), "staging", "first") == 0
    assert go(desk, text, "production", "second") == 3
    assert "another version of the runbook" in desk.told("step.refused", "second")[0]["reason"]


def test_s3_a_run_on_staging_in_which_the_step_was_passed_over_does_not_count(desk: Desk) -> None:
    text = staged(desk)
    desk.write("answers.yaml", answers("step: reset, confirm: no, do: skip, reason: not today"))
    assert go(desk, text, "staging", "first") == 0
    desk.write("answers.yaml", answers("step: reset, confirm: yes"))
    assert go(desk, text, "production", "second") == 3
    assert "`reset` did not pass in it" in desk.told("step.refused", "second")[0]["reason"]
