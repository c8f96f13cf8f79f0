"""Files for the tests of the language, and what is said about them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from runbook.kinds.registry import KINDS
from runbook.language.loading import Loaded, load

HEAD = "runbook: v1\nid: test\nsteps:\n  - id: it\n"
LAST = "\n  - id: done\n    kind: finish\n    outcome: resolved\n"
Load: TypeAlias = Callable[[str], Loaded]
Said: TypeAlias = Callable[[str], list[str]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Load a runbook of this text."""

    def load_it(text: str) -> Loaded:
        path = tmp_path / "runbook.yaml"
        path.write_text(text)
        return load(str(path), KINDS)

    return load_it


@pytest.fixture
def said(load_text: Load) -> Said:
    """What is said about a runbook of this text: ``LINE:COLUMN CODE message | help`` for each diagnostic."""

    def lines(text: str) -> list[str]:
        return [
            f"{d.span.line}:{d.span.column} {d.code.number} {d.message} | {d.help}" if d.span else d.message
            for d in load_text(text).diagnostics
        ]

    return lines


@pytest.fixture
def said_of_step(said: Said) -> Said:
    """What is said about a runbook with this step and a last one; lines and columns count from the step's first."""

    def lines(step: str) -> list[str]:
        indented = "\n".join(f"    {line}" for line in step.strip("\n").split("\n"))
        head, last = (
            "runbook: v1\nid: test\nsteps:\n  - id: it\n",
            "\n\n  - id: done\n    kind: finish\n    outcome: resolved\n",
        )
        text = head + indented + last
        return [_moved(line) for line in said(text)]

    return lines


def _moved(line: str) -> str:
    place, _, rest = line.partition(" ")
    number, column = map(int, place.split(":"))
    return f"{number - 4}:{column - 4} {rest}"
