"""Clocks that jump, sleep and go back: the log stays in order and says so, and no wait is longer or shorter for it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, read
from tests.drivers.sitting import Sitting, answering, loaded

from runbook.drivers.journal import Journal, Last
from runbook.drivers.rehearsal import MemoryLog
from runbook.kinds.registry import KINDS
from runbook.model.canonical import Json
from runbook.walk import run_events as r
from runbook.walk.run_events import Event
from runbook.walk.walk import Walk

pytestmark = pytest.mark.reliability
NOON = datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)
"""A second before the clocks of half of Europe go back."""
HOUR = 3_600_000
CALM = book("id: calm\nkind: wait\nfor: 10m\nnext: done\n", end=GOOD)


class Clocks:
    """A wall clock and a steady one, which a test moves.

    :param jumps: what happens to the wall clock at the nth time that somebody waits: milliseconds forward or back.
    :param sleeps: for how long the machine sleeps then.
    :param counts: whether the steady clock counts a sleep.
    """

    def __init__(
        self, jumps: Mapping[int, int] | None = None, sleeps: Mapping[int, int] | None = None, *, counts: bool = True
    ) -> None:
        self.steady = 1_000
        self.wall = 0
        self._jumps, self._sleeps, self._counts = jumps or {}, sleeps or {}, counts
        self.waits = 0

    def now(self) -> str:
        """The time of day."""
        return (NOON + timedelta(milliseconds=self.wall)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def mono(self) -> int:
        """The steady clock."""
        return self.steady

    def wait(self, ms: int) -> None:
        """Let time pass, and do to the clocks what is to be done."""
        self.waits += 1
        slept = self._sleeps.get(self.waits, 0)
        self.steady += ms + (slept if self._counts else 0)
        self.wall += ms + slept + self._jumps.get(self.waits, 0)


def walked(root: Path, clock: Clocks, text: str = CALM) -> Sitting:
    sitting = Sitting(loaded(root, text), answering(root, "answers: []\n", clock), clock=clock)
    assert sitting.go().finish is not None
    monos = [record.mono for record in sitting.log.records]
    assert monos == sorted(monos)
    assert monos[0] == 0
    return sitting


def warned(sitting: Sitting) -> list[str]:
    return [str(fields["text"]) for fields in sitting.told("warning")]


def waited(sitting: Sitting) -> int:
    (ended,) = sitting.told("wait.ended")
    assert isinstance(ended["waited_ms"], int)
    return ended["waited_ms"]


def test_c12_a_steady_day_has_nothing_to_be_said(tmp_path: Path) -> None:
    sitting = walked(tmp_path, Clocks())
    assert warned(sitting) == []
    assert 600_000 <= waited(sitting) < 601_000


@pytest.mark.parametrize(("jump", "said"), [(-HOUR, "-3600 s"), (24 * HOUR, "+86400 s"), (-6_000, "-6 s")])
def test_c12_a_wall_clock_that_is_set_is_said_and_changes_no_wait(jump: int, said: str, tmp_path: Path) -> None:
    sitting = walked(tmp_path, Clocks({3: jump}))
    assert warned(sitting) == [f"the wall clock moved by {said} against the steady clock"]
    assert 600_000 <= waited(sitting) < 601_000


def test_c12_a_wall_clock_that_drifts_a_little_is_no_jump(tmp_path: Path) -> None:
    assert warned(walked(tmp_path, Clocks(dict.fromkeys(range(100), 3)))) == []


def test_c12_the_end_of_summer_time_is_no_jump_because_the_log_is_in_utc(tmp_path: Path) -> None:
    sitting = walked(tmp_path, Clocks())
    assert [record.ts[:16] for record in sitting.log.records][0::8] == ["2026-10-25T00:59", "2026-10-25T01:09"]
    assert warned(sitting) == []


def test_c12_a_machine_that_slept_eight_hours_has_waited_for_ten_minutes(tmp_path: Path) -> None:
    sitting = walked(tmp_path, Clocks(sleeps={5: 8 * HOUR}))
    assert warned(sitting) == []
    assert 8 * HOUR <= waited(sitting) < 8 * HOUR + 5_000
    # A steady clock that does not count the sleep: the wait goes on, and the difference is said.
    sitting = walked(tmp_path, Clocks(sleeps={5: 8 * HOUR}, counts=False))
    assert warned(sitting) == ["the wall clock moved by +28800 s against the steady clock"]
    assert 600_000 <= waited(sitting) < 601_000


def resumed(root: Path, away: int) -> tuple[list[Event], Journal, Clocks]:
    """A journal that goes on with a log after so many milliseconds by the wall clock."""
    walk = Walk(loaded(root, CALM), KINDS)
    before = Clocks()
    sitting = Sitting(walk.runbook, answering(root, "answers: []\n", before), clock=before)
    sitting.session.do(sitting.walk.pending()[0])
    before.wait(5_000)
    sitting.session.do(sitting.walk.pending()[0])
    last = sitting.log.records[-1]
    after = Clocks()
    after.wall, after.steady = before.wall + away, 77
    shown: list[Event] = []
    return (
        shown,
        Journal(
            sitting.walk,
            MemoryLog(),
            after,
            show=shown.append,
            mask=lambda text: text,
            last=Last(ts=last.ts, mono=last.mono),
        ),
        after,
    )


@pytest.mark.parametrize(
    ("away", "mono", "said"), [(HOUR, 5_000 + HOUR, []), (-HOUR, 5_000, ["-3600"]), (0, 5_000, [])]
)
def test_c12_after_a_pause_the_walks_clock_goes_on_by_the_wall_clock_and_never_back(
    away: int, mono: int, said: list[str], tmp_path: Path
) -> None:
    shown, journal, clock = resumed(tmp_path, away)
    journal.tell(r.RunResumed, operator="ana@example.com", host="here")
    clock.wait(10)
    journal.tell(r.NoteAdded, kind="note", text="later", by="ana@example.com")
    assert (shown[0].mono, shown[-1].mono) == (mono, mono + 10)
    words = [event.text for event in shown if isinstance(event, r.Warned)]
    assert len(words) == len(said)
    assert all(amount in word for amount, word in zip(said, words, strict=True))


def test_c12_a_retry_waits_by_the_steady_clock(tmp_path: Path) -> None:
    clock = Clocks({1: -HOUR, 2: 2 * HOUR})
    text = book(read("look", then="done", more="retry: {attempts: 3, delay: 2s, backoff: 2}\n"))
    world: Mapping[str, list[dict[str, Json]]] = {"look": [{"exit_code": 1}, {"exit_code": 1}, {"exit_code": 0}]}
    sitting = Sitting(loaded(tmp_path, text), answering(tmp_path, "answers: []\n", clock), clock=clock, world=world)
    assert sitting.go().finish is not None
    times = [record.mono for record in sitting.log.records if record.type == "step.started"][:3]
    assert [later - earlier for earlier, later in pairwise(times)] == [2_000, 4_000]
