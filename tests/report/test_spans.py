"""What the time went into, and where it stands on the line of a picture."""

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.walked import Hostile, records_of, rehearsed, run_of

from runbook.audit.record import NO_RECORD, Record
from runbook.model.canonical import Json
from runbook.report.scale import Scale
from runbook.report.spans import APPROVER, MACHINE, NOBODY, PERSON, WAIT, Span, spans
from runbook.report.times import At

ROOT = Path(__file__).resolve().parents[2]
BEGAN = At(ts="2026-11-21T03:12:07.500Z", mono=0, record=0)


def told(*lines: tuple[int, str, dict[str, Json]]) -> list[Record]:
    """Records at these milliseconds."""
    return [
        Record(seq=seq, prev=NO_RECORD, ts="", mono=mono, type=type_, fields=fields, h=NO_RECORD, raw=b"")
        for seq, (mono, type_, fields) in enumerate(lines)
    ]


def visit(step: str = "one") -> dict[str, Json]:
    return {"step": step, "visit": 1}


def test_each_time_belongs_to_who_was_waited_for() -> None:
    found = spans(
        told(
            (0, "run.started", {}),
            (5, "step.entered", visit()),
            (10, "confirmation.requested", visit()),
            (30, "note.added", {}),
            (70, "confirmation.given", visit()),
            (80, "approval.requested", visit()),
            (380, "approval.given", visit()),
            (400, "step.started", visit()),
            (450, "step.finished", visit()),
            (460, "step.retrying", visit()),
            (560, "step.started", visit()),
            (600, "step.finished", visit()),
            (1_600, "operator.acted", visit()),
            (1_700, "run.paused", {}),
            (9_700, "run.resumed", {}),
            (9_800, "step.entered", visit("two")),
            (9_900, "step.started", visit("two")),
            (9_950, "run.resumed", {}),
            (9_960, "run.finished", {}),
        )
    )
    assert [(span.step, span.who, span.began_ms, span.took_ms) for span in found] == [
        ("", MACHINE, 0, 5),
        ("one", MACHINE, 5, 5),
        ("one", PERSON, 10, 60),
        ("one", MACHINE, 70, 10),
        ("one", APPROVER, 80, 320),
        ("one", MACHINE, 400, 50),
        ("one", PERSON, 450, 10),
        ("one", WAIT, 460, 100),
        ("one", MACHINE, 560, 40),
        ("one", PERSON, 600, 1_000),
        ("one", MACHINE, 1_600, 100),
        ("one", NOBODY, 1_700, 8_000),
        ("one", MACHINE, 9_700, 100),
        ("two", MACHINE, 9_800, 100),
        ("two", NOBODY, 9_900, 50),  # the process died, and said nothing
        ("two", MACHINE, 9_950, 10),
    ]


def test_a_check_inside_a_wait_is_the_machines_and_what_follows_is_the_wait_again() -> None:
    found = spans(
        told(
            (0, "step.started", visit()),
            (1, "wait.started", visit()),
            (2, "step.started", visit("one.until")),
            (5, "step.finished", visit("one.until")),
            (6, "wait.checked", visit()),
            (90, "wait.ended", visit()),
            (91, "step.finished", visit()),
        )
    )
    assert [(span.who, span.took_ms) for span in found] == [
        (MACHINE, 1),
        (WAIT, 1),
        (MACHINE, 3),
        (WAIT, 85),
        (MACHINE, 1),
    ]


def test_elements_count_for_the_step_that_is_repeated_and_undos_of_elements_for_themselves() -> None:
    found = spans(
        told(
            (0, "step.started", visit("one")),
            (1, "step.started", visit("one[0]")),
            (5, "step.finished", visit("one[0]")),
            (9, "step.entered", visit("one[0].undo")),
            (12, "step.entered", visit("outer[1]/two")),
            (14, "run.finished", {}),
        )
    )
    assert [(span.step, span.took_ms) for span in found] == [("one", 9), ("one[0].undo", 3), ("outer[1]/two", 2)]


@pytest.mark.parametrize("scenario", ["app_second_fix", "migration_lock_then_lost"])
def test_the_spans_of_a_run_add_up_to_it(tmp_path: Path, scenario: str) -> None:
    records = records_of(rehearsed(tmp_path, ROOT / "runbooks" / "scenarios" / f"{scenario}.yaml"))
    assert sum(span.took_ms for span in spans(records)) == records[-1].mono > 0


def test_the_spans_of_a_paused_run_add_up_to_it_and_say_that_nobody_walked(hostile: Hostile) -> None:
    records = records_of(run_of(hostile.folder))
    found = spans(records)
    assert sum(span.took_ms for span in found) == records[-1].mono
    paused = [record for record in records if record.type in {"run.paused", "run.resumed"}]
    assert sum(span.took_ms for span in found if span.who == NOBODY) >= paused[1].mono - paused[0].mono


def away(began: int, took: int) -> Span:
    return Span(step="", visit=0, who=NOBODY, what="", began_ms=began, took_ms=took)


@given(
    total=st.integers(0, 10**9) | st.integers(0, 10**18),
    gaps=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**8)), max_size=8),
)
def test_a_scale_keeps_the_order_of_moments_and_fits_its_line(total: int, gaps: list[tuple[int, int]]) -> None:
    at, found = 0, []
    for before, took in gaps:
        at += before
        if at + took > total:
            break
        found.append(away(at, took))
        at += took
    scale = Scale(total, found)
    moments = sorted({0, total, *(span.began_ms for span in found), *(span.began_ms + span.took_ms for span in found)})
    places = [scale.at(moment) for moment in moments]
    assert places == sorted(places)
    assert (places[0], scale.at(max(total, 1))) == (0, 100)
    ticks = [tick.place for tick in scale.ticks(BEGAN, [UTC])]
    assert ticks == sorted(ticks)
    assert len(ticks) <= 8


def test_times_that_no_calendar_has_are_not_marked() -> None:
    assert [tick.labels for tick in Scale(10**18, []).ticks(BEGAN, [UTC])] == [("03:12:07",)]
    assert [tick.labels for tick in Scale(5, []).ticks(BEGAN, [UTC])] == [("03:12:07",)]
    long_ago = At(ts="0001-01-01T00:00:00Z", mono=0, record=0)
    assert Scale(10**6, []).ticks(long_ago, [ZoneInfo("America/St_Johns")]) == ()


def test_a_night_in_which_nobody_walked_is_a_short_gap() -> None:
    night = 8 * 3_600_000
    scale = Scale(night + 600_000, [away(300_000, night)])
    ((place, length),) = scale.gaps()
    assert (place, length) == (47.5, 5.0)
    assert scale.at(300_000) == 47.5
    assert scale.at(300_000 + night) == 52.5


def test_ticks_stand_at_full_minutes_of_utc_and_are_told_in_each_zone() -> None:
    ticks = Scale(1_380_000, []).ticks(BEGAN, [UTC, ZoneInfo("Asia/Kolkata")])
    assert [tick.labels for tick in ticks] == [("03:20", "08:50"), ("03:30", "09:00")]
    assert Scale(5, []).ticks(At(ts="never", mono=0, record=0), [UTC]) == ()
