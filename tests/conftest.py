"""What holds for every test of the project: how property tests draw their examples, a database, and an engine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.drivers.engine import Crew, Server
    from tests.world.postgres import Postgres

# In the background of a script, or under nohup, a signal is ignored here and by what is started here; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The same examples every time, so that a red run is red for everybody; `make reliability` draws new ones.
settings.register_profile(
    "sample",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("full", deadline=None, max_examples=1_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("RUNBOOK_HYPOTHESIS", "sample"))


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """A real PostgreSQL server, started for the first test that needs one."""
    from tests.world.postgres import postgres  # it imports psycopg

    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def engine() -> Iterator["Server"]:
    """A real Temporal server, started for the first test that needs one."""
    from tests.drivers.engine import server

    with server() as started:
        yield started


@pytest.fixture
def crew(tmp_path: Path, postgres: "Postgres", engine: "Server") -> Iterator["Crew"]:
    """A desk at a store of its own, with that engine; its workers are gone afterwards."""
    from tests.drivers.engine import Crew

    at = Crew(tmp_path, postgres, engine)
    yield at
    at.leave()
