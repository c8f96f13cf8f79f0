"""A report of a log that is not what it should be says so first, and no rehearsal passes for a live run."""

import json
import shutil
from pathlib import Path

import pytest
from tests.report.html_pages import assert_inert, first_words, parsed
from tests.report.pages import assert_harmless, headings
from tests.report.walked import Hostile, records_of, report, rewrite, run_of, runbook, walked

from runbook.audit.store import RunDir
from runbook.report.html import page as html_page
from runbook.report.json_form import from_json

BOOK = """\
runbook: v1
id: small
title: A small one
steps:
  - {id: one, title: The first, kind: command, effect: none, argv: ["true"]}
  - {id: two, title: The second, kind: command, effect: none, argv: [echo, hello]}
  - {id: over, kind: finish, outcome: resolved, summary: All is well.}
"""


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that is complete and right."""
    folder = tmp_path_factory.mktemp("whole")
    walked(folder, BOOK)
    return folder


@pytest.fixture
def broken(whole: Path, tmp_path: Path) -> RunDir:
    """The same run, to be broken."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return run_of(tmp_path)


def assert_bannered(folder: Path, status: int, word: str) -> str:
    """The report is under a banner, and ends with the status; every form says the same."""
    page, data = (runbook("report", "r1", "--format", form, cwd=folder) for form in ("md", "json"))
    assert (page.returncode, data.returncode) == (status, status)
    assert page.stdout.startswith("> [!CAUTION]\n> ")
    assert f" · {word} · " in headings(page.stdout)[0]
    assert json.loads(data.stdout)["log"]["status"] == status
    assert page.stderr
    assert_harmless(page.stdout)
    html = html_page(from_json(data.stdout))
    assert f" · {word} · " in parsed(html).texts("title")[0]
    assert first_words(html).startswith(word)
    assert_inert(html)
    return page.stdout


def test_the_report_of_a_whole_log_has_no_banner(whole: Path) -> None:
    page = report(whole)
    assert page.startswith("# Incident report · LIVE · A small one\n")
    assert "CAUTION" not in page
    assert first_words(report(whole, "--format", "html")).startswith("Incident report LIVE A small one Resolved after ")
    assert "All is well." in page


@pytest.mark.reliability
def test_h4_a_log_that_was_altered_is_reported_up_to_there_under_a_banner(broken: RunDir) -> None:
    broken.log.write_bytes(broken.log.read_bytes().replace(b"hello", b"hullo", 1))
    page = assert_bannered(broken.path.parents[2], 1, "TAMPERED LOG")
    assert "All is well." not in page
    assert "| Changed | nothing, says the log |\n| Deviations | none, says the log |" in page
    assert "**none yet**: the log has no end" in page


@pytest.mark.reliability
def test_h4_a_log_whose_end_is_missing_is_reported_under_a_banner(broken: RunDir) -> None:
    lines = broken.log.read_bytes().splitlines(keepends=True)
    broken.log.write_bytes(b"".join(lines[:-1]))
    assert_bannered(broken.path.parents[2], 3, "NO END")


@pytest.mark.reliability
def test_h4_a_torn_log_is_reported_under_a_banner(broken: RunDir) -> None:
    broken.log.write_bytes(broken.log.read_bytes()[:-30])
    assert_bannered(broken.path.parents[2], 4, "TORN LOG")


@pytest.mark.reliability
def test_h4_a_log_of_which_nothing_can_be_read_is_reported_under_a_banner(broken: RunDir) -> None:
    for data, status, word in [(b'{"v":2}\n', 7, "UNREADABLE LOG"), (b"x\n", 1, "TAMPERED LOG")]:
        broken.log.write_bytes(data)
        page = assert_bannered(broken.path.parents[2], status, word)
        assert " · MODE UNKNOWN · r1" in page
        assert runbook("verify", "r1", cwd=broken.path.parents[2]).returncode == status


@pytest.mark.reliability
def test_h4_a_log_that_its_owner_wrote_anew_claims_and_does_not_say(broken: RunDir) -> None:
    records = records_of(broken)
    rewrite(broken, [(r, {**r.fields, "attempt": 7} if r.type == "step.finished" else r.fields) for r in records])
    page = assert_bannered(broken.path.parents[2], 6, "NOT A LEGAL WALK")
    assert "| Outcome | the log claims: resolved |" in page
    place = page.index("**From here on nothing is to be trusted.**")
    assert page.index("The run begins") < place < page.index("The run ends: resolved")


@pytest.mark.reliability
def test_h4_a_log_without_its_runbook_is_reported_under_a_banner(broken: RunDir) -> None:
    for file in (broken.path / "runbook").iterdir():
        file.unlink()
    page = assert_bannered(broken.path.parents[2], 6, "NOT A LEGAL WALK")
    assert "**one**: passed" in page


@pytest.mark.reliability
def test_h4_a_paused_run_is_reported_under_a_banner(hostile: Hostile) -> None:
    assert hostile.paused.startswith("> [!CAUTION]\n> The run **has no end** on record")
    assert "it is paused: no answer to the question of `list`.\n" in hostile.paused
    assert " · PAUSED · LIVE · " in headings(hostile.paused)[0]
    assert "| Outcome | **none yet**: it is paused |\n" in hostile.paused
    assert "- [ ] Look at everything: no result is on record\n" in hostile.paused


@pytest.mark.reliability
def test_i3_the_mode_is_in_every_title(whole: Path, broken: RunDir, tmp_path_factory: pytest.TempPathFactory) -> None:
    records = records_of(broken)
    # A rehearsal takes no lock.
    begun = {name: value for name, value in records[0].fields.items() if name != "lock"}
    rewrite(broken, [(records[0], {**begun, "mode": "drill"}), *((r, r.fields) for r in records[1:])])
    dry = tmp_path_factory.mktemp("dry")
    walked(dry, BOOK, "answers: []\n", "--dry-run")
    for mode, words, folder in [
        ("live", "LIVE", whole),
        ("drill", "DRILL", broken.path.parents[2]),
        ("dry", "DRY RUN", dry),
    ]:
        page = report(folder)
        assert page.startswith(f"# Incident report · {words} · A small one\n")
        assert ("This was a **d" in page.split("\n## ")[0]) == (mode != "live")
        html = html_page(from_json(report(folder, "--format", "json")))
        assert parsed(html).texts("title")[0] == f"Incident report · {words} · A small one"
        assert parsed(html).texts("h1") == [f"{words} A small one"]
