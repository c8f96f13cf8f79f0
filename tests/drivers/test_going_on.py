"""Going on with a run: with the runbook as it was, by one process at a time, by whoever takes it over."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import Desk, answers, wait_for

pytestmark = pytest.mark.reliability
HOLD = "touch holding; while [ ! -e go ]; do sleep 0.02; done"
WITH = ("--answers", "answers.yaml")
BOOK = book(read("look", "sh", "-c", HOLD, then="one"), change("one", then="done"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    return desk


def edit(desk: Desk, how: str) -> str:
    """Do something to the runbook's file; returns what is to be said about it."""
    file = desk.root / "book.yaml"
    match how:
        case "edited":
            file.write_text(BOOK.replace("echo one", "echo SOMETHING ELSE"))
            return "book.yaml has changed since; the walk goes on with the snapshot"
        case "broken":
            file.write_text("runbook: [")
            return "book.yaml has changed since; the walk goes on with the snapshot"
        case "replaced":
            file.unlink()
            file.mkdir()
            return "book.yaml cannot be read any more (not a regular file); the walk goes on with the snapshot"
        case "a pipe":
            file.unlink()
            os.mkfifo(file)
            return "book.yaml cannot be read any more (not a regular file); the walk goes on with the snapshot"
        case _:
            file.unlink()
    return "book.yaml is not there any more; the walk goes on with the snapshot"


@pytest.mark.parametrize("how", ["edited", "broken", "deleted", "replaced", "a pipe"])
def test_f11_a_runbook_that_changes_while_it_is_walked_is_walked_as_it_was_and_that_is_said(
    how: str, desk: Desk
) -> None:
    desk.write("book.yaml", BOOK)
    process = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    wait_for((desk.root / "holding").exists, "it does not begin")
    said = edit(desk, how)
    wait_for(lambda: "warning" in desk.types(), "nothing is said", 3)
    (desk.root / "go").touch()
    done = process.ended()
    assert done.status == 0
    assert [f["text"] for f in desk.told("warning")] == [said]
    assert said in done.err
    assert desk.effects() == ["one"]
    assert desk.verify() == 0


@pytest.mark.parametrize("how", ["edited", "broken", "deleted", "replaced", "a pipe"])
def test_j13_a_runbook_that_changes_while_it_is_paused_is_gone_on_with_as_it_was_and_that_is_said(
    how: str, desk: Desk
) -> None:
    (desk.root / "go").touch()
    assert desk.walk(BOOK).status == 3
    said = edit(desk, how)
    resumed = desk.do("resume", "r1", *WITH)
    assert resumed.status == 0
    assert desk.told("run.resumed")[0]["differs"] == said
    assert desk.effects() == ["one"]
    assert desk.verify() == 0


def test_j13_a_runbook_that_is_the_same_again_is_no_difference(desk: Desk) -> None:
    (desk.root / "go").touch()
    assert desk.walk(BOOK).status == 3
    edit(desk, "edited")
    assert desk.do("resume", "r1").status == 3
    desk.write("book.yaml", BOOK)
    assert desk.do("resume", "r1", *WITH).status == 0
    assert ["differs" in f for f in desk.told("run.resumed")] == [True, False]


def test_j13_from_another_directory_the_runbook_is_still_found(desk: Desk) -> None:
    (desk.root / "go").touch()
    assert desk.walk(BOOK).status == 3
    elsewhere = desk.root / "elsewhere"
    elsewhere.mkdir()
    resumed = desk.do("resume", "r1", "--answers", str(desk.root / "answers.yaml"), cwd=str(elsewhere))
    assert resumed.status == 0
    assert "differs" not in desk.told("run.resumed")[0]
    assert desk.effects() == ["one"]


def test_j13_commands_and_paths_mean_the_same_from_wherever_it_is_resumed(desk: Desk) -> None:
    (desk.root / "go").touch()
    desk.write("secret.txt", "a-secret-in-a-file")
    here = "id: here\nkind: command\neffect: none\nargv: [sh, -c, 'pwd; ls secret.txt']\ncwd: .\n"
    here += "stdin: ${{ secrets.filed }}\nnext: done\non_fail: bad\n"
    first = read("look", "pwd", then="sure")
    sure = "id: sure\nkind: gate\nquestion: Sure?\nnext: here\non_fail: bad\n"
    assert desk.walk(book(first, sure, here, head="secrets: {filed: {file: secret.txt}}\n")).status == 3
    elsewhere = desk.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(answers("step: sure, confirm: 'yes'"))
    assert desk.do("resume", "r1", "--answers", "a.yaml", cwd=str(elsewhere)).status == 0
    assert desk.told("run.started")[0]["directory"] == str(desk.root)
    assert f'"stdout":"{desk.root}\\nsecret.txt\\n"' in str(desk.told("step.finished")[2]["obs"])


def test_j13_without_the_directory_it_was_begun_in_it_is_not_gone_on_with(desk: Desk) -> None:
    there = desk.root / "there"
    there.mkdir()
    (there / "book.yaml").write_text(BOOK)
    (there / "go").touch()
    assert desk.do("run", "book.yaml", "--run-id", "r1", cwd=str(there)).status == 3
    there.rename(desk.root / "gone")
    refused = desk.do("resume", "r1", *WITH)
    assert refused.status == 2
    assert "error[RB322]: the directory in which the run was begun is not there" in refused.err
    (desk.root / "gone").rename(there)
    assert desk.do("resume", "r1", *WITH).status == 0


def test_f11_answers_are_judged_by_the_snapshot_and_not_by_the_file(desk: Desk) -> None:
    (desk.root / "go").touch()
    assert desk.walk(BOOK).status == 3
    desk.write("book.yaml", BOOK.replace("id: one", "id: other").replace("next: one", "next: other"))
    desk.write("answers.yaml", answers("step: other, confirm: 'yes'"))
    assert "RB300" in desk.do("resume", "r1", *WITH).err
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    assert desk.do("resume", "r1", *WITH).status == 0


def test_c11_a_run_that_is_walked_cannot_be_resumed_and_its_holder_is_named(desk: Desk) -> None:
    desk.write("book.yaml", BOOK)
    process = desk.start("run", "book.yaml", "--run-id", "r1", "--operator", "ana@example.com", *WITH)
    wait_for((desk.root / "holding").exists, "it does not begin")
    before = desk.run().log.read_bytes()
    for _ in range(2):
        held = desk.do("resume", "r1", *WITH)
        assert held.status == 2
        assert f"error[RB520]: the run is held by process {process.pid} on " in held.err
        assert "(ana@example.com)" in held.err
    assert desk.run().log.read_bytes() == before
    assert f"walked by  process {process.pid} on " in desk.do("status", "r1").out
    assert "walked now" in desk.do("runs").out
    process.signal(signal.SIGSTOP)
    assert desk.do("resume", "r1", *WITH).status == 2
    process.signal(signal.SIGCONT)
    (desk.root / "go").touch()
    assert process.ended().status == 0
    assert desk.effects() == ["one"]
    assert desk.verify() == 0


def test_c11_of_many_who_resume_at_the_same_moment_exactly_one_does(desk: Desk) -> None:
    (desk.root / "go").touch()
    slow = book(
        change("one", then="done", after="sleep 1"), end=GOOD + "  - {id: bad, kind: finish, outcome: failed}\n"
    )
    assert desk.walk(slow).status == 3
    at_once = [desk.start("resume", "r1", *WITH) for _ in range(8)]
    assert sorted(process.ended().status for process in at_once) == [0, *[2] * 7]
    assert desk.effects() == ["one"]
    assert desk.types().count("run.resumed") == 1
    assert desk.verify() == 0


def test_c11_two_runs_of_one_id_at_the_same_moment_are_one_run(desk: Desk) -> None:
    (desk.root / "go").touch()
    desk.write("book.yaml", BOOK)
    at_once = [desk.start("run", "book.yaml", "--run-id", "r1") for _ in range(6)]
    assert sorted(process.ended().status for process in at_once) == [*[2] * 5, 3]
    assert desk.verify() == 3


def test_j14_resumed_by_another_operator_it_is_handed_over_and_only_that_one_acts(desk: Desk) -> None:
    (desk.root / "go").touch()
    assert desk.walk(BOOK, "--operator", "ana@example.com").status == 3
    assert desk.do("resume", "r1", "--operator", "ben@example.com", *WITH).status == 0
    over = desk.told("run.handed_over")
    assert [(f["to"], f["by"]) for f in over] == [("ben@example.com", "ben@example.com")]
    assert desk.types().index("run.handed_over") < desk.types().index("run.resumed")
    assert desk.told("confirmation.given")[0]["by"] == "ben@example.com"
    assert desk.verify() == 0


def test_j14_resumed_by_whoever_walked_last_or_by_nobody_in_particular_nothing_is_handed_over(desk: Desk) -> None:
    (desk.root / "go").touch()
    assert desk.walk(BOOK, "--operator", "ana@example.com").status == 3
    assert desk.do("resume", "r1").status == 3
    assert desk.do("resume", "r1", "--operator", "ana@example.com", *WITH).status == 0
    assert desk.told("run.handed_over") == []
    assert {f["operator"] for f in desk.told("run.resumed")} == {"ana@example.com"}


def test_a_run_that_is_over_is_over(desk: Desk) -> None:
    (desk.root / "go").touch()
    assert desk.walk(BOOK, *WITH).status == 0
    before = desk.every_byte()
    for command in (
        ["resume", "r1"],
        ["resume", "r1", *WITH],
        ["note", "r1", "late"],
        ["abort", "r1", "--reason", "x"],
    ):
        done = desk.do(*command)
        assert done.status == 2
        assert "the run is over" in done.err
    assert desk.every_byte() == before


def test_p2_a_copy_of_a_run_is_not_gone_on_with_and_what_was_done_is_not_done_again(desk: Desk) -> None:
    (desk.root / "go").touch()
    assert desk.walk(BOOK).status == 3
    shutil.copytree(desk.run().path, desk.run("r2").path)
    assert desk.do("resume", "r1", *WITH).status == 0
    done = desk.effects()
    for command in (["resume", "r2", *WITH], ["note", "r2", "hi"], ["abort", "r2", "--reason", "a copy"]):
        refused = desk.do(*command)
        assert (refused.status, desk.effects()) == (2, done)
        assert "error[RB325]: the directory is that of `r2`, and the log that of `r1`" in refused.err
    assert desk.verify("r2") == 3
