"""Walks at a pseudo-terminal: runbooks of a few lines, the keys of a person, and what the log says afterwards."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.drivers.terminal.pseudo import Terminal

WALKER = Path(__file__).with_name("walker.py")
HEAD = """\
runbook: v1
id: demo
title: Sign-in does not work
owner: platform
contacts:
  - {name: Platform on-call, reach: "pager: platform-oncall"}
environments:
  production: {base: x}
"""
BOOK = (
    HEAD
    + """\
steps:
  - {id: look, title: Look, kind: command, effect: none, argv: [echo, seen]}
  - id: mend
    title: Mend it
    kind: command
    effect: change
    argv: [echo, mended]
    undo: {kind: manual, instructions: Break it again}
  - {id: done, kind: finish, outcome: resolved}
"""
)
Record: TypeAlias = dict[str, Any]  # records of any type, as JSON has them


class Walking:
    """A walk at a pseudo-terminal, and its log."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack

    def start(
        self,
        steps: str,
        *,
        head: str = HEAD,
        closed: bool = False,
        under: Sequence[str] = (),
        **terminal: Any,  # noqa: ANN401 - passed on as it is
    ) -> Terminal:
        """Walk a runbook of these steps, and say nothing yet.

        :param closed: without any standard input.
        :param under: a program that starts it.
        :param terminal: what :class:`Terminal` takes.
        """
        path = self._directory / "demo.yaml"
        path.write_text(f"{head}steps:\n{steps}")
        argv = [sys.executable, str(WALKER), str(path), str(self.log), "production"]
        argv = [*under, *argv]
        if closed:
            argv = ["sh", "-c", 'exec "$0" "$@" <&-', *argv]
        return self._stack.enter_context(Terminal(argv, **terminal))

    @property
    def log(self) -> Path:
        """The log, a record a line."""
        return self._directory / "log.jsonl"

    def records(self, *types: str) -> list[Record]:
        """The records of these types, or all of them."""
        text = self.log.read_text() if self.log.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()  # one that is being written may be there in part
        every = [json.loads(line) for line in lines]
        return [record for record in every if not types or record["type"] in types]

    def started(self) -> list[str]:
        """The steps that were started, in order."""
        return [record["step"] for record in self.records("step.started")]


@pytest.fixture
def walking(tmp_path: Path) -> Iterator[Walking]:
    """A place for one walk."""
    with ExitStack() as stack:
        yield Walking(tmp_path, stack)
