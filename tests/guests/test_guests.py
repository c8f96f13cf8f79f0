"""Kinds of other packages: they are found, checked, walked, rehearsed and verified like ours, and break nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.guests.conftest import EXAMPLE, ROOT, brought_by, runbook

BOOK = """
runbook: v1
id: book
title: Book
steps:
  - id: look
    kind: {kind}
    {fields}
    next: done
    on_fail: over
  - {{id: done, kind: finish, outcome: resolved}}
  - {{id: over, kind: finish, outcome: escalated}}
"""
WRONG = {
    "no_module": "surely_not_there:Kind",
    "no_kind": "json:JSONDecoder",
    "no_class": "json:dumps",
    "raising": "antigravity_that_raises:Kind",
    "leaving": "antigravity_that_leaves:Kind",
    "unobservant": "antigravity_that_sees_nothing:Prometheus",
}


def test_the_examples_own_tests_pass_where_it_is_installed(site: Path) -> None:
    environment = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"}
    options = ("-q", "-p", "no:cacheprovider", "-c", "/dev/null")
    command = [sys.executable, "-m", "pytest", *options, str(EXAMPLE / "tests")]
    done = subprocess.run(command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_guest_is_checked_tested_listed_and_part_of_the_schema(site: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "book")
    for command in (("check", "book"), ("test", "book", "--min-coverage", "100"), ("show", "book/error_rate.yaml")):
        done = runbook(*command, cwd=tmp_path, sites=(site,))
        assert done.returncode == 0, done.stdout + done.stderr
    page = runbook("kinds", "prometheus", cwd=tmp_path, sites=(site,))
    assert "Asks Prometheus for the value of a query" in page.stdout
    schema = json.loads(runbook("schema", cwd=tmp_path, sites=(site,)).stdout)
    assert "step_prometheus" in schema["$defs"]
    alone = runbook("check", "book/error_rate.yaml", cwd=tmp_path, sites=())
    assert alone.returncode == 1
    assert "there is no kind `prometheus`" in alone.stderr + alone.stdout


def test_a_log_names_the_guest_and_its_version_and_wants_it_to_be_verified(site: Path, tmp_path: Path) -> None:
    (tmp_path / "book.yaml").write_text(BOOK.format(kind="prometheus", fields="url: http://127.0.0.1:9\n    query: up"))
    (tmp_path / "answers.yaml").write_text("answers: []\n")
    command = ("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r1")
    walked = runbook(*command, cwd=tmp_path, sites=(site,))
    assert walked.returncode == 1, walked.stderr  # nobody listens there, so it is escalated
    log = tmp_path / "state" / "runs" / "r1" / "audit.jsonl"
    started = json.loads(log.read_text().splitlines()[0])
    assert started["kinds"]["prometheus"] == {"distribution": "runbook-prometheus", "version": "1.0.0", "judge": 1}
    assert runbook("verify", "r1", cwd=tmp_path, sites=(site,)).returncode == 0
    without = runbook("verify", "r1", cwd=tmp_path, sites=())
    assert without.returncode == 7
    assert "install runbook-prometheus 1.0.0, and verify again" in without.stdout + without.stderr


def test_a_log_of_another_version_of_the_guest_is_a_legal_walk_all_the_same(site: Path, tmp_path: Path) -> None:
    (tmp_path / "book.yaml").write_text(BOOK.format(kind="prometheus", fields="url: http://127.0.0.1:9\n    query: up"))
    (tmp_path / "answers.yaml").write_text("answers: []\n")
    runbook("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r1", cwd=tmp_path, sites=(site,))
    newer = tmp_path / "newer"
    shutil.copytree(site, newer)
    (about,) = newer.glob("*.dist-info")
    metadata = (about / "METADATA").read_text()
    (about / "METADATA").write_text(metadata.replace("Version: 1.0.0", "Version: 1.1.0"))
    assert runbook("verify", "r1", cwd=tmp_path, sites=(newer,)).returncode == 0


@pytest.mark.parametrize(("name", "value"), WRONG.items(), ids=WRONG.keys())
def test_a_broken_guest_is_a_diagnostic_and_stops_no_other_runbook(tmp_path: Path, name: str, value: str) -> None:
    bad = tmp_path / "bad"
    brought_by(bad, "bad-guest", **{name: value})
    (bad / "antigravity_that_raises.py").write_text("raise RuntimeError('no')\n")
    (bad / "antigravity_that_leaves.py").write_text("raise SystemExit(0)\n")  # which is the status of a clean file
    (bad / "antigravity_that_sees_nothing.py").write_text(
        "from runbook_prometheus import Prometheus\n"
        "Prometheus.NAME, Prometheus.OBSERVES = 'unobservant', {'value': 'double'}\n"
    )
    (tmp_path / "book.yaml").write_text(BOOK.format(kind=name, fields="url: x"))
    (tmp_path / "other.yaml").write_text(BOOK.format(kind="http", fields='url: "http://127.0.0.1:9"'))
    wrong = runbook("check", "book.yaml", cwd=tmp_path, sites=(bad, EXAMPLE / "src"))
    assert wrong.returncode == 1
    assert "RB600" in wrong.stdout + wrong.stderr
    assert f"the kind `{name}` of bad-guest 1.0 is not used" in wrong.stdout + wrong.stderr
    assert runbook("check", "other.yaml", cwd=tmp_path, sites=(bad, EXAMPLE / "src")).returncode == 0
    assert "RB600" in runbook("kinds", cwd=tmp_path, sites=(bad, EXAMPLE / "src")).stderr


def test_a_guest_takes_no_name_of_ours_nor_of_another(site: Path, tmp_path: Path) -> None:
    thief = brought_by(tmp_path / "thief", "thief", http="runbook_prometheus:Prometheus")
    twin = brought_by(tmp_path / "twin", "twin", prometheus="runbook_prometheus:Prometheus")
    (tmp_path / "ours.yaml").write_text(BOOK.format(kind="http", fields='url: "http://127.0.0.1:9"'))
    (tmp_path / "theirs.yaml").write_text(BOOK.format(kind="prometheus", fields="url: x\n    query: up"))
    assert runbook("check", "ours.yaml", cwd=tmp_path, sites=(site, thief)).returncode == 0
    listed = runbook("kinds", cwd=tmp_path, sites=(site, thief, twin))
    assert listed.stderr.count("RB601") == 2
    assert "its name is taken" in runbook("check", "theirs.yaml", cwd=tmp_path, sites=(site, twin)).stdout


def test_nobody_asks_for_guests_where_every_name_is_ours() -> None:
    program = (
        "import sys; from runbook.cli.main import run\n"
        "status = run(['check', 'runbooks/app_not_loading.yaml'])\n"
        "assert status == 0\n"
        "assert 'runbook.kinds.guests' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
