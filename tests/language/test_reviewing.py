"""A review holds for a time, by the day that is handed in; without a day nobody is told that it is over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.language.conftest import Load

from runbook.kinds.registry import KINDS
from runbook.language.loading import Loaded, load
from runbook.language.reviewing import calendar_date, next_review
from runbook.model.graph import graph_digest
from runbook.model.runbook import Runbook

DAY = 86_400_000
TODAY = date(2026, 11, 21)
Judge = Callable[..., list[str]]


def file_with(top: str) -> str:
    return f"runbook: v1\nid: kept\n{top}\nsteps: [{{id: done, kind: finish, outcome: resolved}}]\n"


def bound(loaded: Loaded) -> Runbook:
    assert loaded.runbook is not None, loaded.diagnostics
    return loaded.runbook


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """The codes and messages about a file with these keys at its top, on a day."""

    def judge(top: str, today: date | None = TODAY) -> list[str]:
        path = tmp_path / "kept.yaml"
        path.write_text(file_with(top))
        return [f"{each.code.number} {each.message}" for each in load(str(path), KINDS, today=today).diagnostics]

    return judge


def test_the_keys_stand_in_the_runbook_with_the_default_of_half_a_year(load_text: Load) -> None:
    said = load_text(file_with("symptoms: [Pages are blank, Nothing loads]\nlast_reviewed: 2026-11-21"))
    runbook = bound(said)
    assert runbook.symptoms == ("Pages are blank", "Nothing loads")
    assert (runbook.last_reviewed, runbook.review_every) == ("2026-11-21", 180 * DAY)
    assert bound(load_text(file_with("last_reviewed: 2026-11-21\nreview_every: 90d"))).review_every == 90 * DAY
    silent = bound(load_text(file_with("title: Nobody ever looked")))
    assert (silent.symptoms, silent.last_reviewed, silent.review_every) == ((), "", None)


def test_they_are_no_part_of_the_graph(load_text: Load) -> None:
    runbook = bound(load_text(file_with("symptoms: [One]\nlast_reviewed: 2026-11-21")))
    assert graph_digest(runbook) == graph_digest(replace(runbook, symptoms=(), last_reviewed="", review_every=None))


def test_a_review_holds_on_its_last_day_and_not_on_the_next(judged: Judge) -> None:
    top = "owner: web\nlast_reviewed: 2026-08-23\nreview_every: 90d"
    assert judged(top, TODAY) == []
    assert judged(top, TODAY + timedelta(days=1)) == [
        "RB271 the review has been overdue since 2026-11-21, and `web` owns this runbook"
    ]
    assert judged(top, None) == []


@pytest.mark.parametrize(
    "day", ["today", "2026-02-29", "26-11-21", "2026-11-21T09:00:00Z", "20261121", "2026-W47-6", "''", "٢٠٢٦-11-21"]
)
def test_what_is_no_calendar_date_is_refused_on_every_day(judged: Judge, day: str) -> None:
    if day == "20261121":  # a number, which the schema refuses
        day = '"20261121"'
    for today in (TODAY, None):
        assert [line[:5] for line in judged(f"last_reviewed: {day}", today)] == ["RB270"]


def test_a_day_to_come_is_refused_unless_it_has_begun_in_the_east(judged: Judge) -> None:
    assert judged("last_reviewed: 2026-11-22") == []
    assert [line[:5] for line in judged("last_reviewed: 2026-11-23")] == ["RB270"]
    assert judged("last_reviewed: 2999-01-01", None) == []


def test_nothing_is_said_that_mending_another_mistake_would_make_untrue(judged: Judge) -> None:
    for top in (
        "last_reviewed: 20261121\nreview_every: 90d",
        "last_revewed: 2026-11-21\nreview_every: 90d",
        "last_reviewed: 2020-01-01\nreview_every: often",
    ):
        assert len(judged(top)) == 1
        assert not judged(top)[0].startswith("RB27")


def test_what_a_runbook_walks_is_judged_by_itself(tmp_path: Path) -> None:
    (tmp_path / "inside.yaml").write_text(file_with("last_reviewed: 2020-01-01"))
    (tmp_path / "outside.yaml").write_text(
        "runbook: v1\nid: outside\nlast_reviewed: 2026-11-21\nsteps:\n  - {id: it, kind: runbook, path: inside.yaml}\n"
        "  - {id: done, kind: finish, outcome: resolved}\n"
    )
    assert load(str(tmp_path / "outside.yaml"), KINDS, today=TODAY).diagnostics == ()
    assert len(load(str(tmp_path / "inside.yaml"), KINDS, today=TODAY).diagnostics) == 1


@given(st.dates(), st.integers(0, 999_999_999 * DAY))
def test_the_next_review_is_never_before_the_last(day: date, every: int) -> None:
    assert day <= next_review(day, every) <= date.max
    assert calendar_date(str(day)) == day
