"""What other programs may use: it is all there, typed, documented, and does what the commands do."""

import inspect
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import pytest
from tests.drivers.desk import Desk

import runbook
from runbook import api
from runbook.report.markdown import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runbook.model.kind import KindClass

ROOT = Path(__file__).resolve().parents[2]
BOOK = """
runbook: v1
id: book
title: Book
steps:
  - {id: sure, kind: gate, question: "Sure?"}
  - {id: done, kind: finish, outcome: resolved}
on_fail: over
"""


def test_what_is_promised_is_there_documented_and_the_same_by_both_names() -> None:
    assert runbook.__all__ == ["KINDS", "VERSION", *(name for name in api.__all__ if name != "KINDS")]
    for name in api.__all__:
        assert getattr(runbook, name) is getattr(api, name)
        assert inspect.getdoc(getattr(runbook, name)), name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        runbook.nonsense  # noqa: B018 - that it is not there is the test


def test_the_types_are_those_that_a_checker_of_another_program_sees(tmp_path: Path) -> None:
    path = ROOT / "runbooks" / "app_not_loading.yaml"
    assert_type(runbook.VERSION, str)
    loaded = runbook.load(path)
    assert_type(loaded, runbook.Loaded)
    assert_type(loaded.runbook, runbook.Runbook | None)
    assert loaded.runbook is not None
    walk = runbook.Walk(loaded.runbook, runbook.KINDS)
    assert_type(walk.finish, runbook.Finish | None)
    kinds: Mapping[str, KindClass] = runbook.KINDS
    assert "http" in kinds
    with pytest.raises(runbook.Refused) as refused:
        runbook.rehearse(tmp_path / "missing.yaml")
    assert_type(refused.value.diagnostics[0], runbook.Diagnostic)


def test_a_scenario_is_rehearsed_as_the_command_does_it() -> None:
    (scenario,) = (ROOT / "runbooks" / "scenarios").glob("app_misspelt_variable.yaml")
    rehearsed = runbook.rehearse(scenario)
    assert (list(rehearsed.failures), rehearsed.ending and rehearsed.ending.finish) == ([], runbook.Finish.RESOLVED)


def test_a_log_is_verified_and_reported_as_the_commands_do_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("book.yaml", BOOK.replace("on_fail: over\n", ""))
    desk.write("answers.yaml", "answers: [{step: sure, confirm: yes}]\n")
    assert desk.do("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r1").status == 0
    folder = desk.run("r1").path
    verdict = runbook.verify(folder)
    assert_type(verdict, runbook.Verdict)
    assert (verdict.status, verdict.count) == (runbook.Status.VALID, len(desk.records()))
    assert verdict.anchor is not None
    seq, _, head = verdict.anchor.partition(":")
    assert runbook.verify(folder / "audit.jsonl", anchor=(int(seq), head)).status == runbook.Status.VALID
    assert runbook.verify(folder, anchor=(int(seq), "0" * 64)).status == runbook.Status.TAMPERED
    report = runbook.read_report(folder)
    assert_type(report, runbook.Report)
    written = markdown(report)
    assert written.splitlines()[0] == desk.do("report", "r1").out.splitlines()[0]


def test_to_import_the_package_imports_nothing_of_it() -> None:
    program = "import sys, runbook; print([name for name in sys.modules if name.startswith('runbook.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['runbook.version']\n"
