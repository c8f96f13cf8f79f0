"""Handing a run over: live, paused, after a crash; who goes on is on record, and knows what happened."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import Desk, answers, wait_for

from runbook.audit.lock import holder_of

pytestmark = pytest.mark.reliability
ANA, BEN, CEM = "ana@example.com", "ben@example.com", "cem@example.com"
HOLD = "while [ ! -e go ]; do sleep 0.02; done"
BOOK = book(change("one", then="two", after=HOLD), change("two", then="done"))
CALM = book("id: calm\ntitle: Wait\nkind: wait\nfor: 1h\nnext: done\n", end=GOOD)
BOTH = answers("step: one, confirm: 'yes'", "step: two, confirm: 'yes'")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", BOTH)
    desk.write("two.yaml", answers("step: two, confirm: 'yes'"))
    return desk


def begun(desk: Desk, text: str = BOOK) -> None:
    desk.write("book.yaml", text)
    given = ("--answers", "answers.yaml") if text is BOOK else ()
    desk.start("run", "book.yaml", "--run-id", "r1", "--operator", ANA, *given)
    last = "wait.started" if text is CALM else "step.started"
    wait_for(lambda: desk.run().log.exists() and desk.types()[-1:] == [last], "it does not begin")


def paused(desk: Desk) -> None:
    (desk.root / "go").touch()
    desk.write("one.yaml", answers("step: one, confirm: 'yes'"))
    assert desk.walk(BOOK, "--operator", ANA, "--answers", "one.yaml").status == 3


def handed(desk: Desk) -> list[tuple[str, str]]:
    return [(str(f["to"]), str(f["by"])) for f in desk.told("run.handed_over")]


def test_j14_a_live_run_is_handed_over_when_what_it_changes_is_over_and_its_walker_is_told(desk: Desk) -> None:
    begun(desk)
    holder = holder_of(desk.run())
    done = desk.do("handover", "r1", "--to", BEN, "--operator", ANA, "--reason", "my shift ends")
    assert (done.status, "where that is safe" in done.err) == (0, True)
    assert "one: runs, for " in done.out
    assert "under way  one: begun, and nobody has seen how it ended" in done.out
    assert f"go on      runbook resume r1 --operator {BEN}" in done.out
    wait_for(lambda: desk.told("warning"), "the walker is not told")
    assert desk.told("warning")[0]["text"].startswith(f"{ANA} wants the run handed over to {BEN}; ")
    assert desk.told("run.paused") == []
    (desk.root / "go").touch()
    wait_for(lambda: desk.types()[-1:] == ["run.handed_over"], "it is not handed over")
    assert desk.told("step.finished")[-1]["outcome"] == "passed"
    assert handed(desk) == [(BEN, ANA)]
    assert desk.told("run.handed_over")[0]["reason"] == "my shift ends"
    assert holder is not None
    wait_for(lambda: holder_of(desk.run()) is None, "it is walked on")
    assert "paused" in desk.do("runs").out
    assert f"{BEN}, handed over by {ANA}" in desk.do("status", "r1").out
    assert desk.do("resume", "r1", "--operator", BEN, "--answers", "two.yaml").status == 0
    assert {f["by"] for f in desk.told("confirmation.given")} == {ANA, BEN}
    assert list(desk.run().inbox.iterdir()) == []
    assert handed(desk) == [(BEN, ANA)]
    assert desk.verify() == 0


def test_j14_a_wait_is_handed_over_at_once(desk: Desk) -> None:
    begun(desk, CALM)
    assert desk.do("handover", "r1", "--to", BEN).status == 0
    wait_for(lambda: desk.types()[-1:] == ["run.handed_over"], "it is not handed over", 4)
    assert desk.told("warning") == []
    assert desk.verify() == 3


def test_j14_a_paused_run_is_handed_over_with_a_brief_and_goes_on_for_nobody_who_does_not_say_who_they_are(
    desk: Desk,
) -> None:
    paused(desk)
    assert desk.do("note", "r1", "the disk of db-1 was full", "--kind", "hypothesis", "--operator", CEM).status == 0
    done = desk.do("handover", "r1", "--to", BEN, "--operator", ANA)
    assert (done.status, done.err) == (0, f"the run is handed over to {BEN}\n")
    for said in (
        f"stands at     two: waits for {ANA} to confirm it, for ",
        "stays changed  one: a test",
        "Change one: passed",
        "Confirm: Change one: yes",
        f"hypothesis by {CEM}: the disk of db-1 was full",
        "Change two: ",
        f"also in it: {CEM}",
        f"runbook resume r1 --operator {BEN}",
    ):
        assert " ".join(said.split()) in " ".join(done.out.split()), done.out
    refused = desk.do("resume", "r1", "--answers", "two.yaml")
    assert (refused.status, "RB336" in refused.err, BEN in refused.err) == (2, True, True)
    assert "paused" in desk.do("runs").out
    went_on = desk.do("resume", "r1", "--operator", BEN, "--answers", "two.yaml")
    assert went_on.status == 0
    assert went_on.err.startswith(f"r1 was handed over to {BEN} by {ANA}\n  stands at ")
    page = " ".join(desk.do("report", "r1").out.split())
    section = page.partition("## Handed over")[2].partition("##")[0]
    assert "Known then: - done: " in section
    assert "the disk of db" in section
    assert handed(desk) == [(BEN, ANA)]
    assert desk.verify() == 0


def test_j14_somebody_else_may_take_it_and_the_log_says_to_whom_it_was_handed(desk: Desk) -> None:
    paused(desk)
    assert desk.do("handover", "r1", "--to", BEN, "--operator", ANA).status == 0
    done = desk.do("resume", "r1", "--operator", CEM, "--answers", "two.yaml")
    assert done.status == 0
    assert f"handed over to {BEN} by {ANA}; you take it over as {CEM}, which is recorded" in done.err
    assert handed(desk) == [(BEN, ANA), (CEM, CEM)]
    reason = desk.told("run.handed_over")[1]["reason"]
    assert reason == f"resumed by another operator, though it was handed over to {BEN}"
    assert desk.verify() == 0


def test_j14_a_run_whose_walk_was_killed_is_handed_over_and_its_change_stays_unknown(desk: Desk) -> None:
    begun(desk)
    holder = holder_of(desk.run())
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)
    wait_for(lambda: holder_of(desk.run()) is None, "it is still held")
    done = desk.do("handover", "r1", "--to", BEN, "--operator", ANA)
    assert done.status == 0
    assert "one: was running when its walk was killed; nobody knows its result" in done.out
    assert "interrupted" in desk.do("runs").out
    (desk.root / "go").touch()
    desk.settled()
    assert desk.do("resume", "r1", "--operator", BEN, "--answers", "answers.yaml").status == 3
    assert len(desk.told("step.unknown")) == 1
    assert len(desk.effects()) <= 1  # the walk was killed before, or after
    assert desk.verify() == 3


def test_j14_to_its_operator_to_nobody_and_after_the_end_it_is_refused_and_nothing_is_recorded(desk: Desk) -> None:
    paused(desk)
    before = desk.run().log.read_bytes()
    for argv, code in (
        (("--to", ANA), "RB334"),
        (("--to", ""), "RB310"),
        (("--to", "  "), "RB310"),
        (("--to", "two\nlines"), "RB310"),
        ((), "RB310"),
    ):
        done = desk.do("handover", "r1", *argv)
        assert (done.status, code in done.err) == (2, True), argv
    assert desk.run().log.read_bytes() == before
    assert desk.do("resume", "r1", "--answers", "two.yaml").status == 0
    done = desk.do("handover", "r1", "--to", BEN)
    assert (done.status, "RB525" in done.err) == (2, True)


def test_j14_a_second_hand_over_of_a_live_run_to_the_same_person_is_said_and_changes_nothing(desk: Desk) -> None:
    begun(desk, book(read("look", "sh", "-c", HOLD, then="done")))
    for _ in range(2):
        assert desk.do("handover", "r1", "--to", BEN, "--operator", ANA).status == 0
    wait_for(lambda: len(desk.told("warning")) == 2, "they do not arrive")
    (desk.root / "go").touch()
    wait_for(lambda: desk.types()[-1:] == ["run.handed_over"], "it is not handed over")
    assert handed(desk) == [(BEN, ANA)]
    again = desk.start("resume", "r1", "--operator", BEN)
    again.ended()
    assert handed(desk) == [(BEN, ANA)]
    assert desk.verify() in (0, 3)


def test_c9_a_disk_that_cannot_be_written_is_not_taken_for_another_user(desk: Desk) -> None:
    paused(desk)
    place = str(desk.run().path)
    if subprocess.run(["mount", "--bind", "-o", "ro", place, place], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here (run as root on Linux)")
    try:
        done = desk.do("handover", "r1", "--to", CEM)
    finally:
        subprocess.run(["umount", place], check=True)
    assert (done.status, "another user" in done.err) == (2, False)
    assert "the log cannot be opened: read-only file system" in done.err
