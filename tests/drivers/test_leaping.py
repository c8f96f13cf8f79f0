"""Simulated time passes in one go, and what happens by itself meanwhile is told in its time."""

from pathlib import Path

from runbook.drivers.rehearsal import rehearse
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario

BOOK = """runbook: v1
id: patient
title: Patient
reminders:
  - {every: 24h, say: Look after it}
  - {after: 36h, say: Call somebody}
steps:
  - {id: calm, title: Calm, kind: wait, for: 100h}
  - id: ready
    title: Ready
    kind: wait
    until: {kind: command, argv: [ready]}
    every: 20m
    timeout: 2h
    next: done
    on_fail: done
  - {id: done, kind: finish, outcome: resolved}
"""
SCENARIO = """scenario: v1
runbook: book.yaml
world: {ready.until: [{exit_code: 1}, {exit_code: 1}, {exit_code: 0}]}
events: [{after: 90s, say: Support calls}, {after: 24h, say: Still there}]
expect: {finish: resolved, path: [calm, ready, done]}
"""
HOUR = 3_600_000


def test_what_happens_in_a_long_wait_is_told_in_its_time(tmp_path: Path) -> None:
    (tmp_path / "book.yaml").write_text(BOOK)
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    runbook, scenario = (
        load(str(tmp_path / "book.yaml"), KINDS).runbook,
        load_scenario(str(tmp_path / "scenario.yaml")).scenario,
    )
    assert runbook is not None
    assert scenario is not None
    walked = rehearse(scenario, runbook, KINDS, files={})
    assert walked.failures == []
    told = [(record.mono, record.type) for record in walked.records]
    assert [mono for mono, type_ in told if type_ == "note.added"] == [90_000, 24 * HOUR]
    reminded = [hour * HOUR for hour in (24, 36, 48, 72, 96)]
    assert [mono for mono, type_ in told if type_ == "reminder.due"] == reminded
    looks = [100 * HOUR + minutes * 60_000 for minutes in (0, 20, 40)]
    assert [mono for mono, type_ in told if type_ == "wait.checked"] == looks
