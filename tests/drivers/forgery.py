"""Logs that their owner wrote anew: changed where it matters, with every hash of the chain made to fit."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from tests.drivers.desk import Desk

from runbook.audit.chain import encode, parse_line
from runbook.audit.record import NO_RECORD
from runbook.model.canonical import Json, canonical

Fields = Mapping[str, Json]
Change = Callable[[dict[str, Any]], object]
"""Changes a JSON object in its place."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a record says."""

    type: str
    ts: str
    mono: int
    fields: Fields


class Forgery:
    """The lines of a log, to be changed and written with a chain that fits."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines

    @classmethod
    def of(cls, log: Path) -> Self:
        """The lines of a log."""
        records = [parse_line(line) for line in log.read_bytes().splitlines()]
        return cls([Line(record.type, record.ts, record.mono, record.fields) for record in records])

    def find(self, type_: str, step: str | None = None, nth: int = 1, **fields: Json) -> int:
        """The place of the nth record of a type, about a step, with these fields."""
        found = [
            place
            for place, line in enumerate(self.lines)
            if line.type == type_
            and step in (None, line.fields.get("step"))
            and all(line.fields.get(name) == value for name, value in fields.items())
        ]
        return found[nth - 1]

    def edit(self, place: int, **fields: Json) -> Self:
        """Change fields of a record; None takes one out."""
        line = self.lines[place]
        changed = {name: value for name, value in {**line.fields, **fields}.items() if value is not None}
        self.lines[place] = replace(line, fields=changed)
        return self

    def within(self, place: int, name: str, change: Change) -> Self:
        """Change the JSON in a text of a record."""
        value = json.loads(str(self.lines[place].fields[name]))
        change(value)
        return self.edit(place, **{name: canonical(value)})

    def action(self, place: int, change: Change) -> Self:
        """Change the action of a record, and its digest with it."""
        self.within(place, "what", change)
        return self.edit(place, action=sha256(str(self.lines[place].fields["what"]).encode()).hexdigest())

    def drop(self, *places: int) -> Self:
        """Take records out."""
        self.lines = [line for place, line in enumerate(self.lines) if place not in places]
        return self

    def insert(self, place: int, type_: str, **fields: Json) -> Self:
        """Put a record in, at the time of the one before."""
        before = self.lines[max(0, place - 1)]
        self.lines.insert(place, Line(type_, before.ts, before.mono, fields))
        return self

    def swap(self, one: int, other: int) -> Self:
        """Let two records change places, but not their times."""
        a, b = self.lines[one], self.lines[other]
        self.lines[one], self.lines[other] = replace(b, ts=a.ts, mono=a.mono), replace(a, ts=b.ts, mono=b.mono)
        return self

    def write(self, log: Path) -> None:
        """Write them with a chain that fits."""
        prev, raw = NO_RECORD, b""
        for seq, line in enumerate(self.lines):
            record = encode(seq=seq, prev=prev, ts=line.ts, mono=line.mono, type_=line.type, fields=line.fields)
            prev, raw = record.h, raw + record.raw + b"\n"
        log.write_bytes(raw)


def judged(desk: Desk, forgery: Forgery, run: str = "forged", of: str = "r1") -> tuple[int, str]:
    """What verify says of it, beside what the run has that it is of; but for its checkpoints, which give it away."""
    copy = desk.run(run).path
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(desk.run(of).path, copy)
    shutil.rmtree(copy / "checkpoints", ignore_errors=True)
    Forgery([line for line in forgery.lines if line.type != "checkpoint.signed"]).write(desk.run(run).log)
    done = desk.do("verify", run)
    assert "our fault" not in done.text, done
    return done.status, done.out
