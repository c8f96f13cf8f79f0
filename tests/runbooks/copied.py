"""Runbooks of the tree at a desk: the steps that everybody walks, with waits that a test can afford."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.drivers.desk import Desk

BOOKS = Path(__file__).resolve().parents[2] / "runbooks"
_PAUSE = re.compile(r"\b(delay|every): \d+[smh]\b")
_WATCH = re.compile(r"\bdefault: \d+m\b")
"""What a walk waits for when nothing is wrong: between attempts and checks, and until rates are judged."""


def copied(desk: Desk, name: str, changes: Mapping[str, str]) -> Path:
    """A runbook and the pieces that it walks, in the desk's directory.

    :param changes: what stands in place of other texts: addresses, and how long is waited in all. Each has to be there.
    """
    text = (BOOKS / name).read_text()
    for former, new in changes.items():
        assert former in text, former
        text = text.replace(former, new)
    (desk.root / "pieces").mkdir(exist_ok=True)
    for piece in (BOOKS / "pieces").glob("*.yaml"):
        (desk.root / "pieces" / piece.name).write_text(_quick(piece.read_text()))
    return desk.write(name, _quick(text))


def _quick(text: str) -> str:
    head, steps, rest = text.partition("\nsteps:\n")  # what the head says of every 15 minutes is a reminder
    return _WATCH.sub("default: 1s", head) + steps + _PAUSE.sub(r"\1: 100ms", rest)
