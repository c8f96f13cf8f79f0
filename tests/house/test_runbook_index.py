"""The index of the runbooks is what their files say, and they say what an index needs."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from runbook.kinds.registry import KINDS
from runbook.language.loading import load
from runbook.model.runbook import Runbook

ROOT = Path(__file__).resolve().parents[2]
BOOKS = ROOT / "runbooks"
NAMED = re.compile(r"\brunbooks/[a-z0-9_/]+\.yaml")


def runbooks() -> Iterator[tuple[Path, Runbook]]:
    """Every runbook of the tree, pieces included."""
    for path in sorted(BOOKS.rglob("*.yaml")):
        if path.parent.name != "scenarios":
            runbook = load(str(path), KINDS).runbook
            assert runbook is not None, path
            yield path, runbook


def test_the_index_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "runbook_index.py", "--check"], check=False)
    assert done.returncode == 0, "`make docs` writes it anew"


def test_every_runbook_says_who_keeps_it_whom_to_call_how_it_is_found_and_when_it_was_reviewed() -> None:
    lacking = {}
    for path, runbook in runbooks():
        found = [key for key in ("owner", "tags", "contacts", "last_reviewed") if not getattr(runbook, key)]
        found += [f"when to call {contact.name}" for contact in runbook.contacts if not contact.when]
        incident = path.parent == BOOKS and "maintenance" not in runbook.tags
        found += ["symptoms"] if incident and not runbook.symptoms else []
        lacking[path.name] = found
    assert {name: found for name, found in lacking.items() if found} == {}


def test_every_runbook_that_another_one_names_is_there() -> None:
    named = {(path.name, each) for path, _ in runbooks() for each in NAMED.findall(path.read_text())}
    assert {(where, each) for where, each in named if not (ROOT / each).exists()} == set()
