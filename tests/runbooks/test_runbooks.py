"""The runbooks of the tree, and those in the documentation, are clean; their scenarios come out as they say."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from runbook.kinds.registry import KINDS
from runbook.language.loading import load, load_scenario

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(sys.executable).with_name("runbook")
RUNBOOKS = sorted((ROOT / "runbooks").glob("*.yaml"))
PIECES = sorted(path for place in ("pieces", "stages") for path in (ROOT / "runbooks" / place).glob("*.yaml"))
"""What other runbooks walk as a part of theirs; it is told everything by its inputs."""
ELSEWHERE = {
    *("roll_back_revision", "roll_back_release", "rotate_database_password", "complete_outage"),
    "security_incident",
    "create_mutation_fails",
}
"""The runbooks that need a cloud or a host of their own, which the demonstration has not."""
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOL, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def block(page: str, first_key: str) -> str:
    """The block of a page that is a whole file with that key."""
    blocks: list[str] = BLOCK.findall((ROOT / "docs" / "how-to" / page).read_text())
    return next(text for text in blocks if f"\n{first_key}: v1\n" in text)


def test_the_checker_finds_nothing_in_any_file_of_the_runbooks() -> None:
    done = run("check", "runbooks", "--today", "2026-11-21")  # a review that is overdue one day is no mistake today
    assert (done.returncode, done.stderr) == (0, "")


def test_every_scenario_comes_out_as_it_says_and_together_they_walk_every_edge() -> None:
    done = run("test", "runbooks", "--min-coverage", "100", "--format", "json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    scenarios = {str(path.relative_to(ROOT)) for path in (ROOT / "runbooks").rglob("scenarios/*.yaml")}
    assert {each["file"] for each in told["scenarios"]} == scenarios
    walked = {each["runbook"] for each in told["scenarios"]}
    assert walked == {str(path.relative_to(ROOT)) for path in [*RUNBOOKS, *PIECES]}
    assert {each["file"]: each["unwalked"] for each in told["runbooks"]} == {file: [] for file in walked}


def test_a_scenario_whose_dates_are_held_against_the_clock_says_at_which_time_it_begins() -> None:
    """Else it would come out as it says in a test and otherwise in a drill, which begins when it is held."""

    @cache
    def asks(runbook: Path) -> bool:
        return any(b"run.now" in text for text in load(str(runbook), KINDS).files.values())

    for path in (ROOT / "runbooks").rglob("scenarios/*.yaml"):
        if re.search(rb"20\d\d-\d\d-\d\d", path.read_bytes()):
            scenario = load_scenario(str(path)).scenario
            assert scenario is not None
            assert scenario.starts or not asks((path.parent / scenario.runbook).resolve()), path.name


def test_every_runbook_has_the_environment_of_the_demonstration_and_names_whom_to_call() -> None:
    for path in RUNBOOKS:
        runbook = load(str(path), KINDS).runbook
        assert runbook is not None
        real = runbook.id in ELSEWHERE or "maintenance" in runbook.tags  # certificates, backups, people
        places = {"staging", "production"} | (set() if real else {"demo"})
        assert places <= runbook.environments.keys()
        assert runbook.contacts
        assert f"[{runbook.id}]({path.name})" in (ROOT / "runbooks" / "README.md").read_text()


def test_every_runbook_that_a_text_sends_its_reader_to_is_there() -> None:
    there = {path.stem for path in [*RUNBOOKS, *PIECES]}
    for path in [*RUNBOOKS, *PIECES]:
        sent = re.findall(r"\b(?:Walk|walk|with|see)\s+`([a-z]+(?:_[a-z]+)+)`", path.read_text())
        assert set(sent) <= there, path.name


def test_every_piece_fits_any_environment_and_says_of_each_input_what_it_is() -> None:
    readme = (ROOT / "runbooks" / "README.md").read_text()
    for path in PIECES:
        piece = load(str(path), KINDS).runbook
        assert piece is not None
        assert not piece.environments
        assert [name for name, wanted in piece.inputs.items() if not wanted.description] == []
        assert f"[{piece.id}]({path.parent.name}/{path.name})" in readme


def test_the_runbook_and_the_scenario_of_the_how_to_pages_work_together(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "queue_stuck.yaml").write_text(block("write-a-runbook.md", "runbook"))
    (tmp_path / "scenarios" / "restart.yaml").write_text(block("test-a-runbook.md", "scenario"))
    checked, tested = run("check", tmp_path, "--format", "line"), run("test", tmp_path, "--rail")
    assert (checked.returncode, re.findall("RB.*;", checked.stdout)) == (0, ["RB280 no scenario walks `escalate`;"])
    assert tested.returncode == 0, tested.stdout + tested.stderr
    page = (ROOT / "docs" / "how-to" / "test-a-runbook.md").read_text()
    said = tested.stdout.replace(f"{tmp_path}/", "").splitlines()
    assert [line for line in said if line not in page.splitlines()] == []
