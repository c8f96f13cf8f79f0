"""What a step costs where a clock cannot tell: programs, fsyncs, files; and that sparing an fsync promises no less."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk
from tests.drivers.sitting import Sitting, loaded, told

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.operator import Hand, No, Place, Request, Yes
from runbook.drivers.rehearsal import MemoryLog
from runbook.model.canonical import Json, JsonObject
from runbook.model.question import Question
from runbook.walk.actions import AskOperator
from runbook.world.clock import SimulatedClock


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def reads(desk: Desk, count: int) -> list[str]:
    """The calls that could leave a mark of a walk of so many reads."""
    names = [f"s{number}" for number in range(count)]
    steps = [read(name, then=then) for name, then in zip(names, [*names[1:], "done"], strict=True)]
    trace = desk.root / f"trace-{count}"
    assert desk.walk(book(*steps), run=f"r{count}", trace=str(trace)).status == 0
    return trace.read_text().split()


@pytest.mark.reliability
def test_a_step_costs_one_program_one_fsync_and_no_file(desk: Desk) -> None:
    reads(desk, 1)  # makes the store
    few, many = reads(desk, 2), reads(desk, 6)
    for name, each in {"fork_exec": 1, "fsync": 1, "open": 1, "mkdir": 0}.items():  # what is opened is /dev/null
        assert many.count(name) - few.count(name) == 4 * each, name
    assert list(desk.run("r6").output.iterdir()) == []


@pytest.mark.reliability
def test_between_two_programs_there_is_always_an_fsync_behind_the_last_record(desk: Desk) -> None:
    calls = [call for call in reads(desk, 5) if call in {"fsync", "fork_exec"}]
    programs = [place for place, call in enumerate(calls) if call == "fork_exec"]
    assert len(programs) == 5
    assert all(calls[place - 1] == "fsync" for place in programs)
    assert calls[-1] == "fsync"


class Watched(MemoryLog):
    """A log that knows whether all its records are on disk."""

    def __init__(self) -> None:
        super().__init__()
        self.synced = 0

    def append(self, record_type: str, fields: Mapping[str, Json], *, ts: str, mono: int) -> object:
        """Add one record, which is not on disk yet."""
        return super().append(record_type, fields, ts=ts, mono=mono)

    def sync(self) -> None:
        """Put all of it on disk."""
        self.synced = len(self.records)

    def assert_on_disk(self) -> None:
        """Whoever acts, asks or waits now may be the last thing that happens."""
        assert self.synced == len(self.records), self.records[-1].type


class Waiting(SimulatedClock):
    """A clock that wants everything on disk before it waits."""

    def __init__(self, log: Watched) -> None:
        super().__init__()
        self._log = log
        self.waits = 0

    def wait(self, ms: int) -> None:
        """Wait."""
        self._log.assert_on_disk()
        self.waits += 1
        super().wait(ms)


class Asked(AnswersOperator):
    """Somebody who wants everything on disk before being asked, and says yes to everything."""

    def __init__(self, log: Watched, clock: Waiting) -> None:
        super().__init__((), clock)
        self._log = log
        self.asked: list[str] = []

    def _note(self, what: str) -> None:
        self._log.assert_on_disk()
        self.asked.append(what)

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Yes."""
        del place, request
        self._note("confirm")
        return Yes()

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """Done."""
        del place, question
        self._note("answer")
        return {"outcome": "done", "confirm": "yes"}

    def decide(self, place: Place, asked: AskOperator) -> Hand:
        """Retry once, then pause."""
        self._note("decide")
        return super().decide(place, asked)  # type: ignore[return-value]  # without an answer it pauses


MANUAL = "id: by_hand\nkind: manual\neffect: none\ninstructions: Look.\nnext: pause\n"
PAUSE = (
    "id: pause\nkind: wait\nuntil: {kind: http, url: 'https://app.example.com', retry: {attempts: 2, delay: 2s}}\n"
    "every: 5s\ntimeout: 1m\nnext: again\non_fail: bad\n"
)
AGAIN = read("again", then="stuck", more="retry: {attempts: 2, delay: 3s}\n")
STUCK = "id: stuck\nkind: command\neffect: none\nargv: [look]\n"


@pytest.mark.reliability
def test_everything_is_on_disk_whenever_somebody_is_asked_or_waited_for(tmp_path: Path) -> None:
    log = Watched()
    clock = Waiting(log)
    operator = Asked(log, clock)
    text = book(change("one", then="by_hand"), MANUAL, PAUSE, AGAIN, STUCK)
    bad: JsonObject = {"exit_code": 1, "stdout": "", "stderr": ""}
    good: JsonObject = {"exit_code": 0, "stdout": "", "stderr": ""}
    world: dict[str, list[JsonObject]] = {
        "one": [good],
        "pause.until": [{"status": 503}, {"status": 503}, {"status": 200}],
        "again": [bad, good],
        "stuck": [bad],
    }
    sitting = Sitting(loaded(tmp_path, text), operator, clock=clock, world=world, log=log)
    sitting.go()
    assert [*dict.fromkeys(operator.asked)] == ["confirm", "answer", "decide"]
    assert clock.waits >= 3
    assert len(told(log.records, "step.finished")) >= 6
    log.assert_on_disk()
