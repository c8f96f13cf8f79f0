"""``runbook verify`` looks at the outputs beside a log: changed is tampered, not there is not established."""

import os
import shutil
import signal
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from tests.drivers.books import book, read
from tests.drivers.desk import Desk
from tests.drivers.forgery import Forgery

pytestmark = pytest.mark.reliability
LOUD = book(read("loud", "sh", "-c", "echo one; echo two >&2", then="more"), read("more", "echo", "x", then="done"))
OUT = "loud#1.1.stdout"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a run of three outputs."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    assert desk.walk(LOUD).status == 0
    assert {path.name for path in desk.run().output.iterdir()} == {OUT, "loud#1.1.stderr", "more#1.1.stdout"}
    return desk


@pytest.fixture
def desk(whole: Desk) -> Desk:
    """The same, with a copy of the run as ``copy``, to be damaged."""
    shutil.rmtree(whole.run("copy").path, ignore_errors=True)
    shutil.copytree(whole.run().path, whole.run("copy").path)
    return whole


def judged(desk: Desk, *options: str) -> tuple[int, str]:
    done = desk.do("verify", "copy", *options)
    return done.status, done.text


def damaged(desk: Desk, how: Callable[[Path], object]) -> tuple[int, int, str]:
    """The status, that with ``--strict``, and the words, when something was done to an output."""
    how(desk.run("copy").output / OUT)
    status, text = judged(desk)
    return status, judged(desk, "--strict")[0], text


def test_a7_a_run_in_the_place_of_another_is_said_and_strictly_counts(desk: Desk) -> None:
    status, text = judged(desk)
    assert status == 0
    assert "warning RB554 the directory is that of `copy`, and the log that of `r1`" in text
    assert judged(desk, "--strict")[0] == 6
    assert "RB554" not in desk.do("verify", "r1").text


def test_outputs_that_are_as_the_log_says_are_established(desk: Desk) -> None:
    done = desk.do("verify", "r1", "--strict")
    assert done.status == 5  # nobody signed it
    assert "output" not in done.text


CHANGES: dict[str, Callable[[Path], object]] = {
    "another byte": lambda path: path.write_text("ono\n"),
    "a byte more": lambda path: path.write_text("one\n\n"),
    "a byte less": lambda path: path.write_text("one"),
    "nothing": lambda path: path.write_text(""),
    "the other stream": lambda path: shutil.copy(path.with_name("loud#1.1.stderr"), path),
    "a thousand times": lambda path: path.write_text("one\n" * 1_000_000),
}


@pytest.mark.parametrize("how", CHANGES)
def test_an_output_that_was_changed_is_tampering_and_named_with_its_line(how: str, desk: Desk) -> None:
    status, strict, text = damaged(desk, CHANGES[how])
    assert (status, strict) == (1, 1)
    line = Forgery.of(desk.run("copy").log).find("step.output", stream="stdout") + 1
    assert f"audit.jsonl:{line}:" in text
    assert f"RB550 `output/{OUT}`" in text
    assert desk.do("report", "copy").status != 0


def replaced(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def replace(path: Path) -> None:
        path.unlink()
        make(path)

    return replace


GONE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "all of them": lambda path: shutil.rmtree(path.parent),
    "a pipe": replaced(os.mkfifo),
    "a directory": replaced(Path.mkdir),
    "a link": replaced(lambda path: path.symlink_to("/etc/hostname")),
}


@pytest.mark.parametrize("how", GONE)
def test_an_output_that_is_not_there_is_not_established_and_strictly_counts(how: str, desk: Desk) -> None:
    status, strict, text = damaged(desk, GONE[how])
    assert (status, strict) == (0, 6)
    assert "warning RB551" in text
    assert OUT in text


def test_a_file_that_the_log_does_not_name_is_said(desk: Desk) -> None:
    for name in ("planted", "b\x1b[2J", "c", "d"):
        (desk.run("copy").output / name).touch()
    status, text = judged(desk)
    assert status == 0
    assert "warning RB552 files in `output/` that the log does not name: b\\x1b[2J, c, d and 1 more" in text


def test_a_log_alone_says_which_outputs_were_not_checked(desk: Desk) -> None:
    alone = desk.root / "alone"
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    shutil.copy(desk.run().log, alone)
    shutil.copytree(desk.run().path / "runbook", alone / "runbook")
    done = desk.do("verify", str(alone / "audit.jsonl"))
    assert done.status == 0
    assert done.out.count("RB551") == 1
    assert desk.do("verify", str(alone / "audit.jsonl"), "--strict").status == 6


def test_what_a_loss_of_power_may_have_cut_is_no_tampering_but_more_than_that_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    die = "[ -e again ] || { touch again; kill -9 $PPID; }; echo late"
    text = book(read("loud", "sh", "-c", "echo one; echo two", then="die"), read("die", "sh", "-c", die, then="done"))
    assert desk.walk(text).status == -signal.SIGKILL
    desk.settled()
    output = desk.run().output / OUT
    for cut in (b"", b"one\n", b"one\n\0\0\0\0"):
        output.write_bytes(cut)
        assert desk.verify() == 3
        assert desk.do("verify", "r1", "--strict").status == 6
    output.write_bytes(b"one\ntwx\n")
    assert desk.verify() == 1
    output.write_bytes(b"one\ntwo\nmore\n")
    assert desk.verify() == 1
    output.write_bytes(b"one\n")
    assert desk.do("resume", "r1").status == 0
    assert desk.verify() == 0
    assert desk.do("verify", "r1", "--strict").status == 6
    (desk.run().output / "die#1.2.stdout").write_text("lat")
    assert desk.verify() == 1  # nothing was interrupted after that one


FORGED: dict[str, dict[str, object]] = {
    "a file elsewhere": {"file": "../../../etc/hostname"},
    "a file above": {"file": "output/../audit.jsonl"},
    "an absolute path": {"file": "/etc/hostname"},
    "the file of another stream": {"file": "output/loud#1.1.stderr"},
    "the file of another step": {"file": "output/more#1.1.stdout"},
    "a stream with a path": {"stream": "../x"},
    "no digest": {"sha256": "x"},
    "a size below nothing": {"size": -1},
    "something dropped without a digest of all": {"dropped": 7},
    "a digest of all with nothing dropped": {"stream_sha256": "0" * 64},
    "a size without a file": {"file": None},
}


@pytest.mark.parametrize("how", FORGED)
def test_a_record_of_an_output_that_contradicts_itself_is_no_walk_and_leads_nowhere(how: str, desk: Desk) -> None:
    forgery = Forgery.of(desk.run("copy").log)
    forgery.edit(forgery.find("step.output", stream="stdout"), **FORGED[how]).write(desk.run("copy").log)  # type: ignore[arg-type]  # any JSON
    status, text = judged(desk)
    assert status == 6
    assert "(rule: output)" in text


def test_two_records_of_one_output_are_no_walk(desk: Desk) -> None:
    forgery = Forgery.of(desk.run("copy").log)
    place = forgery.find("step.output", stream="stdout")
    forgery.lines.insert(place, forgery.lines[place])
    forgery.write(desk.run("copy").log)
    assert judged(desk)[0] == 6


def test_a6_an_output_that_was_changed_with_its_record_is_not_what_the_step_observed(desk: Desk) -> None:
    told = b"all is well\n"
    (desk.run("copy").output / OUT).write_bytes(told)
    forgery = Forgery.of(desk.run("copy").log)
    place = forgery.find("step.output", stream="stdout")
    forgery.edit(place, size=len(told), sha256=sha256(told).hexdigest()).write(desk.run("copy").log)
    status, text = judged(desk)
    assert status == 6
    assert f"`output/{OUT}` says something else than the step observed" in text
    finished = forgery.find("step.finished", "loud") + 1
    assert f"audit.jsonl:{finished}:1: error RB553" in text


def test_a6_what_a_step_observed_cannot_be_changed_beside_its_output(desk: Desk) -> None:
    forgery = Forgery.of(desk.run("copy").log)
    forgery.within(forgery.find("step.finished", "loud"), "obs", lambda obs: obs.update(stderr="all is well\n"))
    forgery.write(desk.run("copy").log)
    assert judged(desk)[0] == 6


def test_a6_an_output_that_was_taken_away_with_its_record_is_missed(desk: Desk) -> None:
    (desk.run("copy").output / OUT).unlink()
    forgery = Forgery.of(desk.run("copy").log)
    forgery.drop(forgery.find("step.output", stream="stdout")).write(desk.run("copy").log)
    status, text = judged(desk)
    assert f"RB551 output files that cannot be checked: {OUT};" in text
    assert (status, judged(desk, "--strict")[0]) == (0, 6)


def test_what_a_step_wrote_is_what_it_observed_however_much_and_whatever_it_is(desk: Desk) -> None:
    flood = "head -c 3000000 /dev/zero | tr '\\0' e; printf '\\303\\251\\303'"
    odd = "printf 'a\\033[31mb\\0\\377\\n'; head -c 90000 /dev/zero | tr '\\0' '\\377' >&2"
    hidden = "echo $(echo UEdQQVNTV09SRA== | base64 -d)=hunter2hunter2; echo plain >&2"
    steps = [("flood", flood), ("odd", odd), ("hidden", hidden)]
    following = ["odd", "hidden", "done"]
    wrote = [
        f"id: {name}\nkind: command\neffect: none\nscript: |\n  {script}\nnext: {then}\non_fail: bad\n"
        for (name, script), then in zip(steps, following, strict=True)
    ]
    done = desk.walk(book(*wrote), run="loud")
    assert done.status == 0, done
    strictly = desk.do("verify", "loud", "--strict")
    assert strictly.status == 5, strictly.text  # nobody signed it
    assert desk.told("step.finished", "loud")[2]["masked"] == ["stdout"]
    assert "output" not in strictly.text.replace("--strict", "")


def test_the_outputs_of_records_that_nobody_can_believe_are_not_called_foreign(desk: Desk) -> None:
    log = desk.run("copy").log
    log.write_bytes(log.read_bytes().replace(b'"step":"loud"', b'"step":"lowd"', 1))
    status, text = judged(desk)
    assert (status, "RB504" in text, "RB552" in text) == (1, True, False), text
