"""An application that does not load, walked against the demonstration service, with its variables from two sources."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.drivers.desk import Desk, Done, answers, wait_for
from tests.examples.serving import answer, fault, service
from tests.runbooks.copied import copied

NOTHING: Mapping[str, str] = {}
DOTENV = {'from: {command: ["${{ environment.print_variables }}"]}': "from: {file: build/demo/app.env}"}
"""Instead of by the command of the environment the variables are read from their file."""
SOURCES = pytest.mark.parametrize("source", [pytest.param(NOTHING, id="command"), pytest.param(DOTENV, id="file")])
TOLD = ("step: tell_team/tell_team, outcome: done", "step: tell_team/tell_users, outcome: done")
MENDED = "step: fix_env, confirm: yes, outcome: done, evidence: put right in the file"
WELL = (
    "step: journeys, items: {sign_in: yes, main_list: yes, save: yes}",
    "step: verify/rates, items: {errors: yes, latency: yes}",
    "step: verify/users, items: {reporter: not_verified, support: yes}",
    "step: tell_resolved/tell_team, outcome: done",
    "step: tell_resolved/tell_users, outcome: done",
)
UNCLEAR = (
    "step: read_logs, outcome: done",
    "step: cause, choose: unclear",
    "step: hand_over/tell_team, outcome: done",
    "step: hand_over/tell_users, outcome: done",
)


@dataclass(frozen=True, slots=True)
class Incident:
    """A service that is broken, and the desk at which the runbook is walked."""

    desk: Desk
    port: int

    @property
    def file(self) -> Path:
        """The variables of the service."""
        return self.desk.root / "build" / "demo" / "app.env"

    def alter(self, pattern: str, to: str) -> None:
        """Change the variables, all at once as a deployment does."""
        text = self.file.read_text()
        altered = re.sub(pattern, to, text, flags=re.MULTILINE)
        assert altered != text
        made = self.file.with_suffix(".new")
        made.write_text(altered)
        made.replace(self.file)

    def walk(
        self, *entries: str, changes: Mapping[str, str] = NOTHING, mend: bool = False, more: tuple[str, ...] = ()
    ) -> Done:
        """A walk whose log is valid and holds no secret; the service is mended when the walk asks for it."""
        secrets = [value.encode() for value in re.findall(r"^SES\w+=(\S+)", self.file.read_text(), re.MULTILINE)]
        copied(self.desk, "app_not_loading.yaml", {"watch: 2s": "watch: 100ms", **changes})
        self.desk.write("answers.yaml", answers(*entries))
        book = ("run", "app_not_loading.yaml", "-e", "demo", "-i", f"port=:{self.port}", "--run-id", "r1")
        process = self.desk.start(*book, "--answers", "answers.yaml", *more)
        if mend:
            log = self.desk.run().log
            asked = b'"type":"step.entered","step":"fix_env"'
            wait_for(lambda: log.exists() and asked in log.read_bytes(), "the walk never asks for it")
            fault(self.desk.root, self.port, "none")
        done = process.ended()
        assert self.desk.verify() == (3 if done.status == 3 else 0), done.text
        assert [secret for secret in secrets if secret in self.desk.every_byte() + done.text.encode()] == []
        return done

    def finish(self) -> str:
        """How the run ended."""
        return str(self.desk.told("run.finished")[0]["finish"])

    def path(self) -> list[str]:
        """The steps of the runbook itself that were entered."""
        return [str(told["step"]) for told in self.desk.told("step.entered") if "/" not in str(told["step"])]

    def found(self) -> str:
        """Why the variables were not as they should be."""
        return next(str(told["reason"]) for told in self.desk.told("step.finished") if told["step"] == "verify_env")


@pytest.fixture
def incident(tmp_path: Path) -> Iterator[Incident]:
    (tmp_path / "build" / "demo").mkdir(parents=True)
    with service(tmp_path) as port:
        fault(tmp_path, port, "none")
        yield Incident(Desk(tmp_path), port)


@SOURCES
def test_a_misspelt_variable_is_found_by_either_source_mended_and_verified(
    incident: Incident, source: Mapping[str, str]
) -> None:
    fault(incident.desk.root, incident.port, "misspelt")
    done = incident.walk(*TOLD, MENDED, *WELL, changes=source, mend=True)
    assert (done.status, incident.finish()) == (0, "resolved"), done.text
    assert incident.path() == [
        *("check_health", "tell_team", "verify_env", "were_they_read", "fix_env", "wait_until_healthy"),
        *("journeys", "was_it_us", "verify", "tell_resolved", "for_good", "done"),
    ]
    assert incident.desk.intents() == ["fix_env"]
    assert answer(incident.port, "/api/health")[0] == 200
    report = incident.desk.do("report", "r1").out
    for said in ("resolved", "SESION_SECRET (for SESSION_SECRET)", "- [ ] Somebody who reported it says that it works"):
        assert said in report.replace("\\", "").replace("`", ""), said


@pytest.mark.parametrize(
    ("pattern", "to", "found", "source"),
    [
        (r"^SESSION_SECRET=.*\n", "", "missing: SESSION_SECRET", NOTHING),
        (r"^(SESSION_SECRET=.{9}).*", r"\1", "SESSION_SECRET", DOTENV),
        (r"^(CSRF_SECRET=)(.*)", r'\1"\2\\r"', "carriage return", NOTHING),
        (r"^BACKEND_URL=http://", "BACKEND_URL=", "BACKEND_URL", DOTENV),
    ],
)
def test_whatever_is_wrong_with_a_variable_is_named(
    incident: Incident, pattern: str, to: str, found: str, source: Mapping[str, str]
) -> None:
    incident.alter(pattern, to)
    done = incident.walk(*TOLD, changes=source, more=("--start-at", "verify_env", "--reason", "the variables alone"))
    assert done.status == 3, done.text
    assert found in incident.found()


def test_where_the_variables_cannot_be_read_nobody_is_told_to_set_them(incident: Incident) -> None:
    fault(incident.desk.root, incident.port, "short")
    locked_out = {"[cat, build/demo/app.env]": '[sh, -c, "echo not logged in >&2; exit 1"]'}
    done = incident.walk(*TOLD, "step: cannot_read, choose: onward", *UNCLEAR, changes=locked_out)
    assert (done.status, incident.finish()) == (1, "escalated"), done.text
    assert incident.path()[2:6] == ["verify_env", "were_they_read", "cannot_read", "check_backend"]
    assert "cannot be read: it ended with exit status 1" in incident.found()
    assert incident.desk.intents() == []


def test_an_application_that_is_well_is_left_alone_and_nobody_is_told_anything(incident: Incident) -> None:
    done = incident.walk(WELL[0])
    assert (done.status, incident.finish()) == (0, "completed"), done.text
    assert incident.path() == ["check_health", "journeys", "was_it_us", "not_reproduced"]
    assert incident.desk.intents() == []


def test_a_fix_that_does_not_help_is_no_end_and_the_report_says_what_is_left_changed(incident: Incident) -> None:
    fault(incident.desk.root, incident.port, "missing")
    done = incident.walk(*TOLD, MENDED, *UNCLEAR, changes={"timeout: 10m": "timeout: 500ms"})
    assert (done.status, incident.finish()) == (1, "escalated"), done.text
    assert incident.path()[-7:] == [
        *("wait_until_healthy", "take_back", "check_backend", "read_logs", "cause", "hand_over", "escalate")
    ]
    assert "| Changed | Set what is missing or wrong |" in incident.desk.do("report", "r1").out
