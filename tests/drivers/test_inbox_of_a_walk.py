"""What other processes put into a run's inbox, while it is walked, waits, or is paused: once, in order, or refused."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, change, read
from tests.drivers.desk import Desk, Process, answers, wait_for

from runbook.audit.inbox import put
from runbook.model.canonical import Json

pytestmark = pytest.mark.reliability
HOLD = "while [ ! -e go ]; do sleep 0.02; done"
READ = book(read("look", "sh", "-c", HOLD, then="done"))
CHANGE = book(change("one", then="done", after=HOLD))
CALM = book("id: calm\ntitle: Wait\nkind: wait\nfor: 1h\nnext: done\n", end=GOOD)
BEGUN = {"read": (READ, "step.started"), "change": (CHANGE, "step.started"), "wait": (CALM, "wait.started")}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    return desk


def begun(desk: Desk, where: str) -> Process:
    """A walk that stands in the middle of something."""
    text, last = BEGUN[where]
    desk.write("book.yaml", text)
    given = ("--answers", "answers.yaml") if where == "change" else ()
    process = desk.start("run", "book.yaml", "--run-id", "r1", *given)
    wait_for(lambda: desk.run().log.exists() and desk.types()[-1:] == [last], "it does not begin")
    return process


def taken_up(desk: Desk) -> None:
    """Wait until whatever was delivered before is taken up: what comes later is recorded later."""
    put(desk.run(), "note", {"text": "marker", "by": "ben@example.com"})
    wait_for(lambda: "marker" in notes(desk), "the inbox is not looked at", 2)


def notes(desk: Desk) -> list[str]:
    return [str(f["text"]) for f in desk.told("note.added")]


@pytest.mark.parametrize("where", BEGUN)
def test_k4_notes_from_other_terminals_are_recorded_once_and_in_order_while_it_is_walked(
    where: str, desk: Desk
) -> None:
    process = begun(desk, where)
    for number in range(3):
        assert "delivered" in desk.do("note", "r1", f"note {number}", "--kind", "decision").err
    wait_for(lambda: len(notes(desk)) == 3, "the notes do not arrive", 3)
    (desk.root / "go").touch()
    if where == "wait":
        process.signal(signal.SIGTERM)
    process.ended()
    assert notes(desk) == ["note 0", "note 1", "note 2"]
    assert {f["kind"] for f in desk.told("note.added")} == {"decision"}
    assert [*desk.run().inbox.iterdir()] == []
    assert desk.verify() in (0, 3)


@pytest.mark.parametrize("where", BEGUN)
def test_k4_an_abort_from_another_terminal_ends_it_but_never_leaves_a_change_in_the_middle(
    where: str, desk: Desk
) -> None:
    process = begun(desk, where)
    assert desk.do("abort", "r1", "--reason", "enough", "--operator", "ben@example.com").status == 0
    if where == "change":
        taken_up(desk)
        assert [of for of in desk.types() if of != "warning"][-2:] == ["step.started", "note.added"]
        (desk.root / "go").touch()
    done = process.ended(8)
    assert done.status == 1
    acted = desk.told("operator.acted")[-1]
    assert (acted["do"], acted["by"], acted["reason"], acted["source"]) == (
        "abort",
        "ben@example.com",
        "enough",
        "inbox",
    )
    assert desk.types()[-1] == "run.finished"
    assert desk.told("run.finished")[0]["finish"] == "aborted"
    if where == "change":
        assert desk.told("step.finished")[-1]["outcome"] == "passed"
        assert [f["text"] for f in desk.told("warning")] == [
            "ben@example.com wants the run aborted; that is done when what runs now is over"
        ]
    assert desk.verify() == 0


@pytest.mark.parametrize("where", BEGUN)
def test_k4_a_pause_from_another_process_pauses_when_nothing_is_in_flight(where: str, desk: Desk) -> None:
    process = begun(desk, where)
    put(desk.run(), "pause", {"by": "ben@example.com", "reason": "hold on"})
    if where != "wait":
        taken_up(desk)
        assert desk.types().count("run.paused") == 0
    (desk.root / "go").touch()
    assert process.ended().status == 3
    assert desk.told("run.paused")[0]["reason"] == "hold on"
    assert desk.verify() == 3
    assert desk.types().count("run.paused") == 1


def test_k4_of_an_abort_and_a_pause_neither_is_forgotten(desk: Desk) -> None:
    process = begun(desk, "change")
    put(desk.run(), "abort", {"by": "ben@example.com", "reason": "enough"})
    put(desk.run(), "pause", {"by": "cem@example.com", "reason": "hold on"})
    taken_up(desk)
    (desk.root / "go").touch()
    assert process.ended().status == 1
    assert [f["do"] for f in desk.told("operator.acted")] == ["abort"]
    assert desk.verify() == 0


BAD: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"\xff\0garbage"),
    "huge": lambda path: path.write_bytes(b"x" * 10_000_000),
    "link": lambda path: path.symlink_to("/etc/passwd"),
    "loop": lambda path: path.symlink_to(path.name),
    "fifo": os.mkfifo,
    "directory": Path.mkdir,
    "empty": Path.touch,
    "deep": lambda path: path.write_text("[" * 9_000),
    "other run": lambda path: path.write_text(
        json.dumps({"delivery": "a" * 32, "run": "r2", "kind": "abort", "fields": {}})
    ),
    "other kind": lambda path: path.write_text(
        json.dumps({"delivery": "b" * 32, "run": "r1", "kind": "confirm", "fields": {"confirm": "yes"}})
    ),
}


@pytest.mark.parametrize("where", ["read", "wait"])
def test_k4_what_is_no_delivery_to_this_run_is_refused_and_recorded_once(where: str, desk: Desk) -> None:
    process = begun(desk, where)
    for name, make in BAD.items():
        make(desk.run().inbox / name.replace(" ", "-"))
    wait_for(lambda: len(desk.told("warning")) >= len(BAD), "they are not refused", 5)
    assert desk.do("note", "r1", "still here").status == 0
    wait_for(lambda: notes(desk) == ["still here"], "the note does not arrive")
    process.signal(signal.SIGTERM)
    assert process.ended().status == 130
    warnings = [str(f["text"]) for f in desk.told("warning")]
    refused = [name for name in BAD for text in warnings if f"inbox: {name.replace(' ', '-')}:" in text]
    assert refused == [*BAD]
    assert "root:" not in str(desk.every_byte())
    assert desk.verify() == 3


NONSENSE: list[tuple[str, dict[str, Json], str]] = [
    ("note", {"kind": "gossip", "text": "x", "by": "ben@example.com"}, "kind"),
    ("note", {"kind": ["note"], "text": "x", "by": "ben@example.com"}, "kind"),
    ("note", {"text": {"a": [1]}, "by": "ben@example.com"}, "text"),
    ("note", {"text": " \n", "by": "ben@example.com"}, "text"),
    ("note", {"text": "x" * 12_001, "by": "ben@example.com"}, "text"),
    ("note", {"by": "ben@example.com"}, "text"),
    ("note", {"text": "x", "by": 7}, "by"),
    ("note", {"text": "x", "by": "n" * 201}, "by"),
    ("note", {"text": "x", "by": "ana\x1b[2J"}, "by"),
    ("note", {"text": "x", "by": "ana\u202e"}, "by"),
    ("note", {"text": "x", "by": "two\nlines"}, "by"),
    ("note", {"text": "x", "by": ""}, "by"),
    ("note", {"text": "x"}, "by"),
    ("note", {}, "by"),
    ("note", {"text": "x", "by": "ben@example.com", "step": "done"}, "a field that it cannot have"),
    ("abort", {"reason": "  ", "by": "ben@example.com"}, "reason"),
    ("abort", {"reason": "x", "by": ["x"]}, "by"),
    ("abort", {"reason": "x"}, "by"),
    ("pause", {"reason": 7, "by": "ben@example.com"}, "reason"),
    ("pause", {"by": "ben@example.com", "to": "done"}, "a field that it cannot have"),
    ("handover", {"by": "ben@example.com"}, "to"),
    ("handover", {"by": "ben@example.com", "to": ""}, "to"),
    ("handover", {"by": "ben@example.com", "to": "two\nlines"}, "to"),
]


def test_k4_a_delivery_whose_fields_are_nonsense_is_refused_and_recorded_and_nothing_of_it_believed(desk: Desk) -> None:
    process = begun(desk, "wait")
    for kind, fields, _ in NONSENSE:
        put(desk.run(), kind, fields)
    put(desk.run(), "approval", {"text": "x", "signature": "y"})
    taken_up(desk)
    wait_for(lambda: [p.name for p in desk.run().inbox.iterdir()] == ["refused"], "they are not put aside")
    process.signal(signal.SIGTERM)
    process.ended()
    refused = [str(f["text"]).partition(".json: ")[2] for f in desk.told("warning") if "refused" in str(f["text"])]
    assert refused == [f"a message `{kind}` is not taken with this: {what}" for kind, _, what in NONSENSE]
    assert len({f["inbox"] for f in desk.told("warning")}) == len(NONSENSE) + 1
    assert [f["text"] for f in desk.told("note.added")] == ["marker"]
    assert "inbox" not in {f["source"] for f in desk.told("operator.acted")}
    assert desk.verify() == 3


def test_k4_a_secret_in_a_note_of_another_process_is_masked_wherever_it_stands(desk: Desk) -> None:
    desk.env["TOKEN"] = "hunter2-hunter2"
    head = "secrets: {token: {env: TOKEN}}\n"
    step = "id: calm\ntitle: Wait\nkind: wait\nfor: 1h\nnext: done\n"
    desk.write("book.yaml", book(step, end=GOOD, head=head))
    process = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for(lambda: desk.run().log.exists() and desk.types()[-1:] == ["wait.started"], "it does not begin")
    put(desk.run(), "note", {"text": "with hunter2-hunter2", "by": "hunter2-hunter2@example.com"})
    wait_for(lambda: notes(desk), "the note does not arrive")
    process.signal(signal.SIGTERM)
    done = process.ended()
    (note,) = desk.told("note.added")
    assert (note["text"], note["by"]) == ("with [MASKED:token]", "[MASKED:token]@example.com")
    assert "hunter2" not in done.text
    assert b"hunter2" not in desk.every_byte()


def test_k4_what_arrives_while_it_is_paused_is_recorded_by_whoever_brings_it_or_goes_on(desk: Desk) -> None:
    assert desk.walk(CHANGE).status == 3
    assert desk.do("note", "r1", "on the way").err == "on record\n"
    put(desk.run(), "note", {"text": "left here", "by": "ben@example.com"})
    (desk.root / "go").touch()
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert notes(desk) == ["on the way", "left here"]
    assert desk.verify() == 0


def test_k4_a_delivery_that_was_recorded_before_a_crash_is_not_recorded_again(desk: Desk) -> None:
    process = begun(desk, "wait")
    kept = desk.root / "kept"
    put(desk.run(), "note", {"text": "once", "by": "ben@example.com"})
    os.link(next(desk.run().inbox.iterdir()), kept)
    wait_for(lambda: notes(desk) == ["once"], "the note does not arrive")
    process.signal(signal.SIGKILL)
    process.ended()
    os.link(kept, desk.run().inbox / "000000000009.json")  # as if it had died before it took the file away
    again = desk.start("resume", "r1")
    wait_for(lambda: not [*desk.run().inbox.iterdir()], "it is not taken away")
    again.signal(signal.SIGTERM)
    again.ended()
    assert notes(desk) == ["once"]
    assert desk.verify() == 3


def test_k4_an_inbox_that_is_gone_stops_nobody(desk: Desk) -> None:
    process = begun(desk, "read")
    desk.run().inbox.rmdir()
    done = desk.do("note", "r1", "hello")
    assert done.status == 2
    assert "RB540" in done.err
    (desk.root / "go").touch()
    assert process.ended().status == 0
    assert desk.verify() == 0
