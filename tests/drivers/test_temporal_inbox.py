"""What others say to a run that an engine walks: on record once and in order, as in a walk at hand, or refused."""

import json

from tests.drivers.books import book, change, read
from tests.drivers.desk import in_words, wait_for
from tests.drivers.engine import Crew

from runbook.audit.postgres.arrivals import NEWS

ONE = book(change("one", then="done"))
YES = "step: one, confirm: yes"
BEN = "ben@example.com"
ABORT = ("abort", "r1", "--reason", "enough", "--operator", BEN)
HANDOVER = ("handover", "r1", "--to", BEN, "--operator", "ana@example.com", "--reason", "shift ends")


def waits(crew: Crew, text: str = ONE) -> None:
    """A run that waits for a confirmation."""
    crew.worker()
    assert crew.submit(text).status == 0
    crew.walked("confirmation.requested")


def note(crew: Crew, text: str) -> None:
    done = crew.do("note", "r1", text, "--kind", "decision", "--operator", BEN)
    assert done.status == 0, done.err
    assert "in the store, for the engine" in done.err


def test_notes_are_on_record_once_and_in_order_while_a_person_is_waited_for(crew: Crew) -> None:
    waits(crew)
    for number in range(3):
        note(crew, f"note {number}")
    crew.walked("note.added", count=3)
    told = crew.told("note.added")
    assert [(each["text"], each["by"], each["kind"]) for each in told] == [
        (f"note {number}", BEN, "decision") for number in range(3)
    ]
    assert all(len(str(each["inbox"])) == 32 for each in told)
    assert crew.answer(YES).status == 0
    assert len(crew.told("note.added")) == 3
    assert crew.verify() == 0


def test_a_note_is_on_record_while_a_worker_performs(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(read("look", "sh", "-c", "while [ ! -e go ]; do sleep 0.05; done", then="done")))
    crew.walked("step.started")
    note(crew, "it takes long")
    crew.walked("note.added")
    assert crew.types()[-1] == "note.added"
    (crew.root / "go").touch()
    crew.walked("run.finished")
    assert crew.verify() == 0


def test_what_was_said_while_no_worker_was_there_is_on_record_when_one_is(crew: Crew) -> None:
    worker = crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    worker.signal(15)
    assert worker.ended().status == 0
    for number in range(120):  # more than are taken up at once
        put = "insert into runbook.inbox (run, number, data) values ('r1', 0, %s)"
        text = {"by": BEN, "text": f"note {number}"}
        said = {"delivery": f"{number:032}", "fields": text, "kind": "note", "run": "r1"}
        crew.owner(put, json.dumps(said).encode())
    crew.owner("insert into runbook.inbox (run, number, data) values ('r1', 0, %s)", b"\xff garbage")
    crew.worker()
    crew.walked("warning")
    assert [each["text"] for each in crew.told("note.added")] == [f"note {number}" for number in range(120)]
    assert "it is not a delivery" in str(crew.told("warning")[0]["text"])
    assert crew.answer(YES).status == 0
    assert crew.verify() == 0


def test_an_abort_ends_the_run(crew: Crew) -> None:
    waits(crew)
    assert "in the store, for the engine" in crew.do(*ABORT).err
    crew.walked("run.finished")
    acted = crew.told("operator.acted")[0]
    assert (acted["do"], acted["by"], acted["source"], acted["reason"]) == (
        "abort",
        f"{BEN}",
        "inbox",
        "enough",
    )
    assert crew.told("run.finished")[0]["finish"] == "aborted"
    assert crew.effects() == []
    assert crew.verify() == 0


def test_a_run_that_is_handed_over_waits_for_who_it_was_handed_to(crew: Crew) -> None:
    waits(crew)
    handed = crew.do(*HANDOVER)
    assert handed.status == 0, handed.err
    assert f"runbook answer r1 --operator {BEN}" in handed.out
    crew.walked("run.handed_over")
    assert crew.types()[-2:] == ["run.paused", "run.handed_over"]
    shown = crew.do("status", "r1").out
    assert "r1: paused" in shown
    assert f"runbook answer r1 --operator {BEN}" in shown
    stranger = crew.do("answer", "r1")
    assert stranger.status == 2
    assert "RB336" in stranger.err
    assert crew.answer(YES, operator=BEN).status == 0
    assert [(told["operator"], str(told["host"]).split()[0]) for told in crew.told("run.resumed")] == [
        (BEN, "temporal")
    ]
    assert [told["by"] for told in crew.told("confirmation.given")] == [BEN]
    assert crew.effects() == ["one"]
    assert crew.verify() == 0


def test_a_paused_run_takes_notes_and_can_be_ended(crew: Crew) -> None:
    waits(crew)
    crew.do(*HANDOVER)
    crew.walked("run.handed_over")
    note(crew, "nobody is there")
    crew.walked("note.added")
    assert crew.do(*ABORT).status == 0
    crew.walked("run.finished")
    assert crew.types()[-3:] == ["note.added", "operator.acted", "run.finished"]
    assert crew.verify() == 0


def test_whoever_answers_leaves_when_the_run_is_handed_over(crew: Crew) -> None:
    rest = "id: rest\ntitle: Rest\nkind: wait\nfor: 1h\nnext: one\n"
    crew.worker()
    crew.submit(book(rest, change("one", then="done")))
    answering = crew.start(*crew.answering())
    wait_for(lambda: "answers for" in answering.said(), "nobody answers")
    crew.do(*HANDOVER)
    left = answering.ended()
    assert left.status == 3
    assert "the run is paused: handed over to ben@example.com by ana@example.com: shift ends" in in_words(left.err)


def test_a_run_whose_workflow_was_terminated_is_told_things_where_it_was_resumed(crew: Crew) -> None:
    waits(crew)
    crew.terminate("runbook:r1")
    note(crew, "the engine is gone")
    crew.write("answers.yaml", "answers: []\n")
    assert crew.do("resume", "r1", "--answers", "answers.yaml").status == 3
    assert [told["text"] for told in crew.told("note.added")] == ["the engine is gone"]
    shown = crew.do("status", "r1").out
    assert "r1: paused" in shown
    assert "runbook resume r1" in shown
    assert "temporal" not in shown
    assert "paused" in crew.do("runs").out
    assert "on record" in crew.do("note", "r1", "at hand").err
    assert crew.types()[-1] == "note.added"
    crew.write("answers.yaml", f"answers:\n  - {{{YES}}}\n")
    assert crew.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert crew.effects() == ["one"]
    assert crew.verify() == 0


def test_a_look_for_what_arrived_reads_no_inbox_from_its_beginning(crew: Crew) -> None:
    many = "select 'r' || n, n, 'x', clock_timestamp() - n * interval '1 minute' from generate_series(1, 10000) n"
    crew.rewrite(f"insert into runbook.inbox (run, number, data, at) {many}")
    crew.owner("vacuum analyze runbook.inbox")
    plan = " ".join(str(line) for (line,) in crew.owner(f"explain {NEWS}".replace("%s", "60")))
    assert "inbox_arrived" in plan
    assert "Seq Scan on inbox" not in plan
