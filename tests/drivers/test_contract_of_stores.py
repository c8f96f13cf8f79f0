"""Whatever a store is, a directory or a database, every command does the same with it."""

import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers, wait_for
from tests.drivers.persons import ANA, BEN, Persons
from tests.drivers.stored import stored_desk

STORES = ("directory", "postgresql")
YES = answers("step: one, confirm: yes", "step: two, confirm: yes")
TWO = book(read("look", "echo", "seen", then="one"), change("one", then="two"), change("two", then="done"))
ALONE = 'lock: "${{ run.id }}"\n'


@pytest.fixture(params=STORES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    stored = request.param == "postgresql"
    with stored_desk(tmp_path, request.getfixturevalue("postgres")) if stored else nullcontext(Desk(tmp_path)) as at:
        at.write("answers.yaml", YES)
        yield at
        at.settled()


def go(desk: Desk, text: str = TWO, run: str = "r1", *argv: str) -> int:
    return desk.walk(text, "--answers", "answers.yaml", *argv, run=run).status


def test_a_run_is_walked_listed_shown_reported_verified_and_packed(desk: Desk) -> None:
    assert go(desk) == 0
    assert desk.effects() == ["one", "two"]
    assert desk.verify() == 0
    (begun,) = desk.told("run.started")
    kept_in = desk.env.get("RUNBOOK_STORE")
    assert begun["store"] == (kept_in or str(desk.state))
    seen = f"the runs of everybody who uses this database, {kept_in}" if kept_in else "your own runs on this machine"
    assert begun["guards_see"] == seen
    (listed,) = json.loads(desk.do("runs", "--format", "json").out)["runs"]
    assert (listed["run"], listed["state"], listed["runbook"]) == ("r1", "resolved", "tested")
    shown = json.loads(desk.do("status", "last", "--format", "json").out)
    assert (shown["state"], shown["finish"], shown["log"]["problem"]) == ("resolved", "resolved", None)
    assert desk.do("status", "r").status == 0
    watched = desk.do("watch", "r1")
    assert watched.status == 0, watched.err
    assert "the run is over: resolved" in watched.out
    assert "one" in desk.do("report", "r1").out
    packed = desk.do("bundle", "r1", "-o", "r1.tar.gz")
    assert packed.status == 0, packed.err
    assert desk.do("verify", "r1.tar.gz").status == 0


def test_outputs_are_kept_and_held_against_the_log(desk: Desk) -> None:
    assert desk.walk(book(read("look", "seq", "50000", then="done"))).status == 0
    (output,) = desk.told("step.output")
    kept = (desk.run().path / str(output["file"])).read_text().split()
    assert kept == [str(number) for number in range(1, 50_001)]
    assert desk.verify() == 0


def test_a_paused_run_goes_on_with_what_was_recorded(desk: Desk) -> None:
    desk.write("answers.yaml", answers("step: one, confirm: yes"))
    assert go(desk) == 3
    assert desk.verify() == 3
    desk.write("answers.yaml", answers("step: two, confirm: yes"))
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert desk.effects() == ["one", "two"]
    assert desk.verify() == 0


def test_notes_handovers_and_aborts_reach_a_run_that_nobody_walks(desk: Desk) -> None:
    desk.write("answers.yaml", "answers: []\n")
    assert go(desk) == 3
    assert desk.do("note", "r1", "support calls").status == 0
    handed = desk.do("handover", "r1", "--to", BEN)
    assert handed.status == 0, handed.err
    assert f"--operator {BEN}" in handed.out
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 2
    assert desk.do("abort", "r1", "--reason", "enough").status == 0
    assert [told["text"] for told in desk.told("note.added")] == ["support calls"]
    assert desk.types()[-1] == "run.finished"
    assert desk.do("resume", "r1").status == 2
    assert desk.verify() == 0


def test_notes_and_aborts_reach_a_run_that_is_walked(desk: Desk) -> None:
    desk.write("book.yaml", book(read("look", "sleep", "20", then="done")))
    walking = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for(lambda: "step.started" in desk.do("watch", "r1", "--once").out + " ".join(_types(desk)), "it begins not")
    assert json.loads(desk.do("status", "r1", "--format", "json").out)["state"] == "walked now"
    refused = desk.do("resume", "r1")
    assert refused.status == 2
    assert f"process {walking.pid}" in " ".join(refused.err.split())
    assert "delivered" in desk.do("note", "r1", "support calls").err
    wait_for(lambda: "note.added" in _types(desk), "the note is not recorded")
    assert "delivered" in desk.do("abort", "r1", "--reason", "enough").err
    assert walking.ended().status == 1
    assert [told["text"] for told in desk.told("note.added")] == ["support calls"]
    assert desk.verify() == 0


def _types(desk: Desk) -> list[str]:
    try:
        return desk.types()
    except FileNotFoundError:
        return []


def test_watch_follows_what_a_run_elsewhere_prints(desk: Desk) -> None:
    script = "for each in 1 2 3 4 5 6; do echo line-$each; sleep 0.2; done"
    desk.write("book.yaml", book(read("look", "sh", "-c", script, then="done")))
    walking = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for(lambda: "step.started" in _types(desk), "it begins not")
    watched = desk.do("watch", "r1")
    assert walking.ended().status == 0
    assert watched.status == 0, watched.err
    assert "line-6" in watched.out


def test_two_live_runs_of_one_runbook_exclude_each_other_and_a_lock_can_be_broken(desk: Desk) -> None:
    desk.write("answers.yaml", "answers: []\n")
    assert go(desk, run="first") == 3
    refused = desk.walk(TWO, "--answers", "answers.yaml", run="second")
    assert refused.status == 2
    assert "RB527" in refused.err
    assert [run["run"] for run in json.loads(desk.do("runs", "--format", "json").out)["runs"]] == ["first"]
    assert go(desk, TWO, "third", "--break-lock", "nobody is there") == 3
    assert [(told["deviation"], told["to"]) for told in desk.told("deviation.recorded", "first")] == [
        ("lock_lost", "third")
    ]
    assert json.loads(desk.do("status", "first", "--format", "json").out)["lock_taken_by"] == "third"
    assert desk.verify("first") == 3
    assert desk.verify("third") == 3


@pytest.mark.reliability
@pytest.mark.parametrize("races", [2, pytest.param(50, marks=pytest.mark.full)])
def test_j8_of_two_starts_at_the_same_moment_exactly_one_happens(desk: Desk, races: int) -> None:
    desk.write("answers.yaml", answers("step: one, confirm: yes"))
    for race in range(races):
        guarded = change("one", then="done", more=f'guards: [{{cooldown: 60m, key: "race-{race}"}}]\n')
        desk.write("book.yaml", book(guarded, head=ALONE))
        both = [desk.start("run", "book.yaml", "--answers", "answers.yaml", "--run-id", f"r{race}-{n}") for n in "ab"]
        assert sorted(process.ended().status for process in both) == [0, 3], race
    assert desk.effects() == ["one"] * races


def test_a_required_run_is_found_and_judged(desk: Desk) -> None:
    needs = "guards: [{requires_run: {runbook: tested, finish: resolved, step: look, within: 1h}}]\n"
    desk.write("answers.yaml", answers("step: one, confirm: yes"))
    guarded = book(read("look", then="one"), change("one", then="done", more=needs), head=ALONE)
    assert go(desk, guarded, "early") == 3
    assert "as far as this store knows" in str(desk.told("step.refused", "early")[0]["reason"])
    assert go(desk, book(read("look", then="one"), change("one", then="done"), head=ALONE), "first") == 0
    assert go(desk, guarded, "later") == 3  # another version of the runbook
    assert "another version" in str(desk.told("step.refused", "later")[0]["reason"])


def test_an_approval_is_asked_for_given_and_taken_up(desk: Desk, tmp_path: Path) -> None:
    persons = Persons(tmp_path / "keys").list(ANA, BEN)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", answers("step: one, confirm: yes"))
    asked = change("one", then="done", more="confirm: {approvals: {count: 1, from: [platform]}}\n")
    paused = desk.walk(
        book(asked, head=f"roles: {{platform: [{ANA}, {BEN}]}}\n"), "--operator", ANA, "--answers", "answers.yaml"
    )
    assert paused.status == 3
    assert "runbook approve" in paused.err
    persons.approve(desk.run(), BEN)
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert [told["approver"] for told in desk.told("approval.given")] == [BEN]
    assert [told["file"][:12] for told in desk.told("checkpoint.signed")] == ["checkpoints/"]
    verified = desk.do("verify", "r1")
    assert verified.status == 0, verified.text
    assert f"signed  all of it, by {ANA}" in verified.out


def test_dry_runs_and_drills_are_kept_too(desk: Desk) -> None:
    assert go(desk, TWO, "dry", "--dry-run") == 0
    desk.write(
        "scenario.yaml",
        "scenario: v1\nrunbook: book.yaml\ntitle: t\nworld:\n  look: [{exit_code: 0, stdout: ''}]\n"
        "  one: [{exit_code: 0}]\n  two: [{exit_code: 0}]\n"
        "answers: [{step: one, confirm: yes}, {step: two, confirm: yes}]\nexpect: {finish: resolved}\n",
    )
    drilled = desk.do("drill", "scenario.yaml", "--self", "--run-id", "drilled")
    assert drilled.status == 0, drilled.text
    assert [desk.verify(run) for run in ("dry", "drilled")] == [0, 0]
    captured = desk.do("drill", "--from", "drilled", "-o", "captured.yaml")
    assert captured.status == 0, captured.text


def test_an_id_is_used_once_and_a_run_that_cannot_begin_leaves_nothing(desk: Desk) -> None:
    assert go(desk) == 0
    again = desk.walk(TWO, "--answers", "answers.yaml")
    assert again.status == 2
    assert "RB537" in again.err
    assert desk.do("status", "nothing").status == 2
    assert desk.do("note", "nothing", "x").status == 2


def test_a_bundle_is_the_same_to_the_byte_wherever_the_run_was_kept(desk: Desk, tmp_path: Path) -> None:
    assert go(desk) == 0
    assert desk.do("bundle", "r1", "-o", "stored.tar.gz").status == 0
    elsewhere = Desk(tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    with tarfile.open(tmp_path / "stored.tar.gz") as archive:
        archive.extractall(tmp_path / "opened", filter="data")
    (opened,) = (tmp_path / "opened").iterdir()
    place = elsewhere.state / "runs" / "r1"
    place.parent.mkdir(parents=True, mode=0o700)
    os.rename(opened, place)  # noqa: PTH104 - the same file system
    elsewhere.env["RUNBOOK_STATE_DIR"] = str(elsewhere.state)
    again = elsewhere.do("bundle", "r1", "-o", "again.tar.gz")
    assert again.status == 0, again.err
    assert (elsewhere.root / "again.tar.gz").read_bytes() == (tmp_path / "stored.tar.gz").read_bytes()
