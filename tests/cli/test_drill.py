"""Drills in processes of their own: the log of a run like any other, the world that the scenario tells, the score."""

import json
import re
import signal
from hashlib import sha256
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import Desk, answers

from runbook.audit.record import Record
from runbook.drivers.rehearsal import rehearse
from runbook.drivers.scoring import path_of
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario

SCENARIOS = sorted((Path(__file__).resolve().parents[2] / "runbooks" / "scenarios").glob("*.yaml"))
NAMES = {"run", "host", "store", "directory"}
TIME = re.compile(r"20\d\d-\d\d-\d\dT[0-9:.]+Z")
LOOKS = book(read("look", then="mend", more="retry: {attempts: 3, delay: 1m}\n"), change("mend", then="done"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk."""
    return Desk(tmp_path)


def drilled(desk: Desk, runbook: str, scenario: str, *argv: str, run: str = "r1") -> tuple[int, str]:
    """Drill a scenario, given as its text without its first two keys; the status and all that was said."""
    desk.write("book.yaml", runbook)
    desk.write("scenario.yaml", f"scenario: v1\nrunbook: book.yaml\n{scenario}")
    done = desk.do("drill", "scenario.yaml", "--run-id", run, *argv)
    assert "Traceback" not in done.text
    assert "our fault" not in done.text
    return done.status, done.text


def timeless(record: Record) -> str:
    """A record without its times and names."""
    fields = {name: value for name, value in record.fields.items() if name not in NAMES}
    return TIME.sub("TIME", json.dumps([record.type, record.mono, fields], sort_keys=True))


@pytest.mark.parametrize("file", SCENARIOS[::12], ids=lambda path: path.stem)
def test_a_scenario_that_plays_itself_gives_the_log_that_it_gives_without_anybody(desk: Desk, file: Path) -> None:
    """Record for record, but for times and names; both are called alike, as an action may hold the run's id."""
    done = desk.do("drill", str(file), "--self", "--run-id", "rehearsal", cwd=str(file.parent))
    assert done.status == 0, done.text
    told = load_scenario(str(file)).scenario
    assert told is not None
    path = str(file.parent.parent / Path(told.runbook).name)
    loaded = load(path, KINDS)
    assert loaded.runbook is not None
    files = {name: sha256(data).hexdigest() for name, data in loaded.files.items()}
    alone = rehearse(told, loaded.runbook, KINDS, files=files)
    ours, theirs = desk.records("rehearsal"), [*alone.records]
    assert [*map(timeless, ours)] == [*map(timeless, theirs)]
    assert [each.step for each in path_of(ours)] == alone.path
    assert desk.verify("rehearsal") == 0


def test_a_walk_that_went_otherwise_is_scored_and_says_what_to_read_again(desk: Desk) -> None:
    scenario = """
title: It heals itself
world: {look: [{exit_code: 1}], mend: [{exit_code: 0}]}
answers: [{step: mend, confirm: yes}]
expect: {finish: resolved, path: [look, mend, done], must: [mend], never: [bad], within: 1m}
"""
    status, said = drilled(desk, LOOKS, scenario, "--self")
    assert status == 1
    assert "DRILL not as expected" in said
    assert "✗ finish: failed, expected resolved" in said
    assert "- mend\n" in said
    assert "+ bad  (`look` failed: exit status 1)\n" in said
    assert "✗ must: mend was not walked" in said
    assert "✗ never: bad was started" in said
    assert "✗ time: 2 min, at most 1 min" in said
    line = next(n for n, text in enumerate(LOOKS.splitlines(), 1) if "id: look" in text)
    assert f"line {line}" in said
    assert "look (Look at look): the walk went on to `bad`, expected `mend`" in said
    page = desk.do("report", "r1")
    assert page.status == 0
    assert "## The score" in page.out
    assert "Its clock was simulated" in page.out
    assert "- mend" in page.out
    form = json.loads(desk.do("report", "r1", "--format", "json").out)
    assert form["score"]["met"] is False
    assert [one["step"] for one in form["score"]["path"] if one["where"] == "expected"] == ["mend", "done"]
    assert 'id="score"' in desk.do("report", "r1", "--format", "html").out


@pytest.mark.parametrize(("foreseen", "read_again"), [("do: go_to, to: done", False), ("do: skip", True)])
def test_a_deviation_that_the_scenario_tells_of_is_not_among_what_to_read_again(
    desk: Desk, foreseen: str, read_again: bool
) -> None:
    told = f"""
world: {{look: [{{exit_code: 1}}]}}
answers: [{{step: look, {foreseen}, reason: nothing is broken}}]
expect: {{path: [look, done]}}
"""
    desk.write("answers.yaml", answers("step: look, do: go_to, to: done, reason: it is well"))
    status, said = drilled(desk, book(read("look", then="done", fail=""), end=GOOD), told, "--answers", "answers.yaml")
    assert status == 0, said
    assert ("Read again" in said) is read_again
    assert ("left the runbook's path (jump): it is well" in said) is read_again


def test_without_a_terminal_and_without_answers_a_drill_pauses_at_its_first_question(desk: Desk) -> None:
    scenario = "world: {look: [{exit_code: 0}], mend: [{exit_code: 0}]}\nexpect: {path: [look, mend, done]}\n"
    assert drilled(desk, LOOKS, scenario)[0] == 3
    desk.write("answers.yaml", answers("step: mend, confirm: 'yes'"))
    done = desk.do("resume", "r1", "--answers", "answers.yaml")
    assert done.status == 0, done.text
    assert "DRILL as expected: 3 of 3 points" in done.out
    assert desk.effects() == []
    assert desk.verify() == 0


def test_a_drill_that_was_killed_goes_on_at_the_attempt_that_its_log_tells(desk: Desk) -> None:
    """Nothing is met twice, nothing is said twice, and the clock has stood still."""
    runbook = book(
        read("one", then="two", fail="two"),
        read("two", then="mend", fail="one", more="max_visits: 3\n"),
        change("mend", then="done"),
    )
    scenario = """
world:
  one: [{exit_code: 1}, {exit_code: 1}, {exit_code: 0}]
  two: [{exit_code: 1}, {exit_code: 1}, {exit_code: 0}]
  mend: [{exit_code: 0}]
events: [{after: 0s, say: Support calls}]
answers: [{step: mend, confirm: yes}]
expect: {path: [one, two, one, two, one, two, mend, done]}
"""
    desk.write("book.yaml", runbook)
    desk.write("scenario.yaml", f"scenario: v1\nrunbook: book.yaml\n{scenario}")
    desk.write("answers.yaml", answers("step: mend, confirm: 'yes'"))
    whole = desk.do("drill", "scenario.yaml", "--self", "--run-id", "r0", trace=str(desk.root / "calls"))
    assert whole.status in {0, 1}, whole.text
    calls = len((desk.root / "calls").read_text().splitlines())
    for number, at in enumerate(range(calls // 3, 5 * calls // 6, max(calls // 8, 1))):
        run = f"k{number}"
        killed = desk.do("drill", "scenario.yaml", "--self", "--run-id", run, kill=at)
        assert killed.status == -signal.SIGKILL
        if not desk.types(run):
            continue
        done = desk.do("resume", run, "--answers", "answers.yaml")
        assert done.status in {0, 1}, done.text
        assert path_of(desk.records(run)) == path_of(desk.records("r0"))
        assert [note["text"] for note in desk.told("note.added", run)] == ["Support calls"]
        assert desk.verify(run) == 0


@pytest.mark.parametrize(
    ("world", "says"),
    [
        (
            "{look: [{exit_code: 0}]}",
            "in visit 1 of `mend`: the scenario does not tell what happens at `mend`",
        ),
        (
            "{look: [{stdout: x}]}",
            "in visit 1 of `look`: the scenario does not tell `exit_code` of `look`",
        ),
    ],
)
def test_what_the_scenario_does_not_tell_pauses_the_drill_and_says_where(desk: Desk, world: str, says: str) -> None:
    scenario = f"world: {world}\nanswers: [{{step: mend, confirm: yes}}]\n"
    status, said = drilled(desk, LOOKS, scenario, "--self")
    assert status == 3
    assert says in " ".join(said.split())
    assert desk.types()[-1] == "run.paused"
    assert desk.verify() == 3
    done = desk.do("abort", "r1", "--reason", "enough")
    assert done.status == 0, done.text
    assert desk.verify() == 0


@pytest.mark.reliability
def test_j9_a_drill_an_instant_ago_never_counts_and_takes_no_lock(desk: Desk) -> None:
    """Neither for a cooldown, nor as the run that is required; and no run that goes on is in its way."""
    guards = "guards: [{cooldown: 10m}]\n"
    runbook = book(change("mend", then="done", more=guards))
    scenario = "world: {mend: [{exit_code: 0}]}\nanswers: [{step: mend, confirm: yes}]\nexpect: {finish: resolved}\n"
    assert drilled(desk, runbook, scenario, "--self")[0] == 0
    assert "lock" not in desk.told("run.started")[0]
    desk.write("answers.yaml", answers("step: mend, confirm: 'yes'"))
    live = desk.do("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "live")
    assert live.status == 0, live.text
    assert desk.effects() == ["mend"]
    other = book(change("mend", then="done")).replace("id: tested", "id: other")
    assert drilled(desk, other, scenario, "--self", run="r2")[0] == 0
    wants = "guards: [{requires_run: {runbook: other, finish: resolved, within: 1h, step: mend}}]\n"
    desk.write("book.yaml", book(change("mend", then="done", more=wants)))
    refused = desk.do("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r3")
    assert refused.status == 3
    assert "there is no live run of `other`" in " ".join(refused.err.split())
    assert desk.effects() == ["mend"]


@pytest.mark.reliability
def test_i3_a_drill_says_so_in_its_first_record_in_verify_and_in_the_title_of_each_report(desk: Desk) -> None:
    scenario = "world: {look: [{exit_code: 0}], mend: [{exit_code: 0}]}\nanswers: [{step: mend, confirm: yes}]\n"
    assert drilled(desk, LOOKS, scenario, "--self")[0] == 0
    first = desk.told("run.started")[0]
    assert (first["mode"], first["clock"]) == ("drill", "simulated")
    assert "DRILL" in desk.do("verify", "r1").text
    assert desk.do("report", "r1").out.startswith("# Incident report · DRILL")
    assert "<title>Incident report · DRILL" in desk.do("report", "r1", "--format", "html").out
    assert "drill" in desk.do("runs").out


APPROVED = book(
    change("mend", then="done", more="confirm: {approvals: {count: 1, from: [leads]}}\n"),
    head="roles: {leads: [ana@example.com, ben@example.com]}\n",
)


def test_an_approver_may_refuse_and_another_one_approve(desk: Desk) -> None:
    scenario = """
world: {mend: [{exit_code: 0}]}
answers: [{step: mend, confirm: yes, refusals: {ana@example.com: not in the freeze}, approvals: [ben@example.com]}]
expect: {finish: resolved}
"""
    assert drilled(desk, APPROVED, scenario, "--self")[0] == 0
    assert [f["approver"] for f in desk.told("approval.refused")] == ["ana@example.com"]
    assert "not in the freeze" in desk.told("approval.refused")[0]["reason"]
    assert [f["approver"] for f in desk.told("approval.given")] == ["ben@example.com"]
    assert desk.verify() == 0


def test_where_nobody_answers_the_request_expires_and_the_scenario_says_what_then(desk: Desk) -> None:
    scenario = """
world: {mend: [{exit_code: 0}]}
answers: [{step: mend, confirm: yes, do: go_to, to: bad, reason: nobody answers}]
expect: {finish: failed, path: [mend, bad], never: [mend]}
"""
    status, said = drilled(desk, APPROVED, scenario, "--self")
    assert status == 0, said
    assert desk.told("step.refused")[0]["by"] == "approval"


def test_the_scenario_of_another_approver_counts_with_answers_of_ones_own(desk: Desk) -> None:
    """The trainee's answers name no approver; whom the scenario names approves."""
    scenario = """
world: {mend: [{exit_code: 0}]}
answers: [{step: mend, confirm: yes, approvals: [ben@example.com]}]
"""
    desk.write("answers.yaml", answers("step: mend, confirm: 'yes'"))
    assert drilled(desk, APPROVED, scenario, "--answers", "answers.yaml")[0] == 0


def test_a_drill_whose_scenario_was_taken_away_is_reported_without_a_score_and_not_gone_on_with(desk: Desk) -> None:
    scenario = "world: {look: [{exit_code: 0}], mend: [{exit_code: 0}]}\n"
    assert drilled(desk, LOOKS, scenario)[0] == 3
    digest = str(desk.told("run.started")[0]["scenario"])
    desk.run().snapshot(digest).unlink()
    done = desk.do("resume", "r1")
    assert done.status == 2
    assert "RB358" in done.err
    assert "The score" not in desk.do("report", "r1").out


AGED = """
runbook: v1
id: aged
steps:
  - id: backup
    kind: http
    url: https://backups.example.com/newest
    expect: run.now - timestamp(body.made) < duration("26h")
  - {id: done, kind: finish, outcome: completed}
"""


def test_a_scenario_that_says_when_it_is_comes_out_the_same_on_every_day(desk: Desk) -> None:
    world = 'world: {backup: [{status: 200, body: {made: "2025-06-01T02:00:00Z"}}]}\nexpect: {finish: completed}'
    status, _ = drilled(desk, AGED, f'starts: "2025-06-01T09:00:00Z"\n{world}', "--self")
    assert status == 0
    assert desk.records()[0].ts == "2025-06-01T09:00:00.000Z"
    assert desk.verify() == 0
    assert desk.do("test", "scenario.yaml").status == 0


@pytest.mark.parametrize("moment", ["2025-06-31T09:00:00Z", "2025-06-01", "yesterday", "2025-06-01T09:00:00+02:00"])
def test_a_moment_that_no_calendar_has_is_refused(desk: Desk, moment: str) -> None:
    status, said = drilled(desk, AGED, f'starts: "{moment}"\n', "--self")
    assert status == 2
    assert "RB354" in said


def test_a_real_clock_does_not_begin_where_a_scenario_says(desk: Desk) -> None:
    status, said = drilled(desk, AGED, 'starts: "2025-06-01T09:00:00Z"\nclock: real\n', "--self")
    assert status == 2
    assert "a real clock shows the time that it is" in said
