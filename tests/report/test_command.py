"""``runbook report``: its options, what it refuses, and a run that is still going on."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.report.html_pages import first_words, parsed
from tests.report.pages import headings
from tests.report.walked import TOOL, Hostile, begun, runbook

WAITING = """\
runbook: v1
id: waiting
title: A long one
steps:
  - {id: pause, title: Wait, kind: wait, for: 5m}
  - {id: over, kind: finish, outcome: resolved}
"""
CHANGING = """\
runbook: v1
id: changing
title: A change
steps:
  - {id: mend, title: Mend it, kind: command, effect: change, argv: [sleep, "3"], undo: none, because: it is nothing}
  - {id: over, kind: finish, outcome: resolved}
"""


def test_a_report_is_written_to_a_file(hostile: Hostile, tmp_path: Path) -> None:
    done = runbook("report", "last", "-o", tmp_path / "report.md", cwd=hostile.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == hostile.page


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (["r1", "--format", "pdf"], "RB310", "invalid choice"),
        (["r1", "--zone", "Middle/Earth"], "RB318", "no time zone `Middle/Earth`"),
        (["r1", "--zone", "../../etc/passwd"], "RB318", "no time zone"),
        (["r1", "-o", "no/such/place.md"], "RB319", "cannot be written"),
        (["r1", "-o", "state"], "RB319", "cannot be written"),
        (["nobody"], "RB534", "no run `nobody`"),
        ([], "RB310", "RUN"),
    ],
)
def test_what_cannot_be_done_is_refused_with_one_act_to_do(
    hostile: Hostile, options: list[str], code: str, word: str
) -> None:
    done = runbook("report", *options, cwd=hostile.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert code in done.stderr
    assert word in done.stderr
    assert "help: " in done.stderr


def test_a_report_that_nobody_reads_to_its_end_is_no_failure(hostile: Hostile) -> None:
    environment = {**os.environ, "RUNBOOK_STATE_DIR": str(hostile.folder / "state")}
    with subprocess.Popen(
        [TOOL, "report", "r1"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        assert b"Traceback" not in run.stderr.read()


@pytest.mark.reliability
def test_h4_a_run_that_is_going_on_is_reported_under_a_banner(tmp_path: Path) -> None:
    with begun(tmp_path, WAITING, "answers: []\n", b"wait.started"):
        done = runbook("report", "r1", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout.startswith("> [!CAUTION]\n")
    assert headings(done.stdout)[0] == "# Incident report · NO END · LIVE · A long one"
    assert "- [ ] Wait: no result is on record\n" in done.stdout


@pytest.mark.reliability
def test_h4_the_page_of_a_run_that_is_going_on_says_so_first_and_ends_not_with_0(tmp_path: Path) -> None:
    with begun(tmp_path, WAITING, "answers: []\n", b"wait.started"):
        done = runbook("report", "r1", "--format", "html", cwd=tmp_path)
    assert done.returncode == 3
    assert parsed(done.stdout).texts("title")[0] == "Incident report · NO END · LIVE · A long one"
    assert first_words(done.stdout).startswith("NO END The run has no end on record")


def test_a_change_whose_result_nobody_saw_is_left_unknown(tmp_path: Path) -> None:
    with begun(tmp_path, CHANGING, "answers: [{step: mend, confirm: yes}]\n", b"step.started"):
        pass
    killed = runbook("report", "r1", "--format", "json", cwd=tmp_path)
    assert killed.returncode == 3
    (change,) = json.loads(killed.stdout)["changes"]
    assert (change["step"], change["changed"], change["because"]) == ("mend", "unknown", "it is nothing")
    assert json.loads(killed.stdout)["open"][0] == "Mend it: nobody saw whether it happened"
