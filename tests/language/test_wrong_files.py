"""Every wrong file has its exact frames beside it, and every code of the language a wrong file.

``RUNBOOK_UPDATE=1 pytest tests/language/test_wrong_files.py`` writes the frames anew; the difference is to be read.
"""

import importlib
import os
import pkgutil
from datetime import date
from pathlib import Path

import pytest

import runbook.language
from runbook.kinds.registry import KINDS
from runbook.language.frames import as_json, frame, one_line
from runbook.language.loading import load
from runbook.model.diagnostics import Code

WRONG = Path(__file__).resolve().parents[1] / "wrong"
TODAY = date(2026, 11, 21)
FILES = sorted(path.name for path in WRONG.glob("*.yaml"))
UPDATE = os.environ.get("RUNBOOK_UPDATE") == "1"
NO_FILE = {
    "RB100": "there is no file",
    "RB101": "a directory or a pipe is no file",
    "RB102": "permissions are not kept in the tree",
    "RB104": "megabytes do not belong into the tree",
    "RB248": "hundreds of files do not belong into the tree",
    "RB280": "said of a directory",
    "RB140": "said of a command line",
    "RB141": "said of a command line",
    "RB142": "said of a command line",
    "RB143": "said of a command line",
}
"""Codes without a wrong file, each with the reason; tests of their own cause them."""


def codes() -> dict[str, set[str]]:
    """Each number that a code of the language has, with the titles under which it is declared."""
    declared: dict[str, set[str]] = {}
    for module in pkgutil.iter_modules(runbook.language.__path__):
        for value in vars(importlib.import_module(f"runbook.language.{module.name}")).values():
            if isinstance(value, Code) and "RB100" <= value.number < "RB300":
                declared.setdefault(value.number, set()).add(value.title)
    return declared


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_framed_exactly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(WRONG)
    loaded = load(name, KINDS, today=TODAY)
    frames = [frame(diagnostic, loaded.text) for diagnostic in loaded.diagnostics]
    text = "\n\n".join(frames) + "\n"
    expected = Path(name).with_suffix(".txt")
    if UPDATE:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert name[:5] in {diagnostic.code.number for diagnostic in loaded.diagnostics}


@pytest.mark.parametrize("name", FILES)
def test_what_is_said_of_a_wrong_file_has_a_place_and_one_thing_to_do(name: str) -> None:
    loaded = load(str(WRONG / name), KINDS, today=TODAY)
    for diagnostic in loaded.diagnostics:
        assert diagnostic.help
        assert not diagnostic.message.endswith(".")
        assert diagnostic.message[:1] == diagnostic.message[:1].lower() or diagnostic.message.startswith(("YAML", "U+"))
        assert one_line(diagnostic).isprintable()
        narrow = frame(diagnostic, loaded.text, width=40)
        assert all(line.isprintable() for line in narrow.split("\n"))
    assert as_json(loaded.diagnostics).isascii()


def test_no_frame_stands_beside_a_file_that_is_gone() -> None:
    assert sorted(path.with_suffix(".yaml").name for path in WRONG.glob("*.txt")) == FILES


def test_every_code_has_a_wrong_file() -> None:
    assert sorted(codes().keys() - {name[:5] for name in FILES}) == sorted(NO_FILE)


def test_every_code_means_one_thing() -> None:
    assert {number: titles for number, titles in codes().items() if len(titles) > 1} == {}
