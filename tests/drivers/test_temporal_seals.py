"""The log of a run that an engine walks is signed by who answers for it: at pauses, in between, and to its end."""

from contextlib import closing
from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import wait_for
from tests.drivers.engine import Crew
from tests.drivers.persons import ANA, BEN, CLEO, Persons
from tests.drivers.test_temporal_histories import walked_again

from runbook.audit.signing import sign
from runbook.drivers.checkpointing import EVERY_MS, EVERY_RECORDS
from runbook.drivers.notary import Credentials
from runbook.drivers.temporal.client import NotTaken, engine
from runbook.drivers.temporal.payloads import Reply
from runbook.drivers.temporal.periodic import Periodic
from runbook.drivers.temporal.vouching import Said
from runbook.model.canonical import Json, canonical
from runbook.model.checkpoint import NAMESPACE, CheckpointText
from runbook.walk.records import from_record
from runbook.walk.run_events import NoteAdded

ONE = book(change("one", then="done"))
YES = "step: one, confirm: yes"


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN)


@pytest.fixture
def crew(crew: Crew, persons: Persons) -> Crew:
    crew.env |= {"RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    crew.worker()
    return crew


def signed(crew: Crew, *argv: str) -> int:
    """The status of a verification that wants every record signed."""
    return crew.do("verify", "r1", "--strict", *argv).status


def kept(crew: Crew) -> list[str]:
    return sorted(path.name for path in crew.run().checkpoints.iterdir())


def test_who_answers_with_a_key_signs_the_log_to_its_end(crew: Crew, persons: Persons) -> None:
    crew.submit(ONE)
    answered = crew.do(*crew.answering(YES, operator=ANA), "--key", str(persons.key("ana")))
    assert answered.status == 0, answered.err
    count = len(crew.records())
    wait_for(lambda: kept(crew) == [f"{count:012d}.txt", f"{count:012d}.txt.sig"], "the end is not signed")
    assert crew.told("warning") == []
    verified = crew.do("verify", "r1", "--strict")
    assert verified.status == 0, verified.text
    assert ANA in verified.text


def test_a_run_that_is_paused_is_signed_by_who_sat_at_it_and_its_end_by_who_goes_on(
    crew: Crew, persons: Persons
) -> None:
    crew.submit(book(change("one", then="rest"), "id: rest\ntitle: Rest\nkind: wait\nfor: 1h\nnext: done\n"))
    key = ("--key", str(persons.key("ana")))
    answering = crew.start(*crew.answering(YES, operator=ANA), *key)
    crew.walked("wait.started")
    assert crew.do("handover", "r1", "--to", BEN, "--operator", ANA).status == 0
    assert answering.ended().status == 3
    crew.walked("run.handed_over")
    (checkpoint,) = crew.told("checkpoint.signed")
    assert checkpoint["signer"] == ANA
    ben = crew.start(
        *crew.answering("step: rest, do: abort, reason: x", operator=BEN), "--key", str(persons.key("ben"))
    )
    crew.walked("run.resumed")
    assert crew.do("abort", "r1", "--reason", "enough", "--operator", BEN).status == 0
    assert ben.ended().status == 1
    wait_for(lambda: len(kept(crew)) == 4, "the end is not signed")
    assert signed(crew) == 0


def test_what_nobody_signs_is_told_and_goes_on(crew: Crew, persons: Persons) -> None:
    crew.submit(book(change("one", then="rest"), "id: rest\ntitle: Rest\nkind: wait\nfor: 3s\nnext: done\n"))
    answering = crew.start(*crew.answering(YES, operator=ANA), "--key", str(persons.key("ana")))
    crew.walked("wait.started")
    answering.signal(15)
    answering.ended()
    crew.walked("run.finished")
    assert "nobody who answers signed" in str(crew.told("warning")[-1]["text"])
    assert crew.verify() == 0
    assert signed(crew) != 0


def test_a_key_that_does_not_count_signs_nothing(crew: Crew, persons: Persons) -> None:
    crew.submit(ONE)
    assert crew.do(*crew.answering(YES, operator=ANA), "--key", str(persons.key("cleo"))).status == 0
    assert "list another key than the key of ana" in str(crew.told("warning")[-1]["text"])
    assert kept(crew) == []
    assert CLEO not in str(crew.types())


RESTS = book(change("one", then="rest"), "id: rest\ntitle: Rest\nkind: wait\nfor: 1h\nnext: done\n")


def test_who_takes_over_signs_in_the_middle_and_nobody_waits_for_it(crew: Crew, persons: Persons) -> None:
    crew.submit(RESTS)
    answering = crew.start(*crew.answering(YES, operator=BEN), "--key", str(persons.key("ben")))
    crew.walked("checkpoint.signed")
    (checkpoint,) = crew.told("checkpoint.signed")
    assert checkpoint["signer"] == BEN
    crew.walked("wait.started")
    assert crew.do("abort", "r1", "--reason", "enough", "--operator", BEN).status == 0
    assert answering.ended().status == 1
    wait_for(lambda: len(kept(crew)) == 4, "the end is not signed")
    assert crew.told("warning") == []
    assert signed(crew) == 0
    for history in crew.histories("runbook:r1"):
        walked_again("r1", history)


def test_a_key_that_cannot_sign_in_the_middle_is_said_once_and_holds_up_nothing(crew: Crew) -> None:
    crew.submit(RESTS)
    answering = crew.start(*crew.answering(YES, operator=BEN), "--key", str(crew.root / "no-such-key"))
    crew.walked("wait.started")
    crew.walked("warning")
    assert crew.do("abort", "r1", "--reason", "enough", "--operator", BEN).status == 0
    assert answering.ended().status == 1
    (warning,) = crew.told("warning")
    assert "the log is not signed: " in str(warning["text"])
    assert kept(crew) == []
    assert crew.verify() == 0


def test_only_the_operator_signs_and_only_the_log_that_there_is(crew: Crew, persons: Persons) -> None:
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    count, head, key = len(crew.records()), crew.records()[-1].h, persons.key("ana")

    def says(word: str, by: str, body: dict[str, Json]) -> Reply:
        return Reply(run="r1", id=0, says=word, body=canonical(body), by=by, source="terminal", signs=True)

    def sealed(size: int, head: str) -> dict[str, Json]:
        text = str(CheckpointText(run="r1", size=size, head=head))
        return {"size": size, "head": head, "signature": sign(text, key, NAMESPACE, seconds=10)}

    with engine(crew.engine.address, crew.env["RUNBOOK_NAMESPACE"]) as reached:
        for refused in (
            says("signed", BEN, sealed(count, head)),
            says("signed", ANA, {**sealed(count, head), "size": True}),
            says("signed", ANA, sealed(count + 1, head)),
            says("yes", ANA, {}),
        ):
            with pytest.raises(NotTaken):
                reached.seal("runbook:r1", refused)
        reached.seal("runbook:r1", says("signed", ANA, sealed(count, "0" * 64)))
        crew.walked("warning")
        for _ in range(2):
            reached.seal("runbook:r1", says("signed", ANA, sealed(count, head)))
            crew.walked("checkpoint.signed")
    assert crew.answer(YES).status == 0
    (warning,), (checkpoint,) = crew.told("warning"), crew.told("checkpoint.signed")
    assert "what was signed is not this log" in str(warning["text"])
    assert (checkpoint["size"], checkpoint["head"]) == (count, head)
    assert len(kept(crew)) == 2
    assert crew.verify() == 0


def made(periodic: Periodic, size: int) -> Json:
    """How many records were signed, looked at until something is."""
    found: list[Said] = []

    def look() -> bool:
        found.extend(each for each in [periodic.look(size, "0" * 64)] if each is not None)
        return bool(found)

    wait_for(look, "nothing is signed")
    ((says, body),) = found
    assert says == "signed"
    return body["size"]


def test_it_is_time_after_15_minutes_or_5_000_records_and_not_for_a_checkpoint_alone(persons: Persons) -> None:
    """Where it begins to sign, what is looked at next hands that out: so what comes is what it has begun with."""

    def note(mono: int) -> NoteAdded:
        return NoteAdded(ts="2026-11-21T09:00:00.000Z", mono=mono, kind="note", text="seen", by=ANA)

    with closing(Periodic("r1", Credentials(key=persons.key("ana"), signers=persons.signers))) as periodic:
        periodic.tell(note(EVERY_MS - 60_000))
        assert periodic.look(EVERY_RECORDS - 1, "0" * 64) is None
        periodic.tell(note(EVERY_MS))
        assert made(periodic, 40) == 40
        told: dict[str, Json] = {"size": 40, "head": "", "file": "", "signer": ANA}
        periodic.tell(from_record("checkpoint.signed", "2026-11-21T09:15:01.000Z", EVERY_MS, told))
        periodic.tell(note(3 * EVERY_MS))
        assert periodic.look(41, "0" * 64) is None
        assert made(periodic, 42) == 42
        assert periodic.look(41 + EVERY_RECORDS, "0" * 64) is None
        assert made(periodic, 42 + EVERY_RECORDS) == 42 + EVERY_RECORDS
