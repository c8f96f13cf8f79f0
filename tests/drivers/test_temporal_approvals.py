"""Others approve what a run does that an engine walks: asked for, signed, taken in and refused as at hand."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, Process
from tests.drivers.engine import Crew, Server
from tests.drivers.persons import ANA, BEN, CLEO, Persons, deliver, open_request
from tests.drivers.test_approving import GATE, asking
from tests.drivers.test_temporal_runs import alike
from tests.world.postgres import Postgres


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN, CLEO)


@pytest.fixture
def crew(tmp_path: Path, postgres: Postgres, engine: Server, persons: Persons) -> Iterator[Crew]:
    at = Crew(tmp_path, postgres, engine)
    at.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    yield at
    at.leave()


def asked(crew: Crew, text: str, *entries: str) -> Process:
    """Submit a runbook, and answer for it until it waits for others."""
    worker = crew.worker()
    submitted = crew.submit(text)
    assert submitted.status == 0, submitted.err
    waits = crew.answer(*entries)
    assert waits.status == 3, waits.err
    assert "runbook approve" in waits.err
    return worker


def test_a_submitted_step_waits_for_an_approval_and_starts_with_it(crew: Crew, persons: Persons) -> None:
    asked(crew, asking(), "step: mend, confirm: yes")
    assert crew.effects() == []
    persons.approve(crew.run(), BEN)
    crew.walked("run.finished")
    assert crew.effects() == ["mend"]
    assert [(told["by"], told["key"][:7]) for told in crew.told("approval.requested")] == [(ANA, "SHA256:")]
    assert [told["approver"] for told in crew.told("approval.given")] == [BEN]
    assert crew.verify() == 0
