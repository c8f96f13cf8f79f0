"""``runbook check``: what it says in each format, with which status, of files and of directories with scenarios."""

import json
import re
from pathlib import Path

import pytest

from runbook.cli.check import main as check

CLEAN = """runbook: v1
id: orders
steps:
  - id: health
    kind: http
    url: https://app.example.com/api/health
    next: done
    on_fail: fix
  - id: fix
    kind: gate
    question: Is it mended
    next: done
  - id: done
    kind: finish
    outcome: resolved
"""
SCENARIO = """scenario: v1
runbook: orders.yaml
world: {health: [{status: 200}]}
expect: {finish: resolved, path: [health, done]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a clean runbook, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.yaml").write_text(CLEAN)
    return tmp_path


def found(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return re.findall(r"RB\d{3}", capsys.readouterr().out)


@pytest.mark.parametrize("form", ["text", "line", "json", "sarif", "github"])
def test_the_status_is_the_same_in_every_format(form: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "warned.yaml").write_text(CLEAN.replace("on_fail: fix", "on_fail: fix  # runbook: allow RB274"))
    (folder / "wrong.yaml").write_text(CLEAN.replace("next: done", "next: dome"))
    expected = {"orders.yaml": 0, "warned.yaml": 0, "wrong.yaml": 1, "nothing.yaml": 2}
    assert {file: check([file, "--format", form]) for file in expected} == expected
    said = capsys.readouterr().out
    assert ("RB285" in said, "RB201" in said, "RB100" in said) == (True, True, True)


@pytest.mark.parametrize("wrong", ["id: a: b\n", "\tid: a\n", "steps: [\n", "id: a\u200b\n", "id: a\nid: b\n"])
def test_text_that_is_no_yaml_is_an_error_in_the_file_and_is_shown(
    wrong: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in ("runbook", "scenario", "answers"):
        (folder / "wrong.yaml").write_text(f"{key}: v1\n{wrong}")
        assert check(["wrong.yaml"]) == 1
        assert re.search(r"^\d \| .+\n +\| +\^", capsys.readouterr().out, re.MULTILINE)


def test_what_is_data_is_whole_where_there_is_nothing_to_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(["orders.yaml", "--format", "sarif"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["results"], run["invocations"]) == ([], [{"executionSuccessful": True}])
    assert check(["orders.yaml", "--format", "github"]) == 0
    assert capsys.readouterr().out == ""
    assert (folder / "orders.yaml").exists()


def test_a_log_says_that_something_could_not_be_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check([str(folder), "nothing.yaml", "--format", "sarif"]) == 2
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_paths_in_every_format_are_as_the_user_wrote_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "er.yaml").write_text(CLEAN.replace("next: done", "next: dome"))
    assert check(["deep", "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error file=deep/er.yaml,line=7,col=11,")
    assert check(["deep", "--format", "sarif"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "deep/er.yaml",
        "uriBaseId": "%SRCROOT%",
    }


def test_a_step_that_no_scenario_walks_is_told_where_a_directory_is_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (check(["."]), found(capsys)) == (0, [])
    (folder / "works.yaml").write_text(SCENARIO)
    assert (check([".", "--format", "line"]), found(capsys)) == (0, ["RB280"])
    assert (check(["orders.yaml", "works.yaml"]), found(capsys)) == (0, [])


@pytest.mark.parametrize("word", ["path: [health, done]", "finish: resolved"])
def test_scenarios_that_do_not_say_where_they_come_through_say_nothing(
    word: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "works.yaml").write_text(SCENARIO.replace(f"{word}, ", "").replace(f", {word}", ""))
    assert (check(["."]), found(capsys)) == (0, [])


def test_a_scenario_elsewhere_in_the_directory_walks_its_runbook(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "scenarios").mkdir()
    fixed = SCENARIO.replace("orders.yaml", "../orders.yaml").replace("[health, done]", "[health, fix, done]")
    (folder / "scenarios" / "fixed.yaml").write_text(fixed)
    (folder / "works.yaml").write_text(SCENARIO)
    assert (check(["."]), found(capsys)) == (0, [])


def test_that_no_scenario_walks_a_step_can_be_allowed_and_needs_to_be_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed = "id: fix  # runbook: allow RB280 because the drill of the team walks it"
    (folder / "orders.yaml").write_text(CLEAN.replace("id: fix", allowed))
    assert (check(["orders.yaml"]), found(capsys)) == (0, [])
    assert (check(["."]), found(capsys)) == (0, [])
    (folder / "works.yaml").write_text(SCENARIO)
    assert (check(["."]), found(capsys)) == (0, [])
    (folder / "works.yaml").write_text(SCENARIO.replace("[health, done]", "[health, fix, done]"))
    assert check([".", "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (told["code"], told["message"]) == ("RB288", "there is no `RB280` here to be allowed")
