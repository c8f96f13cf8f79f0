"""A release that fails is rolled back on a real host: over a real sshd, with directories of releases and a link."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.drivers.desk import Desk, Done, answers
from tests.kinds.test_releases import MADE, release, serves
from tests.runbooks.copied import copied
from tests.runbooks.loopback import PAGE, Answer, Request, answering
from tests.world.sshd import Home, Sshd, running

GOOD, UNFINISHED, BAD = "2026-11-20-1", "2026-11-20-2", "2026-11-21-1"
DECIDE = (
    "step: why, choose: bug",
    "step: tell_team/tell_team, outcome: done",
    "step: choose/last_good, choose: previous",
    "step: choose/migration_between, choose: no",
    "step: roll_back, confirm: production",
    "step: reload, confirm: yes",
)
AFTERWARDS = (
    "step: verify/journeys, items: {what: yes, journeys: yes}",
    "step: verify/rates, items: {errors: yes, latency: yes}",
    "step: verify/users, items: {reporter: yes, support: not_verified}",
    "step: document/facts, fields: {seen: every order fails since 14:00, fixed: orders work, prevention: a test}",
    "step: document/follow_up, items: {ticket: yes, blocked: yes, data: yes, review: not_verified}",
    "step: tell_resolved/tell_team, outcome: done",
)
TOLD_USERS = "step: tell_resolved/tell_users, outcome: done"
HANDED_OVER = "step: hand_over/tell_team, outcome: done"
WORSE = ("step: still_bad, choose: worse", "step: take_back, confirm: yes", "step: roll_back.undo, confirm: yes")


class Api:
    """A service of releases: it serves from the one that ``current`` led to when it was last reloaded."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.writes = True
        self.reload()

    def reload(self) -> None:
        """Take up the release that ``current`` leads to."""
        self.loaded = serves(self.place)

    def save(self) -> str | None:
        """Save something: the release that has written it; None while writes are stopped."""
        return self.loaded if self.writes else None

    def respond(self, request: Request) -> Answer:
        """The health endpoint and the page, as the release that was taken up has them."""
        if (self.place / "releases" / self.loaded / "fails").exists():
            return 500, {"status": "error"}
        return 200, {"status": "ok"} if request.path == "/api/health" else PAGE


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def sshd(desk: Desk) -> Iterator[Sshd]:
    """The host, which the operator knows and may log in to."""
    with running(desk.root / "sshd") as host:
        home = Home(desk.root)
        home.let_in(host)
        home.call("web1.example.com", host)
        home.know(f"[127.0.0.1]:{host.port}", host.key)
        yield host


@pytest.fixture
def api(desk: Desk, sshd: Sshd) -> Iterator[Api]:
    """The service on that host, broken by its newest release; between the two lies one that was never complete."""
    assert sshd.port
    place = desk.root / "srv" / "api"
    for number, name in enumerate((GOOD, UNFINISHED, BAD)):
        release(place, name, made=MADE + 60 * number, **{"revision": None} if name == UNFINISHED else {})
    (place / "releases" / BAD / "fails").touch()
    (place / "current").symlink_to(f"releases/{BAD}")
    api = Api(place)

    def reload(*_: object) -> bytes:
        api.reload()
        return b""

    programs = desk.root / "programs"
    with answering(api.respond, "reload", reload, programs) as url:
        changes: Mapping[str, str] = {
            "/srv/api": str(place),
            "https://internal.example.com": url,
            "[sudo, -n, systemctl, reload, api]": f"[{programs / 'reload'}, api]",
            "watch: 5m": "watch: 100ms",
        }
        copied(desk, "roll_back_release.yaml", changes)
        yield api


def walk(desk: Desk, *entries: str, more: tuple[str, ...] = (), ends: int = 0) -> Done:
    """A walk with these answers, whose log is valid; with 3 it has no end yet."""
    desk.write("answers.yaml", answers(*entries))
    book = ("roll_back_release.yaml", "-e", "production", "--run-id", "r1")
    done = desk.do("run", *book, "--answers", "answers.yaml", *more)
    assert desk.verify() == ends, done.text
    return done


def resumed(desk: Desk, *entries: str) -> Done:
    """The walk goes on with these answers."""
    desk.write("answers.yaml", answers(*entries))
    return desk.do("resume", "r1", "--answers", "answers.yaml")


def stopped(desk: Desk, api: Api) -> None:
    """A walk for data that is written wrongly, up to where writes are to be started again."""
    api.writes = False
    told = "step: tell_team/tell_users, outcome: done"
    paused = walk(desk, "step: why, choose: corruption", "step: stop_writes, confirm: yes", told, *DECIDE[1:], ends=3)
    assert (paused.status, path(desk)[-1], api.loaded) == (3, "start_writes", GOOD), paused.text
    assert "Nothing can be saved at present" in sent(desk, "tell_team/tell_users")


def sent(desk: Desk, step: str) -> str:
    """The text of the message of a step."""
    (text,) = (json.loads(told["what"])["fields"]["text"] for told in desk.told("step.started") if told["step"] == step)
    return str(text)


def path(desk: Desk) -> list[str]:
    """The steps of the runbook itself that were entered."""
    return [str(told["step"]) for told in desk.told("step.entered") if not set("/.") & set(str(told["step"]))]


def finish(desk: Desk) -> str:
    return str(desk.told("run.finished")[0]["finish"])


def test_the_release_before_the_bad_one_serves_again_and_the_report_says_what_is_still_open(
    desk: Desk, api: Api
) -> None:
    done = walk(desk, *DECIDE, *AFTERWARDS)
    assert (done.status, finish(desk)) == (0, "mitigated"), done.text
    assert path(desk) == [
        *("why", "tell_team", "revisions", "choose", "roll_back", "reload"),
        *("start_writes", "verify", "tell_resolved", "document", "done"),
    ]
    assert (serves(api.place), api.loaded) == (GOOD, GOOD)  # not the one that was never complete
    assert desk.intents() == ["roll_back", "reload"]
    report = desk.do("report", "r1").out
    for said in (f"`{GOOD}` serves", "mitigated", "- [ ] Support gets no new reports", "every order fails since 14:00"):
        assert said.replace("`", "") in report.replace("`", ""), said


def test_the_older_release_is_worse_and_the_newer_one_serves_again(desk: Desk, api: Api) -> None:
    good = api.place / "releases" / GOOD
    (good / "fails").touch()
    os.utime(good, (MADE, MADE))  # a release is as old as its directory
    done = walk(desk, *DECIDE, *WORSE, "step: reload_back, confirm: yes", HANDED_OVER)
    assert (done.status, finish(desk)) == (1, "escalated"), done.text
    assert path(desk)[-7:] == [
        *("verify", "stop_again", "still_bad", "take_back", "reload_back", "hand_over", "escalate")
    ]
    assert (serves(api.place), api.loaded) == (BAD, BAD)
    failing = [told["obs"] for told in desk.told("step.finished") if told["step"] == "verify/healthy"]
    assert failing == ['{"failing":"health, page","finish":"failed"}']


def test_where_current_is_a_directory_nothing_is_changed(desk: Desk, api: Api) -> None:
    (api.place / "current").unlink()
    shutil.copytree(api.place / "releases" / BAD, api.place / "current")
    before = sorted(api.place.rglob("*"))
    done = walk(desk, *DECIDE[:3], HANDED_OVER)
    assert (done.status, finish(desk)) == (1, "escalated"), done.text
    assert sorted(api.place.rglob("*")) == before
    assert desk.intents() == []


def test_a_host_with_another_key_is_not_talked_to(desk: Desk, api: Api, sshd: Sshd) -> None:
    known = desk.root / ".ssh" / "known_hosts"
    other = (desk.root / ".ssh" / "id_ed25519.pub").read_text().split()[1]
    known.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 {other}\n")
    done = walk(desk, *DECIDE[:2], HANDED_OVER)
    assert (done.status, finish(desk)) == (1, "escalated"), done.text
    assert path(desk) == ["why", "tell_team", "revisions", "hand_over", "escalate"]
    assert "key" in str(desk.told("step.finished"))
    assert serves(api.place) == BAD


def test_a_dry_run_looks_at_the_host_and_moves_nothing(desk: Desk, api: Api) -> None:
    done = walk(desk, *DECIDE[:4], *AFTERWARDS, more=("--dry-run",))
    assert done.status == 0, done.text
    assert (serves(api.place), api.loaded) == (BAD, BAD)


def test_writes_that_were_stopped_are_started_again_with_the_older_release_and_are_right(desk: Desk, api: Api) -> None:
    stopped(desk, api)
    api.writes = True
    done = resumed(
        desk, "step: start_writes, confirm: yes, outcome: done, evidence: they are right", *AFTERWARDS, TOLD_USERS
    )
    assert (done.status, finish(desk)) == (0, "mitigated"), done.text
    assert desk.intents() == ["roll_back", "reload", "start_writes"]
    assert "Everything can be saved again" in sent(desk, "tell_resolved/tell_users")
    assert api.save() == GOOD


def test_what_is_written_after_it_is_wrong_too_and_writes_are_stopped_when_somebody_else_takes_over(
    desk: Desk, api: Api
) -> None:
    stopped(desk, api)
    api.writes = True
    wrong = "step: verify/journeys, items: {what: no, journeys: yes}"
    paused = resumed(desk, "step: start_writes, confirm: yes, outcome: done, evidence: they look right", wrong)
    assert paused.status == 3, paused.text
    assert api.save() == GOOD
    api.writes = False
    again = ("step: stop_again, confirm: yes", "step: start_writes.undo, confirm: yes, outcome: done")
    done = resumed(
        desk, *again, "step: still_bad, choose: escalate", HANDED_OVER, "step: hand_over/tell_users, outcome: done"
    )
    assert (done.status, finish(desk)) == (1, "escalated"), done.text
    assert api.save() is None
    assert "Still nothing can be saved" in sent(desk, "hand_over/tell_users")
    assert "Writes are stopped: data on-call starts them again" in sent(desk, "hand_over/tell_team")
