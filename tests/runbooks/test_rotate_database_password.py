"""The password-reset cascade cannot happen again: what its runbook refuses, and what it says then."""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, Done, answers, wait_for
from tests.drivers.sitting import told
from tests.runbooks.cloud import TOKEN, Cloud, Project, standing_in
from tests.runbooks.copied import copied
from tests.world.postgres import Postgres

from runbook.drivers.rehearsal import rehearse
from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario

RUNBOOKS = Path(__file__).resolve().parents[2] / "runbooks"
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    at = Desk(tmp_path)
    yield at
    at.settled()


def refusal(scenario: str) -> str:
    """What the guards say in a scenario of the runbook."""
    path = str(RUNBOOKS / "rotate_database_password.yaml")
    runbook = load(path, KINDS).runbook
    told_ = load_scenario(str(RUNBOOKS / "scenarios" / f"rotate_{scenario}.yaml")).scenario
    assert runbook is not None
    assert told_ is not None
    rehearsed = rehearse(told_, runbook, KINDS, files={path: "0" * 64})
    assert rehearsed.failures == []
    guarded = (told(rehearsed.records, "step.refused", step) for step in ("write_version", "reset"))
    (refused,) = [record for records in guarded for record in records]
    return str(refused["reason"])


def test_s3_the_second_reset_within_the_hour_is_refused_with_since_when_until_when_and_which_run() -> None:
    said = refusal("too_early")
    for part in ("40 min ago", "ben@example.com", "run 20261121-0930-rotate_database_password-b2mq", "not again until"):
        assert part in said, part


@pytest.mark.parametrize(("scenario", "said"), [("without_staging", "in staging"), ("staging_too_old", "7 d ago")])
def test_s3_production_is_refused_without_a_recent_run_on_staging(scenario: str, said: str) -> None:
    found = refusal(scenario)
    assert "there is no live run of `rotate_database_password` in staging that ended resolved" in found
    assert said in found


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", " "])
def test_s3_a_stray_byte_at_the_end_of_the_secret_is_found_before_it_is_used(desk: Desk, end: str) -> None:
    look = "id: look\nkind: env\nfrom: secrets\nrequire: {password: {pattern: '[a-z-]+', secret: true}}\non_fail: bad"
    text = book(f"{look}\nnext: reset", change("reset", then="done"), head="secrets:\n  password: {env: PASSWORD}\n")
    desk.write("answers.yaml", answers("step: reset, confirm: yes"))
    done = desk.walk(text, "--answers", "answers.yaml", env={"PASSWORD": PASSWORD + end})
    assert done.status == 1, done
    assert desk.effects() == []
    assert PASSWORD.encode() not in desk.every_byte()
    assert PASSWORD not in done.text


def staged(desk: Desk) -> str:
    """A runbook whose change wants a staging run that went well."""
    places = "environments:\n  staging: {}\n  production: {}\n"
    live = "when: environment.name == 'production'"
    guards = f"guards: [{{requires_run: {{environment: staging, finish: resolved, within: 1d}}, {live}}}]\n"
    desk.write("answers.yaml", answers("step: reset, confirm: yes"))
    return book(change("reset", then="done", more=guards), head=places)


def go(desk: Desk, text: str, place: str, run: str) -> int:
    return desk.walk(text, "--answers", "answers.yaml", "-e", place, run=run).status


def test_s3_a_live_run_on_staging_lets_production_go_and_its_log_is_judged_now(desk: Desk) -> None:
    text = staged(desk)
    assert go(desk, text, "production", "first") == 3
    assert "as far as this store knows" in desk.told("step.refused", "first")[0]["reason"]
    assert desk.do("abort", "first", "--reason", "staging first").status == 0
    assert go(desk, text, "staging", "second") == 0
    assert go(desk, text, "production", "third") == 0
    assert desk.effects() == ["reset", "reset"]
    log = desk.run("second").log
    log.write_bytes(log.read_bytes().replace(b"resolved", b"Resolved", 1))
    assert go(desk, text, "production", "fourth") == 3
    assert "run second: its log does not verify" in desk.told("step.refused", "fourth")[0]["reason"]


def test_s3_another_version_of_the_runbook_on_staging_does_not_count(desk: Desk) -> None:
    text = staged(desk)
    assert go(desk, text.replace("within: 1d", "within: 2d"), "staging", "first") == 0
    assert go(desk, text, "production", "second") == 3
    assert "another version of the runbook" in desk.told("step.refused", "second")[0]["reason"]


def test_s3_a_run_on_staging_in_which_the_step_was_passed_over_does_not_count(desk: Desk) -> None:
    text = staged(desk)
    desk.write("answers.yaml", answers("step: reset, confirm: no, do: skip, reason: not today"))
    assert go(desk, text, "staging", "first") == 0
    desk.write("answers.yaml", answers("step: reset, confirm: yes"))
    assert go(desk, text, "production", "second") == 3
    assert "`reset` did not pass in it" in desk.told("step.refused", "second")[0]["reason"]


# The whole of it, for real: a database that asks for a password, a service that logs in with it, and a cloud between.

OLD, LOST = b"the-password-of-last-year-1", b"what-a-former-reset-left-behind"
WORDS = {
    "step: tell_security": "outcome: done",
    "step: alone": "confirm: yes",
    "step: tell_before/tell_team": "outcome: done",
    "step: tell_before/tell_users": "outcome: done",
    "step: new_revision": "confirm: yes",
    "step: others_have_it": "choose: yes",
    "step: end_sessions": "confirm: yes",
    "step: verify/journeys": "items: {what: yes, journeys: yes}",
    "step: verify/rates": "items: {errors: yes, latency: yes}",
    "step: verify/users": "items: {reporter: yes, support: yes}",
    "step: clean_up": "items: {former_versions: yes, other_services: yes, traffic_to_newest: yes, leak_closed: yes}",
    "step: tell_after/tell_team": "outcome: done",
    "step: tell_after/tell_users": "outcome: done",
}
"""What an operator says when all goes well."""


@dataclass
class Incident:
    """A desk in front of two projects of a cloud, and the walks that were done at it."""

    desk: Desk
    cloud: Cloud
    staging: Project
    production: Project

    def walk(self, place: str, run: str, *said: str, operator: str = "ana@example.com") -> tuple[int, list[str]]:
        """Walk the runbook; how it ended and the steps that it went through."""
        spoken = {said.partition(",")[0] for said in said}
        well = [f"{step}, {word}" for step, word in WORDS.items() if step not in spoken]
        self.desk.write("answers.yaml", answers(*said, *well))
        given = ("-e", place, "--run-id", run, "--operator", operator, "--answers", "answers.yaml")
        project = {"CLOUDSDK_CORE_PROJECT": f"example-{place}"}
        return self.ended(run, self.desk.do("run", NAME, *given, env=project))

    def go_on(self, run: str, *said: str) -> tuple[int, list[str]]:
        """Resume a run."""
        self.desk.write("answers.yaml", answers(*said))
        project = {"CLOUDSDK_CORE_PROJECT": "example-production"}
        return self.ended(run, self.desk.do("resume", run, "--answers", "answers.yaml", env=project))

    def ended(self, run: str, done: Done) -> tuple[int, list[str]]:
        """How a walk came out; nothing of it may hold a password."""
        assert self.secrets_in(done.text.encode()) == []
        return done.status, [str(fields["step"]) for fields in self.desk.told("step.entered", run)]

    def secrets_in(self, data: bytes) -> list[bytes]:
        """The secrets that stand somewhere."""
        versions = {v.strip() for project in self.cloud.projects.values() for v in project.versions}
        return [secret for secret in versions | {OLD, LOST, TOKEN.encode()} if secret in data]

    def refusals(self, run: str) -> list[str]:
        """What the guards said in a run."""
        return [str(fields["reason"]) for fields in self.desk.told("step.refused", run)]


NAME = "rotate_database_password.yaml"
RESET = "step: reset, confirm: {}, reason: INC-7"
TAKEN_BACK = "step: take_back, confirm: not reset in {}"
HANDED_OVER = ("step: tell_hand_over/tell_team, outcome: done", "step: tell_hand_over/tell_users, outcome: done")


@pytest.fixture
def incident(desk: Desk, postgres: Postgres) -> Iterator[Incident]:
    """Both places work with the password of last year."""
    places = [Project(f"example-{name}", f"app_{name}", [OLD], [OLD]) for name in ("staging", "production")]
    cloud = Cloud(postgres, places)
    for project in places:
        postgres.do(f"drop role if exists {project.user}; create role {project.user} login")
        cloud.set_password(project.user, OLD.decode())
    with standing_in(cloud, desk.root / "bin") as url:
        desk.env["PATH"] = f"{desk.root / 'bin'}:{desk.env['PATH']}"
        addresses = {f"https://{name}.example.com\n": f"{url}/example-{place}\n" for name, place in WHERE.items()}
        users = {
            f"instance: {name}\n    user: app\n": f"instance: {name}\n    user: app_{place}\n"
            for name, place in INSTANCES.items()
        }
        databases = {f"127.0.0.1:{port}/app": f"127.0.0.1:{postgres.port}/app" for port in (5432, 5433)}
        google = {"https://sqladmin.googleapis.com": url, "timeout: 75m": "timeout: 20s"}
        copied(desk, NAME, {**addresses, **users, **databases, **google})
        yield Incident(desk, cloud, *places)
    for project in places:
        postgres.do(f"drop role {project.user}")
    assert cloud.misunderstood == []


WHERE = {"staging": "staging", "app": "production"}
INSTANCES = {"main-staging": "staging", "main": "production"}


def staging_goes_well(incident: Incident) -> None:
    """The password of staging is changed."""
    said = ("step: symptom, choose: leaked", "step: write_version, confirm: yes", RESET.format("staging"))
    status, path = incident.walk("staging", "on-staging", *said)
    assert (status, path[-1]) == (0, "done")


def looks(incident: Incident, run: str) -> list[bool]:
    """How each look went while the reset was waited for."""
    if not incident.desk.run(run).log.exists():
        return []
    return [
        bool(fields["passed"]) for fields in incident.desk.told("wait.checked", run) if fields["step"] == "propagate"
    ]


def slow(incident: Incident, project: Project, run: str) -> None:
    """A reset reaches the database only when it was looked for twice, in vain."""
    project.passes = lambda: wait_for(lambda: len(looks(incident, run)) > 1, "nobody looks for the reset")


def test_s3_a_leaked_password_is_changed_and_whoever_had_it_is_outside(incident: Incident) -> None:
    cloud, staging = incident.cloud, incident.staging
    slow(incident, staging, "on-staging")
    with psycopg.connect(cloud.postgres.url_of("app", user=staging.user, password=OLD.decode())) as intruder:
        staging_goes_well(incident)
        with pytest.raises(psycopg.errors.AdminShutdown):
            intruder.execute("select 1")
    own = [str(fields["step"]) for fields in incident.desk.told("step.entered", "on-staging")]
    assert own.index("tell_security") < own.index("tell_before") < own.index("write_version")
    assert own.index("propagate") < own.index("new_revision") < own.index("end_sessions") < own.index("verify")
    assert "can be undone" not in incident.desk.do("status", "on-staging").text
    assert staging.resets == 1
    assert len(staging.versions) == 2
    new = staging.versions[-1]
    assert re.fullmatch(rb"[A-Za-z0-9_-]{40,}", new)
    assert (cloud.logs_in(staging.user, new), cloud.logs_in(staging.user, OLD)) == (True, False)
    assert cloud.health(staging, "database=1") == (200, {"status": "ok"})
    assert looks(incident, "on-staging")[:2] == [False, False]
    assert looks(incident, "on-staging")[-1] is True


def test_s3_the_cascade_ends_where_it_would_have_begun(incident: Incident) -> None:
    cloud, production, desk = incident.cloud, incident.production, incident.desk
    # As in the incident: a reset by hand to what nobody has, a secret with a stray byte, traffic that is pinned.
    cloud.set_password(production.user, LOST.decode())
    production.versions.append(b"written-by-hand-on-another-machine\r")
    production.deploy()
    production.pinned = 0
    mended = ("step: mend_secret, choose: edges", "step: strip_version, confirm: yes")
    begin = ("step: symptom, choose: refused", *mended)

    assert incident.walk("production", "hasty", *begin)[0] == 3
    assert "there is no live run of `rotate_database_password` in staging" in incident.refusals("hasty")[0]
    assert production.resets == 0
    assert incident.go_on("hasty", "step: reset, do: abort, reason: staging first")[0] == 1

    staging_goes_well(incident)
    production.versions.append(b"written-by-hand-on-another-machine\r")
    moved = ("step: known_good, fields: {revision: api-00003}", "step: move_traffic, confirm: yes")
    status, path = incident.walk("production", "mended", *begin, RESET.format("production"), *moved)
    assert (status, path[-1]) == (0, "done")
    assert [step for step in path if "/" not in step][5:] == [
        *("tell_before", "which_way", "verify_secret", "mend_secret", "strip_version", "verify_secret", "log_in"),
        *("why_not", "reset", "propagate", "new_revision", "connects", "which_serves", "known_good", "move_traffic"),
        *("connects", "old_sessions", "verify", "clean_up", "tell_after", "all_of_it", "done"),
    ]
    good = production.versions[-1]
    assert good == b"written-by-hand-on-another-machine"

    status, _ = incident.walk(
        "production",
        "again",
        "step: symptom, choose: leaked",
        "step: write_version, confirm: yes",
        operator="ben@example.com",
    )
    assert status == 3
    assert incident.go_on("again", "step: reset, do: retry")[0] == 3
    for said in incident.refusals("again"):
        for part in ("ana@example.com", "run mended", "not again until"):
            assert part in said, part
    assert len(incident.refusals("again")) == 2
    back = ("step: reset, do: go_to, to: take_back, reason: not yet an hour", TAKEN_BACK.format("production"))
    assert incident.go_on("again", *back, *HANDED_OVER)[0] == 1

    assert production.resets == 1
    assert production.versions[-1] == good
    assert [cloud.logs_in(production.user, password) for password in (good, OLD, LOST)] == [True, False, False]
    assert cloud.health(production, "database=1") == (200, {"status": "ok"})
    assert [desk.verify(run) for run in ("hasty", "on-staging", "mended", "again")] == [0, 0, 0, 0]
    for run in ("mended", "again"):
        assert desk.do("bundle", run).status == 0
        with tarfile.open(desk.root / f"{run}.tar.gz") as archive:
            kept = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
            assert {name for name, file in kept.items() if file and incident.secrets_in(file.read())} == set()
            assert f"{run}/report.html" in kept
    assert incident.secrets_in(desk.every_byte() + b"\n".join(cloud.processes)) == []
    assert any(b"versions\0add" in process for process in cloud.processes)
    report = desk.do("report", "mended", "--format", "md").out
    assert "ends with a carriage return" in report
    assert "api-00003" in report


def test_s3_a_stray_byte_alone_needs_no_reset(incident: Incident) -> None:
    production, cloud = incident.production, incident.cloud
    production.versions.append(OLD + b"\n")
    production.deploy()
    production.stray.append(b"\r")  # the next shell does it again
    assert cloud.health(production, "database=1")[0] == 503
    mended = ("step: mend_secret, choose: edges", "step: strip_version, confirm: yes") * 2
    status, path = incident.walk("production", "r1", "step: symptom, choose: refused", *mended)
    assert (status, path.count("strip_version"), path.count("reset")) == (0, 2, 0)
    assert (production.resets, production.versions[-1]) == (0, OLD)
    assert cloud.health(production, "database=1") == (200, {"status": "ok"})
    assert incident.desk.verify() == 0


def test_s3_a_reset_of_somebody_else_is_waited_for(incident: Incident) -> None:
    production, cloud = incident.production, incident.cloud
    production.versions.append(b"the-new-one-of-somebody-else")
    slow(incident, production, "r1")
    cloud.reset(production, production.user, "the-new-one-of-somebody-else")
    status, path = incident.walk("production", "r1", "step: symptom, choose: waiting")
    assert (status, production.resets) == (0, 1)
    assert "reset" not in path
    assert cloud.health(production, "database=1") == (200, {"status": "ok"})


def test_s3_a_reset_that_is_refused_leaves_the_secret_as_it_was_to_its_last_byte(incident: Incident) -> None:
    staging = incident.staging
    staging.refusing = True
    staging.versions.append(OLD + b"\n")
    said = (
        *("step: symptom, choose: leaked", "step: write_version, confirm: yes", RESET.format("staging")),
        *("step: did_it_happen, choose: no", TAKEN_BACK.format("staging"), *HANDED_OVER),
    )
    status, path = incident.walk("staging", "r1", *said)
    assert (status, path[-1]) == (1, "escalate")
    assert (staging.resets, staging.versions[-1]) == (0, OLD + b"\n")
    assert incident.cloud.logs_in(staging.user, OLD)
    assert incident.desk.verify() == 0


def test_s3_a_reset_that_nobody_saw_is_unknown_and_waited_for_and_not_done_again(incident: Incident) -> None:
    staging = incident.staging
    staging.hanging_up = True
    slow(incident, staging, "on-staging")
    staging_goes_well(incident)
    (unknown,) = [fields for fields in incident.desk.told("step.unknown", "on-staging") if fields["step"] == "reset"]
    assert unknown["attempt"] == 1
    assert staging.resets == 1
    assert incident.cloud.logs_in(staging.user, staging.versions[-1])


@pytest.mark.parametrize("broken", ["openssl", "tr"])
def test_s3_what_could_not_be_made_is_not_written(incident: Incident, broken: str) -> None:
    staging = incident.staging
    program = incident.desk.root / "bin" / broken
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    said = ("step: symptom, choose: leaked", "step: write_version, confirm: yes", *HANDED_OVER)
    status, path = incident.walk("staging", "r1", *said)
    assert (status, path[-1]) == (1, "escalate")
    assert staging.versions == [OLD]


def test_s3_what_stands_before_and_behind_a_password_goes_and_what_stands_inside_stays(incident: Incident) -> None:
    staging, held = incident.staging, b" \tone two\r\n\n"
    staging.versions.append(held)
    said = (
        *("step: symptom, choose: refused", "step: mend_secret, choose: edges", "step: strip_version, confirm: yes"),
        *("step: mend_secret, choose: unreadable", TAKEN_BACK.format("staging"), *HANDED_OVER),
    )
    status, path = incident.walk("staging", "r1", *said)
    assert (status, path[-1]) == (1, "escalate")
    assert staging.versions[2:] == [b"one two", held]


def test_s3_what_was_left_behind_is_not_called_resolved(incident: Incident) -> None:
    incident.staging.versions.append(OLD + b"\n")
    incident.staging.deploy()
    left = "former_versions: no, other_services: yes, traffic_to_newest: yes, leak_closed: not_verified"
    said = (
        *("step: symptom, choose: refused", "step: mend_secret, choose: edges", "step: strip_version, confirm: yes"),
        f"step: clean_up, items: {{{left}}}",
    )
    assert incident.walk("staging", "r1", *said)[1][-1] == "left_behind"
    assert incident.desk.told("run.finished")[0]["finish"] == "mitigated"
    (told_,) = [f for f in incident.desk.told("step.started", "r1") if f["step"] == "tell_after/tell_team"]
    assert "Not done yet, and data on-call sees to it: former_versions, leak_closed." in str(told_["what"])
    assert incident.secrets_in(incident.desk.every_byte()) == []
