"""A drill at a pseudo-terminal, walked by somebody who has not seen the runbook."""

from pathlib import Path

import pytest
from tests.drivers.terminal.test_command_line import runbook

BOOK = """\
runbook: v1
id: demo
title: Sign-in does not work
environments: {production: {base: x}}
steps:
  - {id: look, title: Look, kind: command, effect: none, argv: [touch, REALLY]}
  - {id: rest, title: Let it settle, kind: wait, for: 10m}
  - id: mend
    title: Mend it
    kind: command
    effect: change
    argv: [touch, REALLY]
    undo: {kind: manual, instructions: Break it again}
  - {id: done, kind: finish, outcome: resolved}
"""
SCENARIO = """\
scenario: v1
runbook: demo.yaml
title: Nobody can sign in
briefing: It is **03:12**. Support says nobody can sign in.
environment: production
world:
  look: [{exit_code: 0, stdout: seen}]
  mend: [{exit_code: 0}]
events: [{after: 5m, say: Support calls. Refunds are being asked for.}]
expect: {finish: resolved, path: [look, rest, mend, done], within: 20m}
"""
BANNER = "DRILL: the world is scripted, nothing here is real"


@pytest.mark.parametrize("columns", [80, 40])
def test_a_trainee_is_briefed_walks_and_is_scored(tmp_path: Path, columns: int) -> None:
    (tmp_path / "demo.yaml").write_text(BOOK)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    with runbook(tmp_path, "drill", str(tmp_path / "s.yaml"), "--run-id", "r1") as terminal:
        terminal.resize(columns, 40)
        terminal.expect("DRILL", "03:12", "drill · production · run r1", "run it")
        terminal.answer("")
        terminal.expect("10 min to wait, which pass at once", "Refunds are being asked for", "CHANGES SOMETHING")
        terminal.answer("yes", guarded=True)
        terminal.expect("RESOLVED", "DRILL as expected: 6 of 6 points", "path: 4 of 4 steps as expected", "Time:")
        assert terminal.end() == 0
        assert " ".join(terminal.text.split()).count(BANNER) >= 5
    assert not (tmp_path / "REALLY").exists()
    assert not Path("REALLY").exists()


def test_a_trainee_who_leaves_goes_on_where_the_clock_stood(tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_text(BOOK)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    with runbook(tmp_path, "drill", str(tmp_path / "s.yaml"), "--run-id", "r1") as terminal:
        terminal.expect("run it")
        terminal.answer("")
        terminal.expect("CHANGES SOMETHING")
        terminal.answer("p", guarded=True)
        terminal.expect("run r1 is paused", "runbook resume r1")
        assert terminal.end() == 3
    with runbook(tmp_path, "resume", "r1") as terminal:
        terminal.expect("DRILL", "Resumed.", BANNER, "Mend it", "CHANGES SOMETHING")
        terminal.answer("no", guarded=True)
        terminal.expect("NOT STARTED")
        terminal.answer("a")
        terminal.expect("Why")
        terminal.answer("it heals itself")
        terminal.expect("Type `abort`")
        terminal.answer("abort", guarded=True)
        terminal.expect("DRILL not as expected", "finish: aborted, expected resolved", "- done", "Read again")
        assert "wall clock" not in terminal.text
        assert terminal.end() == 1


def test_nothing_that_is_typed_approves_and_the_time_of_a_request_can_be_let_pass(tmp_path: Path) -> None:
    approved = BOOK.replace("    undo:", "    confirm: {approvals: {count: 1, from: [leads]}}\n    undo:")
    approved = approved.replace("steps:", "roles: {leads: [ana@example.com]}\nsteps:")
    (tmp_path / "demo.yaml").write_text(approved)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    with runbook(tmp_path, "drill", str(tmp_path / "s.yaml"), "--run-id", "r1") as terminal:
        terminal.expect("run it")
        terminal.answer("")
        terminal.expect("CHANGES SOMETHING")
        terminal.answer("yes", guarded=True)
        terminal.expect("OTHERS MUST APPROVE", "In a drill only those approve")
        terminal.answer("ana@example.com")
        terminal.expect("nothing that is typed approves")
        terminal.answer("wait")
        terminal.expect("NOT STARTED")
        terminal.answer("p")
        terminal.expect("is paused")
