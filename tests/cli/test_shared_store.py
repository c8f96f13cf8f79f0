"""A store that a group shares: cooldowns and locks hold between its members, and nobody else gets in."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, change
from tests.drivers.desk import Desk, answers, wait_for

ANA, BEN, EVE = (61_001, 61_100), (61_002, 61_100), (61_003, 61_200)
KEYED = "guards: [{cooldown: 60m, key: database-main}]\n"
RESET = change("reset", then="done", before="EFFECTS=/dev/null", more=KEYED)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk in a directory that every user can get to."""
    root = Path(tempfile.mkdtemp(prefix="shared-"))
    root.chmod(0o755)
    (root / "state").mkdir()
    os.chown(root / "state", *ANA)
    at = Desk(root)
    at.write("answers.yaml", answers("step: reset, confirm: yes"))
    at.write("book.yaml", book(RESET, head='lock: "${{ run.id }}"\n'))
    for path in root.glob("*.yaml"):
        path.chmod(0o644)
    assert at.do("state", "init", str(at.state), "--group", str(ANA[1]), user=ANA).status == 0
    yield at
    at.settled()
    shutil.rmtree(root)


def go(desk: Desk, run: str, user: tuple[int, int]) -> int:
    argv = ("run", "book.yaml", "--answers", "answers.yaml", "--run-id", run)
    return desk.do(*argv, user=user, umask=0o077).status


@pytest.mark.reliability
def test_j8_a_second_run_by_another_user_of_a_shared_store_is_refused(desk: Desk) -> None:
    assert go(desk, "first", ANA) == 0
    assert go(desk, "second", BEN) == 3
    assert "run first" in desk.told("step.refused", "second")[0]["reason"]


@pytest.mark.reliability
def test_j8_of_two_users_at_the_same_instant_exactly_one_starts(desk: Desk) -> None:
    argv = ("run", "book.yaml", "--answers", "answers.yaml", "--run-id")
    both = [desk.start(*argv, f"r{user[0]}", user=user) for user in (ANA, BEN)]
    assert sorted(process.ended().status for process in both) == [0, 3]


def test_what_a_run_of_a_shared_store_leaves_is_for_the_group_to_read_and_for_its_user_to_write(desk: Desk) -> None:
    assert go(desk, "first", ANA) == 0
    for path in (desk.state / "runs" / "first").rglob("*"):
        if path.name == "inbox":
            assert stat.S_IMODE(path.stat().st_mode) == 0o3770
            continue
        assert stat.S_IMODE(path.stat().st_mode) == (0o2750 if path.is_dir() else 0o640), path
        assert path.stat().st_gid == ANA[1]
    for path, mode in ((desk.state, 0o2770), (desk.state / "runs", 0o2770), (desk.state / "starts.jsonl", 0o660)):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    assert desk.do("verify", "first", user=BEN).status == 0
    assert "resolved" in desk.do("runs", user=BEN).out
    assert desk.do("note", "first", "seen", user=BEN).status == 2


def test_who_is_no_member_of_the_group_is_refused(desk: Desk) -> None:
    done = desk.do("run", "book.yaml", "--answers", "answers.yaml", user=EVE)
    assert done.status == 2
    assert "error[RB5" in done.err


def test_a_shared_store_that_everybody_can_write_to_is_refused(desk: Desk) -> None:
    desk.state.chmod(0o2777)
    done = desk.do("run", "book.yaml", "--answers", "answers.yaml", user=BEN)
    assert done.status == 2
    assert "everybody can write" in done.err


def test_what_guards_see_is_said_in_the_log(desk: Desk) -> None:
    assert go(desk, "first", ANA) == 0
    assert desk.told("run.started", "first")[0]["guards_see"].startswith("the runs of group 61100 on this machine")


def test_a_shared_store_is_not_made_where_something_stands(desk: Desk) -> None:
    done = desk.do("state", "init", str(desk.root), "--group", "0")
    assert done.status == 2
    assert "something stands" in done.err
    done = desk.do("state", "init", str(desk.root / "new"), "--group", "no-such-group")
    assert done.status == 2
    assert "no group" in done.err


def test_the_lock_of_another_users_run_is_broken_and_its_own_log_tells_it_when_they_go_on(desk: Desk) -> None:
    desk.write("book.yaml", book(RESET))
    desk.write("no.yaml", "answers: []\n").chmod(0o644)
    argv = ("run", "book.yaml", "--answers", "no.yaml", "--run-id")
    assert desk.do(*argv, "first", user=ANA).status == 3
    assert desk.do(*argv, "second", user=BEN).status == 2
    assert desk.do(*argv, "second", "--break-lock", "ana has gone home", user=BEN).status == 3
    assert desk.told("deviation.recorded", "first") == []
    assert desk.told("deviation.recorded", "second")[0]["to"] == "first"
    assert desk.do("resume", "first", "--answers", "answers.yaml", user=ANA).status == 2
    assert desk.do("abort", "second", "--reason", "enough", user=BEN).status == 0
    assert desk.do("resume", "first", "--answers", "answers.yaml", user=ANA).status == 0
    (lost,) = desk.told("deviation.recorded", "first")
    assert (lost["deviation"], lost["to"], lost["reason"]) == ("lock_lost", "second", "ana has gone home")
    assert [desk.verify(run) for run in ("first", "second")] == [0, 0]


@pytest.mark.reliability
def test_k4_another_user_of_the_group_watches_notes_and_aborts_and_the_log_says_whose_word_it_is(desk: Desk) -> None:
    desk.write("book.yaml", book("id: calm\ntitle: Wait\nkind: wait\nfor: 1h\nnext: done\n", end=GOOD))
    ana = desk.start("run", "book.yaml", "--run-id", "first", user=ANA, umask=0o077)

    wait_for(lambda: desk.run("first").log.exists() and desk.types("first")[-1:] == ["wait.started"], "no wait")
    watched = desk.do("watch", "first", "--once", user=BEN)
    assert (watched.status, watched.err) == (3, "")
    assert "calm waits 1 h" in watched.out
    assert desk.do("note", "first", "seen", "--operator", "ben@example.com", user=BEN).status == 0
    assert desk.do("note", "first", "seen", user=EVE).status == 2
    wait_for(lambda: desk.told("note.added", "first"), "the note does not arrive")
    assert desk.told("note.added", "first")[0]["by"] == f"ben@example.com (user {BEN[0]})"
    assert desk.do("abort", "first", "--reason", "no", "--operator", "ben@example.com", user=BEN).status == 0
    assert ana.ended().status == 1
    assert desk.told("operator.acted", "first")[-1]["by"] == f"ben@example.com (user {BEN[0]})"
    assert desk.verify("first") == 0


@pytest.mark.reliability
def test_k4_what_another_user_tells_a_paused_run_is_on_record_when_its_user_goes_on(desk: Desk) -> None:
    desk.write("no.yaml", "answers: []\n").chmod(0o644)
    assert desk.do("run", "book.yaml", "--answers", "no.yaml", "--run-id", "first", user=ANA).status == 3
    left = desk.do("note", "first", "the disk was full", "--operator", "ben@example.com", user=BEN)
    assert (left.status, "on record when they go on" in left.err) == (0, True)
    refused = desk.do("handover", "first", "--to", "ben@example.com", user=BEN)
    assert (refused.status, "RB335" in refused.err) == (2, True)
    inbox = desk.run("first").inbox
    (message,) = inbox.iterdir()
    assert message.stat().st_uid == BEN[0]
    assert desk.do("resume", "first", "--answers", "answers.yaml", user=ANA).status == 0
    assert [f["text"] for f in desk.told("note.added", "first")] == ["the disk was full"]
    assert list(inbox.iterdir()) == []
    assert desk.do("note", "first", "late", user=BEN).status == 2


def test_a_member_packs_the_run_of_another_and_nobody_else_does(desk: Desk) -> None:
    assert go(desk, "first", ANA) == 0
    (desk.root / "out").mkdir()
    (desk.root / "out").chmod(0o777)
    target = desk.root / "out" / "first.tar.gz"
    assert desk.do("bundle", "first", "-o", str(target), user=BEN).status == 0
    ours = desk.root / "ours.tar.gz"
    assert desk.do("bundle", "first", "-o", str(ours)).status == 0
    assert target.read_bytes() == ours.read_bytes()
    assert desk.do("bundle", "first", "-o", f"{target}.eve", user=EVE).status == 2
    assert [path.name for path in (desk.root / "out").iterdir()] == ["first.tar.gz"]
