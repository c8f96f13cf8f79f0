"""Jobs that are paused to take load off a database: a real import holds the only connection that the backend allows."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.desk import Desk, Done, answers, wait_for
from tests.runbooks.copied import copied
from tests.runbooks.loopback import PAGE
from tests.runbooks.serving import Quiet, serving

ALL, SOME = "/import", "/import?connections=1"
TOLD = ("step: tell_team/tell_team, outcome: done", "step: tell_team/tell_users, outcome: done")
PAUSED = "step: shed_load, confirm: yes, outcome: done, evidence: paused the import"
START = "step: start_jobs, confirm: yes"
LOOKED = "step: journeys, items: {list: yes, create: yes, change: yes}"
WELL = (
    "step: verify/rates, items: {errors: yes, latency: yes}",
    "step: verify/users, items: {reporter: yes, support: not_verified}",
    "step: tell_resolved/tell_team, outcome: done",
    "step: tell_resolved/tell_users, outcome: done",
)


class Backend:
    """The backend and the application before it. An import that takes all leaves nothing for others."""

    def __init__(self) -> None:
        self.imports: list[str] = []
        self.url = ""
        self._import: socket.socket | None = None

    def respond(self, asked: Quiet) -> None:
        """An answer; an import is served for as long as it stays."""
        if asked.path.startswith("/import"):
            self.imports.append(asked.path)
            asked.rfile.read(1)
            self.imports.remove(asked.path)
            return
        refused = {"/version": 429, "/api/db/health": 503} if ALL in self.imports else {}
        status = refused.get(asked.path, 200)
        body = PAGE if asked.path == "/" else json.dumps({"status": "ok" if status == 200 else "error"}).encode()
        asked.send(status, body, {})

    def start(self, how: str) -> None:
        """Start the import."""
        host, port = self.url.removeprefix("http://").split(":")
        self._import = socket.create_connection((host, int(port)))
        self._import.sendall(f"GET {how} HTTP/1.0\r\n\r\n".encode())
        wait_for(lambda: self.imports == [how], "the import does not begin")

    def pause(self) -> None:
        """Pause it."""
        if self._import is not None:
            self._import.close()
            self._import = None
            wait_for(lambda: not self.imports, "the import goes on")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def backend(desk: Desk) -> Iterator[Backend]:
    """A backend whose limit an import uses up, and the runbook for it."""
    backend = Backend()
    with serving(backend.respond) as backend.url:
        desk.write("app.env", f"BACKEND_URL={backend.url}\n")
        changes = {
            "https://app.example.com": backend.url,
            "https://backend.example.com": backend.url,
            "[vercel, env, pull, /dev/stdout, --environment, production]": "[cat, app.env]",
            "watch: 5m": "watch: 100ms",
        }
        copied(desk, "database_connection.yaml", changes)
        backend.start(ALL)
        yield backend
        backend.pause()


def walk(desk: Desk, *entries: str) -> Done:
    """Walk on from where the run stands, as far as these answers lead; the log is valid."""
    desk.write("answers.yaml", answers(*entries))
    begun = desk.run().log.exists()
    way = ("resume", "r1") if begun else ("run", "database_connection.yaml", "-e", "production", "--run-id", "r1")
    done = desk.do(*way, "--answers", "answers.yaml")
    assert desk.verify() == (3 if done.status == 3 else 0), done.text
    return done


def sent(desk: Desk, step: str) -> str:
    """The text of the message of a step."""
    fields = [json.loads(told["what"])["fields"] for told in desk.told("step.started") if told["step"] == step]
    return str(fields[-1]["text"])


def finish(desk: Desk) -> str:
    return str(desk.told("run.finished")[0]["finish"])


def paused(desk: Desk, backend: Backend, *entries: str) -> None:
    """The import is paused where the walk asks for it; the walk goes on until it is to be started again."""
    assert walk(desk, *entries).status == 3
    assert backend.imports == [ALL]
    backend.pause()
    assert walk(desk, PAUSED).status == 3
    assert str(desk.told("step.entered")[-1]["step"]) == "start_jobs"


def test_an_import_that_was_paused_runs_again_when_it_is_said_to_be_over(desk: Desk, backend: Backend) -> None:
    paused(desk, backend, *TOLD)
    backend.start(SOME)
    done = walk(desk, START, "step: shed_load.undo, confirm: yes, outcome: done", LOOKED, *WELL)
    assert (done.status, finish(desk)) == (0, "resolved"), done.text
    assert backend.imports == [SOME]
    assert "run again" in sent(desk, "tell_resolved/tell_team")


def test_an_import_that_takes_all_again_is_paused_again_and_somebody_is_named_who_starts_it(
    desk: Desk, backend: Backend
) -> None:
    paused(desk, backend, *TOLD)
    backend.start(ALL)
    paused(desk, backend, START, "step: shed_load.undo, confirm: yes, outcome: done", LOOKED)
    left = "step: shed_load.undo, confirm: yes, outcome: failed, do: skip, reason: it has a loop in it"
    done = walk(desk, START, left, LOOKED, *WELL)
    assert done.status == 0, done.text
    assert finish(desk) == "mitigated"
    assert backend.imports == []
    assert "still paused: data on-call starts them" in sent(desk, "tell_resolved/tell_team")
