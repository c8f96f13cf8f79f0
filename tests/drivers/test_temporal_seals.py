"""The log of a run that an engine walks is signed by who answers for it, at each pause and to its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import wait_for
from tests.drivers.engine import Crew, Server
from tests.drivers.persons import ANA, BEN, CLEO, Persons
from tests.world.postgres import Postgres

ONE = book(change("one", then="done"))
YES = "step: one, confirm: yes"


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN)


@pytest.fixture
def crew(tmp_path: Path, postgres: Postgres, engine: Server, persons: Persons) -> Iterator[Crew]:
    at = Crew(tmp_path, postgres, engine)
    at.env |= {"RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    at.worker()
    yield at
    at.leave()


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
