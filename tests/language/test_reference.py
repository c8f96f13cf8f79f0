"""The reference is what the schema, the kinds and the functions say, and its examples are right."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.drivers.desk import in_words

from runbook.cli import kinds
from runbook.kinds.registry import KINDS
from runbook.language.describing import page_of
from runbook.language.envelope import STEP, TOP
from runbook.language.explain import FUNCTION_NAMES
from runbook.language.expressions import Cel
from runbook.language.functions import FUNCTIONS, Function
from runbook.language.loading import load

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
ROWS = [row for rows in FUNCTIONS.values() for row in rows]


def test_the_pages_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "reference.py", "--check"], check=False)
    assert done.returncode == 0, "make docs"


@pytest.mark.parametrize("row", ROWS, ids=[row.form for row in ROWS])
def test_an_example_of_a_function_yields_what_it_says(row: Function) -> None:
    assert Cel({}).evaluate(row.example, {}, "dyn") == row.yields


def test_every_function_that_a_misspelt_one_may_have_meant_is_described() -> None:
    described = set(re.findall(r"\w+", " ".join(f"{row.form} {row.example}" for row in ROWS)))
    assert set(FUNCTION_NAMES) - described == {"uint", "bytes", "type"}


def test_every_key_of_the_envelope_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    for page, keys in (("step", STEP), ("file", TOP)):
        assert kinds.main([page]) == 0
        shown = capsys.readouterr().out
        assert [key for key in keys if f"\n  {key} (" not in shown] == []
        assert [key for key in keys if f"\n- `{key}` (" not in (REFERENCE / "language.md").read_text()] == []


@pytest.mark.parametrize("name", KINDS)
def test_a_page_on_a_terminal_has_no_marks_of_a_docstring(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert kinds.main([name]) == 0
    shown = capsys.readouterr().out
    assert in_words(page_of(KINDS[name])) in in_words(shown)
    assert not re.search(r"``|::$|:\w+:`", shown, re.MULTILINE)


def test_the_example_of_the_language_is_a_right_one(tmp_path: Path) -> None:
    step = (REFERENCE / "language.md").read_text().partition("```yaml\nsteps:\n")[2].partition("```")[0]
    file = tmp_path / "example.yaml"
    file.write_text(
        "runbook: v1\nid: example\nenvironments: {production: {host: web-1}}\nsteps:\n"
        "  - {id: backup, kind: manual, effect: none, instructions: Look at the backup}\n"
        + step
        + "  - {id: look, kind: finish, outcome: escalated}\n  - {id: done, kind: finish, outcome: resolved}\n"
        + 'contacts: [{name: On-call, reach: "pager: oncall"}]\n'
    )
    assert load(str(file), KINDS).diagnostics == ()
