"""What other processes say reaches the log once, in order, or is refused; the chain is the writer's alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audit.logs import new_run

from runbook.audit.inbox import AT_ONCE, CAP, Delivered, Inbox, Rejected, Taken, put
from runbook.audit.store import RunDir
from runbook.model.diagnostics import Refused

pytestmark = pytest.mark.reliability


def settle(inbox: Inbox) -> list[Taken]:
    """Take everything, as a writer does that records all of it."""
    taken: list[Taken] = []
    while found := inbox.take():
        taken += found
        for each in found:
            inbox.done(each)
    return taken


def waiting(run: RunDir) -> list[str]:
    return sorted(path.name for path in run.inbox.iterdir() if path.name != "refused")


def test_k4_what_is_put_is_taken_once_and_in_order(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    ids = [put(run, "note", {"text": f"note {number}", "by": "ana@example.com"}) for number in range(25)]
    ids.append(put(run, "pause", {"by": "ben@example.com"}))
    inbox = Inbox(run)
    taken = settle(inbox)
    assert [each.id for each in taken] == ids
    assert all(isinstance(each, Delivered) for each in taken)
    last = taken[-1]
    assert isinstance(last, Delivered)
    assert (last.kind, last.fields) == ("pause", {"by": "ben@example.com"})
    assert waiting(run) == []
    assert inbox.take() == []


def test_k4_what_is_taken_and_not_yet_recorded_is_not_handed_out_again(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    put(run, "note", {"text": "one"})
    inbox = Inbox(run)
    (first,) = inbox.take()
    assert inbox.take() == []
    put(run, "note", {"text": "two"})
    (second,) = inbox.take()
    assert first.id != second.id


def test_k4_after_a_crash_what_was_recorded_is_not_recorded_again_and_nothing_is_lost(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    ids = [put(run, "note", {"text": str(number)}) for number in range(4)]
    (run.inbox / "garbage").write_bytes(b"garbage")
    before = Inbox(run).take()
    recorded = [before[0].id, before[1].id, before[4].id]  # then the process was killed
    assert isinstance(before[4], Rejected)
    after = Inbox(run, recorded)
    assert [each.id for each in settle(after)] == ids[2:]
    assert waiting(run) == []


def test_k4_several_processes_put_at_once_and_each_is_heard_once(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    code = (
        "import sys; from pathlib import Path; from runbook.audit.inbox import put; from runbook.audit.store import"
        " RunDir\nfor number in range(20): put(RunDir(Path(sys.argv[1])), 'note', {'text': f'{sys.argv[2]} {number}'})"
    )
    commands = [[sys.executable, "-c", code, str(run.path), str(number)] for number in range(4)]
    running = [subprocess.Popen(command) for command in commands]
    inbox = Inbox(run)
    taken: list[Taken] = []
    while any(process.poll() is None for process in running):
        taken += settle(inbox)
    taken += settle(inbox)
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    texts = [str(each.fields["text"]).split() for each in taken if isinstance(each, Delivered)]
    for process in range(4):
        assert [number for who, number in texts if who == str(process)] == [str(number) for number in range(20)]


def delivery(**changes: object) -> bytes:
    value = {"delivery": "0" * 32, "run": "r1", "kind": "note", "fields": {"text": "x"}, **changes}
    return json.dumps(value).encode()


GARBAGE = {
    "nothing": b"",
    "garbage": b"garbage",
    "binary": bytes(range(256)),
    "a list": b"[]",
    "a number": b"1" * 5_000,
    "deep": b"[" * 8_000,
    "another run's": delivery(run="r2"),
    "no run's": delivery(run=None),
    "an unknown kind": delivery(kind="resume"),
    "a kind that is none": delivery(kind=["note"]),
    "fields that are none": delivery(fields=[1]),
    "a float": delivery(fields={"a": 1.5}),
    "NaN": delivery(fields={"a": float("nan")}),
    "2^64": delivery(fields={"a": 2**64}),
    "a surrogate": delivery(fields={"a": "\ud800"}),
    "a key of the header": delivery(fields={"h": "x"}),
    "deep fields": delivery(fields={"a": json.loads("[" * 70 + "]" * 70)}),
    "a key too many": delivery(more=1),
    "a short id": delivery(delivery="1"),
    "an id with a slash": delivery(delivery="/" * 32),
    "the same key twice": b'{"delivery":1,' + delivery()[1:],
    "too long": delivery(fields={"text": "x" * CAP}),
}


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50 * 1024**3)


def link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def dangling(path: Path) -> None:
    path.symlink_to("/nowhere")


def link_to_a_delivery(path: Path) -> None:
    aside = path.parents[1] / "aside"
    aside.write_bytes(delivery())
    path.symlink_to(aside)


def link_to_a_directory(path: Path) -> None:
    path.symlink_to("/")


def fifo(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()
    (path / "inside").touch()


THINGS: tuple[Callable[[Path], None], ...] = (
    huge,
    link,
    dangling,
    link_to_a_delivery,
    link_to_a_directory,
    fifo,
    directory,
)


def placed(thing: bytes | Callable[[Path], None], path: Path) -> None:
    """Put a thing, or a file of these bytes, into a place."""
    if isinstance(thing, bytes):
        path.write_bytes(thing)
    else:
        thing(path)


@pytest.mark.parametrize("thing", [*THINGS, *GARBAGE.values()], ids=[*(make.__name__ for make in THINGS), *GARBAGE])
def test_k4_what_is_no_delivery_is_refused_once_put_aside_and_in_nobody_s_way(
    thing: bytes | Callable[[Path], None], tmp_path: Path
) -> None:
    run = new_run(tmp_path)
    before = put(run, "note", {"text": "before"})
    placed(thing, run.inbox / "000000000002.json")
    after = put(run, "note", {"text": "after"})
    inbox = Inbox(run)
    first, refused, last = settle(inbox)
    assert (first.id, last.id) == (before, after)
    assert isinstance(refused, Rejected)
    assert refused.reason.startswith("it ")
    assert refused.id.isascii()
    assert "000000000002.json" in refused.id
    assert waiting(run) == []
    assert len(list((run.inbox / "refused").iterdir())) == 1
    assert settle(Inbox(run)) == []


def test_k4_names_of_any_bytes_are_refused_with_an_id_that_can_stand_in_a_record(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    for name in (b"\xff\xfe", b"a\nb", b"\x1b]0;x", "é".encode(), b"n" * 200):
        with open(bytes(run.inbox) + b"/" + name, "wb"):  # noqa: PTH123 - a Path cannot hold these bytes
            pass
    taken = settle(Inbox(run))
    assert len(taken) == 5
    for each in taken:
        assert each.id.isascii()
        assert each.id.isprintable()
        assert len(each.id) < 150


def test_k4_half_written_files_are_left_alone(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    (run.inbox / ".half").write_bytes(b'{"run":')
    assert Inbox(run).take() == []
    assert waiting(run) == [".half"]


def test_k4_a_flood_is_taken_up_piece_by_piece(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    for number in range(AT_ONCE + 50):
        (run.inbox / f"{number:05d}").touch()
    inbox = Inbox(run)
    assert [len(inbox.take()) for _ in range(3)] == [AT_ONCE, 50, 0]


def test_k4_an_inbox_that_is_gone_or_full_is_no_crash(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    run.inbox.rmdir()
    assert Inbox(run).take() == []
    with pytest.raises(Refused, match="no such file"):
        put(run, "note", {"text": "x"})
    run.inbox.mkdir()
    with pytest.raises(Refused, match="more than a run takes"):
        put(run, "note", {"text": "x" * CAP})
    assert waiting(run) == []
