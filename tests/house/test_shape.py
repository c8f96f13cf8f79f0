"""The shape of the house: small modules with names of their own, one file a kind and a command, real parts in tests."""

import ast
import re
from pathlib import Path

from runbook.cli.main import COMMANDS
from runbook.kinds.registry import KINDS

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "runbook"
CEILING = 400
NAMELESS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
PATCHING = re.compile(r"\bmock\.patch|\bMagicMock\b|monkeypatch\.setattr|\bunittest\.mock\b|from unittest import mock")


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_module_is_longer_than_the_ceiling() -> None:
    files = python_files("src", "tests", "bench", "tools", "examples")
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in files}
    assert {name: lines for name, lines in lengths.items() if lines > CEILING} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name_of(path) for path in python_files("src") if path.stem in NAMELESS] == []


def test_no_test_replaces_a_part_of_the_program() -> None:
    files = [path for path in python_files("tests") if path != Path(__file__)]
    assert [name_of(path) for path in files if PATCHING.search(path.read_text())] == []


def test_every_module_begins_with_its_role() -> None:
    files = [path for path in python_files("src") if path.read_text().strip()]
    assert [name_of(path) for path in files if not ast.get_docstring(ast.parse(path.read_text()))] == []


def exits(path: Path) -> list[int]:
    """The lines on which a module ends the process."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(value=ast.Name(id="sys" | "os"), attr="exit" | "_exit"):
                lines.append(node.lineno)
            case ast.Name(id="SystemExit" | "exit" | "quit"):
                lines.append(node.lineno)
    return lines


def test_only_the_command_line_exits() -> None:
    rooms = [path for path in python_files("src") if path.relative_to(SOURCE).parts[0] != "cli"]
    assert {name_of(path): lines for path in rooms if (lines := exits(path))} == {}


def test_every_kind_has_a_file_of_its_own() -> None:
    modules = {name: kind.__module__.rpartition(".")[2].rstrip("_") for name, kind in KINDS.items()}
    assert modules == {name: name for name in KINDS}


def test_every_command_has_a_file_of_its_own_and_stands_in_the_readme() -> None:
    modules = {path.stem for path in python_files("src/runbook/cli")}
    assert COMMANDS.keys() - modules == set()
    readme = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if not re.search(rf"`(runbook )?{name}\b", readme)] == []
