"""Imports go one way, and a command loads only what it uses."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = ROOT / "runbooks" / "app_not_loading.yaml"
TELL = (
    "import sys; from runbook.cli.main import run; print('STATUS', run(sys.argv[1:])); print('MODULES', *sys.modules)"
)


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has loaded when it ends with status 0."""
    done = subprocess.run([sys.executable, "-c", TELL, *arguments], capture_output=True, text=True, check=False)
    lines = {line.partition(" ")[0]: line.split(" ")[1:] for line in done.stdout.splitlines()}
    assert lines.get("STATUS") == ["0"], done.stdout + done.stderr
    return set(lines["MODULES"])


def test_rooms_import_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_a_word_about_itself_loads_no_library(flag: str) -> None:
    heavy = {"yaml", "cel_expr_python", "jsonschema", "jsonschema_rs", "httpx", "rich", "paramiko", "hashlib"}
    assert loaded_by(flag) & heavy == set()


def test_checking_a_clean_file_loads_no_terminal_no_client_and_no_slow_validator() -> None:
    heavy = {"jsonschema", "httpx", "rich", "paramiko", "asyncio", "importlib.metadata"}
    assert loaded_by("check", str(CLEAN)) & heavy == set()


@pytest.mark.parametrize("command", ["runs", "check"])
def test_without_a_store_in_a_database_nothing_of_one_is_loaded(command: str, tmp_path: Path) -> None:
    argument = ["--state-dir", str(tmp_path)] if command == "runs" else [str(CLEAN)]
    loaded = loaded_by(command, *argument)
    assert [name for name in loaded if "postgres" in name or "psycopg" in name] == []
