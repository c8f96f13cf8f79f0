"""The clocks: one that goes, one that is moved."""

import threading
import time
from datetime import UTC, datetime

import pytest

from runbook.model.clock import Clock
from runbook.world.clock import RealClock, SimulatedClock


@pytest.mark.parametrize("clock", [RealClock(), SimulatedClock()])
def test_the_time_of_day_is_rfc_3339_in_utc_with_milliseconds(clock: Clock) -> None:
    now = clock.now()
    assert len(now) == len("2026-11-21T09:00:00.123Z")
    assert now.endswith("Z")
    assert datetime.fromisoformat(now).tzinfo == UTC


def test_the_real_clock_goes_and_never_back() -> None:
    clock = RealClock()
    seen = [clock.mono() for _ in range(1_000)]
    clock.wait(20)
    assert seen == sorted(seen)
    assert clock.mono() >= seen[-1] + 20


def test_a_wait_ends_when_somebody_wakes_it_also_if_that_was_a_little_earlier() -> None:
    clock = RealClock()
    began = time.monotonic()
    clock.wake()
    clock.wait(10_000)
    threading.Timer(0.05, clock.wake).start()
    clock.wait(10_000)
    assert time.monotonic() - began < 5
    clock.wait(1)  # woken once is woken once
    assert time.monotonic() - began < 5


def test_simulated_waits_pass_at_once_and_move_both_clocks() -> None:
    clock = SimulatedClock("2026-11-21T03:12:00+01:00")
    began = time.monotonic()
    clock.wait(3_600_500)
    clock.wait(-5)
    assert (clock.now(), clock.mono()) == ("2026-11-21T03:12:00.500Z", 3_600_500)
    assert time.monotonic() - began < 1


def test_a_simulated_clock_begins_at_a_time_that_everybody_reads_alike() -> None:
    for start in ("2026-11-21T03:12:00", "soon"):
        with pytest.raises(ValueError, match=r"offset|isoformat"):
            SimulatedClock(start)
