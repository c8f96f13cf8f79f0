"""A valid log with anything changed at random and its chain made to fit: never a fault, and never valid by accident."""

import copy
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.desk import Desk
from tests.drivers.everything import walked
from tests.drivers.forgery import Forgery, Line

from runbook.audit.chain import RecordTooLong
from runbook.audit.kept import MISSING
from runbook.drivers.replay import NOT_JUDGED, judged
from runbook.kinds.registry import KINDS
from runbook.model.canonical import canonical

pytestmark = pytest.mark.reliability
WORDS = {
    # What people and machines say, and what decides nothing; only a signature or an anchor shows that it was changed.
    "run.started": {"run", "mode", "operator", "incident", "host", "store", "guards_see", "files", "directory"},
    "answer.given": {"answer", "source"},
    "confirmation.requested": {"stale"},
    "confirmation.given": {"reason", "source"},
    "operator.acted": {"reason", "source", "inbox", "do", "to", "step", "visit"},
    "run.paused": {"reason"},
    "run.resumed": {"host", "torn", "differs"},
    "run.handed_over": {"by", "reason"},
    "step.unknown": {"reason"},
    "step.settled": {"evidence"},
    "step.skipped": {"reason"},  # of one whose `when` did not hold
    "step.output": {"masked", "problem"},
    "step.finished": {"masked", "truncated", "reason", "obs"},
    "reminder.due": {"say"},
    "wait.ended": {"waited_ms"},
}
ODD: list[Any] = [
    None,
    "",
    "x",
    0,
    1,
    -1,
    10**12,
    True,
    [],
    {},
    ["x"],
    {"x": 1},
    "passed",
    "failed",
    "[",
    "{}",
    "[]",
    "7",
]
ODD += [
    "[" * 20_000,
    '{"a":' * 5_000,
    "\x1b[2J",
    "done",
    "one",
    "[MASKED:x]",
    "resolved",
    "2026",
    "${{ 1 }}",
    {"$secret": "x"},
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with the walk in which everything happens, and a copy of it to be mutated."""
    desk = walked(tmp_path_factory.mktemp("desk"))
    shutil.copytree(desk.run().path, desk.run("mutated").path)
    return desk


def inside(value: Any, chance: random.Random) -> Any:  # noqa: ANN401 - any JSON there is
    """A JSON value with something in it changed."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice([*value])
        made = {**value, key: inside(value[key], chance)}
        if chance.random() < 0.2:
            made.pop(key)
        return made
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], inside(value[place], chance), *value[place + 1 :]]
    return chance.choice(ODD)


def mutate(forgery: Forgery, chance: random.Random) -> str:
    """Change something, and say what: a type and a field, or what was done with a whole record."""
    place = chance.randrange(len(forgery.lines))
    line = forgery.lines[place]
    match chance.randrange(8):
        case 0:
            forgery.drop(place)
            return f"drop {line.type}"
        case 1:
            other = chance.randrange(len(forgery.lines))
            before = [*forgery.lines]
            forgery.swap(place, other)
            return "nothing" if forgery.lines == before else f"swap {line.type} {forgery.lines[place].type}"
        case 2:
            forgery.lines.insert(chance.randrange(place, len(forgery.lines)), line)
            return f"repeat {line.type}"
        case _:
            name = chance.choice([*line.fields])
            value = copy.deepcopy(line.fields[name])
            new = inside(value, chance)
            if isinstance(value, str) and value.startswith("{") and chance.random() < 0.8:
                new = canonical(inside(json.loads(value), chance))
            if new == value:
                return "nothing"
            forgery.lines[place] = Line(line.type, line.ts, line.mono, {**line.fields, name: new})
            return f"{line.type} {name}"


def harmless(what: str) -> bool:
    """Whether that decides nothing of the walk."""
    type_, _, name = what.partition(" ")
    if what == "repeat step.output":
        return False
    if type_ == "swap" and "reminder.due" in name:
        return True  # a moment sooner or later, beside what is legal there too
    if type_ in ("drop", "repeat", "swap"):
        # A question asked twice, a reminder, a pause that looks like a crash: nothing follows from it.
        return set(name.split()) <= {
            "reminder.due",
            "step.output",
            "question.asked",
            "operator.acted",
            "run.paused",
            "run.resumed",
        }
    return what == "nothing" or name in WORDS.get(type_, ())


def mutations(desk: Desk, count: int, seed: int) -> None:
    chance = random.Random(seed)
    whole = Forgery.of(desk.run().log).lines
    log = desk.run("mutated").log
    for _ in range(count):
        forgery = Forgery([*whole])
        what = mutate(forgery, chance)
        try:
            forgery.write(log)
        except (RecordTooLong, ValueError):
            continue
        verdict, _walk = judged(log, KINDS)
        assert int(verdict.status) in (0, 1, 3, 6, 7), what
        # An output that is longer in the log may have been lost with the power, where the run was interrupted after it.
        said = any(finding.diagnostic.code in (NOT_JUDGED, MISSING) for finding in verdict.findings)
        assert verdict.status or said or harmless(what), (what, Path(log).read_text())


def test_i5_a_log_that_was_changed_at_random_is_never_valid_by_accident(desk: Desk) -> None:
    mutations(desk, 150, 20261121)


@pytest.mark.full
def test_i5_a_log_that_was_changed_at_random_a_hundred_thousand_times(desk: Desk) -> None:
    mutations(desk, 100_000, 7)
