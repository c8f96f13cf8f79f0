"""What a machine looks at in maintenance, against a real server, real certificates and real programs."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.drivers.desk import Desk, answers
from tests.runbooks.copied import copied
from tests.runbooks.watched import Site, site
from tests.world.authority import Authority

AREAS = ("health", "database", "security", "performance")
ASKED = (
    "step: health, items: {error_rate: yes, jobs: yes}",
    "step: database, items: {connections: yes, slow_queries: yes}",
    "step: security, items: {sign_ins: yes, advisories: yes}",
    "step: performance, items: {vitals: yes, capacity: yes}",
)
FINDINGS = {
    "health": "unhealthy",
    "database": "database_finding",
    "security": "security_finding",
    "performance": "performance_finding",
}
DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sdb1 1000 {n}0 1 {n}% /var/lib/postgresql\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def renewed(authority: Authority) -> Path:
    return authority.signed("renewed", -1, 60.5)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    at = Desk(tmp_path)
    at.write("df", DF.format(n=42))
    finished(at, hours=7)
    yield at
    at.settled()


def finished(desk: Desk, *, hours: int) -> None:
    """Say that the newest backup was finished so many hours ago."""
    when = datetime.now(UTC) - timedelta(hours=hours)
    desk.write("backup.json", json.dumps({"file": "app.dump", "finished_at": f"{when:%Y-%m-%dT%H:%M:%SZ}"}))


def looked(desk: Desk, authority: Authority, url: str, *, disk: str = "cat, df", ends: int = 0) -> dict[str, str]:
    """Walk the monitoring; for each item what was found."""
    changes = {
        "https://staging.example.com": url,
        "ops/newest-backup, staging": "cat, backup.json",
        "ssh, db-staging.example.com, df, -P, /var/lib/postgresql": disk,
        "slowest_ms: 2000": "slowest_ms: 700",
    }
    book = copied(desk, "monitoring.yaml", changes)
    book.write_text(book.read_text() + f"defaults: {{http: {{ca_file: {authority.file}}}}}\n")
    led = [f"step: {step}, outcome: done, evidence: TICKET-1" for step in FINDINGS.values()]
    desk.write("answers.yaml", answers(*ASKED, *led))
    done = desk.do("run", book.name, "-e", "staging", "--run-id", "r1", "--answers", "answers.yaml")
    assert (done.status, desk.verify()) == (ends, 0), done.text
    seen = {str(told["step"]): json.loads(told["obs"]) for told in desk.told("step.finished") if told["step"] in AREAS}
    return {item: word for area in AREAS for item, word in seen[area]["items"].items()}


def no(items: dict[str, str]) -> set[str]:
    """The items that were found wanting."""
    return {item for item, word in items.items() if word == "no"}


def led_on(desk: Desk) -> set[str]:
    """The findings that somebody was asked to lead on."""
    passed = {str(told["step"]) for told in desk.told("step.finished") if told["outcome"] == "passed"}
    return passed & set(FINDINGS.values())


def test_where_all_is_well_a_machine_says_so_and_only_persons_are_asked(
    desk: Desk, authority: Authority, renewed: Path
) -> None:
    with site(renewed) as served:
        items = looked(desk, authority, served.url)
    assert set(items.values()) == {"yes"}
    assert led_on(desk) == set()


def _broken(served: Site) -> None:
    served.status = 500


def _bare(served: Site) -> None:
    del served.headers["Content-Security-Policy"]


def _slow(served: Site) -> None:
    served.seconds = 0.8


def _lying(served: Site) -> None:
    served.database = 500


def _swallowing(served: Site) -> None:
    served.missing = 200


def _heavy(served: Site) -> None:
    served.page += "x" * 500_000


def _blank(served: Site) -> None:
    served.page = ""


WRONG: dict[str, tuple[Callable[[Site], None], set[str], str]] = {
    "a 500": (_broken, {"answers", "page"}, "health"),
    "a blank page": (_blank, {"page"}, "health"),
    "no 404": (_swallowing, {"not_found"}, "health"),
    "no database": (_lying, {"reached"}, "database"),
    "a header is absent": (_bare, {"headers"}, "security"),
    "slow": (_slow, {"speed"}, "performance"),
    "heavy": (_heavy, {"weight"}, "performance"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_the_site_is_found_and_leads_on(
    desk: Desk, authority: Authority, renewed: Path, what: str
) -> None:
    wrong, found, area = WRONG[what]
    with site(renewed) as served:
        wrong(served)
        assert no(looked(desk, authority, served.url, ends=1)) == found
    assert led_on(desk) == {FINDINGS[area]}


def test_a_certificate_with_five_days_left_is_found_before_it_ends(desk: Desk, authority: Authority) -> None:
    with site(authority.signed("forgotten", -80, 5.5)) as served:
        assert no(looked(desk, authority, served.url, ends=1)) == {"certificate"}
    assert led_on(desk) == {"security_finding"}


def test_an_old_backup_and_a_full_disk_are_found(desk: Desk, authority: Authority, renewed: Path) -> None:
    finished(desk, hours=27)
    desk.write("df", DF.format(n=85))
    with site(renewed) as served:
        assert no(looked(desk, authority, served.url, ends=1)) == {"backup", "disk"}
    (seen,) = [told["reason"] for told in desk.told("step.finished") if told["step"] == "database.disk"]
    assert seen.endswith(" is 85")
    assert led_on(desk) == {"database_finding"}


def test_a_site_that_is_not_there_fails_every_look_and_ends_no_walk(desk: Desk, authority: Authority) -> None:
    with site() as served:
        gone = served.url
    items = looked(desk, authority, gone, ends=1)
    machine = {"answers", "page", "not_found", "reached", "certificate", "headers", "speed", "weight"}
    assert (no(items), items["backup"], items["disk"]) == (machine, "yes", "yes")


def test_the_disk_is_read_from_what_df_really_prints(desk: Desk, authority: Authority, renewed: Path) -> None:
    printed = subprocess.run(["df", "-P", "/"], capture_output=True, text=True, check=True).stdout
    used = re.search(r"([0-9]+)%", printed)
    assert used is not None
    full = int(used[1]) >= 85
    with site(renewed) as served:
        assert ("disk" in no(looked(desk, authority, served.url, disk="df, -P, /", ends=int(full)))) is full


BOOK = """\
runbook: v1
id: half
title: Somebody stops here
description: To be left in the middle.
owner: us
steps:
  - {id: sure, title: Sure, kind: gate, question: "Really?"}
  - {id: over, kind: finish, outcome: completed}
"""


def left_in_the_middle(desk: Desk) -> list[str]:
    """The runs that the look of the morning names; only its second half is walked."""
    for name in ("monitoring", "maintenance_daily"):
        copied(desk, f"{name}.yaml", {})
    desk.env["PATH"] = f"{Path(sys.executable).parent}:{desk.env['PATH']}"
    desk.write("answers.yaml", answers("step: night, items: {errors: yes, deployments: yes, alerts: yes, plans: yes}"))
    begun = ("-e", "staging", "--start-at", "night", "--reason", "only that")
    desk.do("run", "maintenance_daily.yaml", *begun, "--run-id", "r1", "--answers", "answers.yaml")
    (seen,) = [json.loads(told["obs"]) for told in desk.told("step.finished") if told["step"] == "night.runs"]
    lines: list[str] = seen["lines"]
    return [line.split(maxsplit=1)[0] for line in lines]


def test_a_run_that_was_left_in_the_middle_is_named_and_a_drill_is_not(desk: Desk) -> None:
    desk.write("half.yaml", BOOK)
    desk.write("drill.yaml", "scenario: v1\nrunbook: half.yaml\ntitle: t\nclock: simulated\nworld: {}\n")
    desk.write("none.yaml", "answers: []\n")
    desk.do("drill", "drill.yaml", "--answers", "none.yaml")
    assert desk.do("run", "half.yaml", "--run-id", "begun", "--answers", "none.yaml").status == 3
    assert [told["state"] for told in json.loads(desk.do("runs", "--format", "json").out)["runs"]] == ["paused"] * 2
    assert left_in_the_middle(desk) == ["begun"]


def counted(desk: Desk, url: str, days: set[int]) -> set[str]:
    """Walk the look of the week with a backup of each of these days ago; the items that a machine found wanting."""
    made = [{"finished_at": f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%dT02:10:00Z}"} for ago in days]
    desk.write("backups.json", json.dumps(made))
    changes = {
        "http://staging.example.com": url,
        "ops/backups, staging": "cat, backups.json",
        "npm, audit, --omit=dev, --audit-level=high": "test, -e, audited",
    }
    book = copied(desk, "maintenance_weekly.yaml", changes)
    trends = "step: trends, items: {errors: yes, latency: yes, growth: yes, alerts: yes, open: yes, handover: yes}"
    led = [f"step: {step}, outcome: done, evidence: TICKET-1" for step in ("backup_finding", "security_finding")]
    desk.write("answers.yaml", answers(trends, *led))
    done = desk.do("run", book.name, "-e", "staging", "--run-id", "r1", "--answers", "answers.yaml")
    (seen,) = [json.loads(told["obs"]) for told in desk.told("step.finished") if told["step"] == "machine"]
    assert (done.status, desk.verify()) == (int(bool(seen["failed"])), 0), done.text
    return set(seen["failed"])


def test_a_week_with_all_its_backups_and_every_door_shut_is_a_good_one(desk: Desk) -> None:
    desk.write("audited", "")
    with site() as served:
        served.status = 308
        served.headers["Location"] = "https://127.0.0.1/"
        assert counted(desk, served.url, set(range(8))) == set()


def test_a_day_without_a_backup_a_page_without_encryption_and_an_advisory_are_counted(desk: Desk) -> None:
    with site() as served:
        assert counted(desk, served.url, {0, 1, 2, 4, 5, 6, 7}) == {"backups", "redirect", "advisories"}
