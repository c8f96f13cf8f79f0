"""A directory of the run that somebody removes while it is walked: said, recorded, and never the end of the log."""

import shutil
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, Done, answers, wait_for
from tests.drivers.persons import ANA, BEN, Persons

pytestmark = pytest.mark.reliability
HOLD = "touch holding; while [ ! -e go ]; do sleep 0.02; done; head -c 100000 /dev/zero | tr '\\0' x"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    persons = Persons(tmp_path).list(ANA, BEN)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    return desk


def harmed(path: Path, how: str) -> None:
    if how == "removed":
        shutil.rmtree(path)
    elif how == "a link":
        shutil.rmtree(path)
        path.with_name("elsewhere").mkdir()
        path.symlink_to("elsewhere")
    else:
        shutil.rmtree(path)
        path.touch()


@pytest.fixture(params=["removed", "a link", "a file"])
def how(request: pytest.FixtureRequest) -> str:
    """What stands in the place of a directory."""
    return str(request.param)


def walked_without(desk: Desk, name: str, how: str, more: str = "") -> Done:
    """A walk in the middle of which a directory of the run goes; what it still writes goes nowhere else."""
    text = book(
        read("look", "sh", "-c", HOLD, then="one"),
        change("one", then="done", more=more),
        head=f"roles: {{platform: [{ANA}, {BEN}]}}\n",
    )
    desk.write("book.yaml", text)
    process = desk.start("run", "book.yaml", "--run-id", "r1", "--operator", ANA, "--answers", "answers.yaml")
    wait_for((desk.root / "holding").exists, "it does not begin")
    harmed(desk.run().path / name, how)
    (desk.root / "go").touch()
    done = process.ended()
    assert "Traceback" not in done.text
    assert not how.startswith("a link") or not [*(desk.run().path / "elsewhere").iterdir()]
    return done


def test_c9_an_output_whose_directory_is_gone_is_said_and_recorded_as_not_kept(desk: Desk, how: str) -> None:
    done = walked_without(desk, "output", how)
    assert (done.status, desk.effects(), desk.verify()) == (0, ["one"], 0)
    (told,) = desk.told("step.output")
    assert told["problem"]
    assert (told["size"], told["dropped"]) == (0, 100_000)
    assert "100000 bytes are not kept" in done.err


def test_c9_without_its_inbox_a_walk_goes_on(desk: Desk, how: str) -> None:
    assert walked_without(desk, "inbox", how).status == 0
    assert (desk.effects(), desk.verify()) == (["one"], 0)


def test_c9_a_request_that_cannot_be_put_down_refuses_the_step(desk: Desk, how: str) -> None:
    done = walked_without(desk, "requests", how, "confirm: {approvals: {count: 1, from: [platform]}}\n")
    assert done.status == 3
    assert "the request cannot be written" in desk.told("step.refused")[0]["reason"]
    assert desk.effects() == []
    assert desk.verify() == 3


def test_c9_a_checkpoint_that_cannot_be_kept_is_said(desk: Desk, how: str) -> None:
    done = walked_without(desk, "checkpoints", how)
    assert (done.status, desk.effects(), desk.verify()) == (0, ["one"], 0)
    assert "the last checkpoint cannot be kept" in done.err


def test_j13_a_working_directory_that_is_moved_away_ends_no_walk_and_no_change_is_lost_sight_of(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    place = tmp_path / "place"
    place.mkdir()
    hold = f"touch {tmp_path}/holding; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; sleep 1.2"
    (place / "book.yaml").write_text(book(change("one", then="two", after=hold), change("two", then="done")))
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'", "step: two, confirm: 'yes'"))
    argv = ("run", "book.yaml", "--run-id", "r1", "--answers", str(tmp_path / "answers.yaml"))
    process = desk.start(*argv, cwd=str(place))
    wait_for((tmp_path / "holding").exists, "it does not begin")
    place.rename(tmp_path / "elsewhere")
    (tmp_path / "go").touch()
    done = process.ended()
    assert (done.status, desk.verify(), desk.effects()) == (0, 0, ["one", "two"]), done
    assert [told["text"] for told in desk.told("warning")] == [
        "book.yaml is not there any more; the walk goes on with the snapshot"
    ]
