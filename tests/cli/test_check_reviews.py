"""`runbook check` warns of reviews by today's date, or by the day that it is told; no walk is refused for one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.drivers.desk import Desk

BOOK = "runbook: v1\nid: book\nlast_reviewed: 2020-01-01\nsteps: [{id: done, kind: finish, outcome: completed}]\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("book.yaml", BOOK)
    return desk


def test_a_review_that_is_overdue_is_a_warning_and_no_refusal(desk: Desk) -> None:
    checked = desk.do("check", "book.yaml", "--format", "line")
    assert (checked.status, checked.out.count("warning RB271 the review has been overdue since 2020-06-29")) == (0, 1)
    walked = desk.do("run", "book.yaml", "--run-id", "r1")
    assert (walked.status, desk.verify()) == (0, 0)


def test_the_day_can_be_told_and_is_today_otherwise(desk: Desk) -> None:
    assert desk.do("check", "book.yaml", "--today", "2020-06-29").out == ""
    assert "RB271" in desk.do("check", "book.yaml", "--today", "2020-06-30").out
    today = datetime.now(UTC).date()
    for days, found in ((0, False), (3, True)):
        desk.write("book.yaml", BOOK.replace("2020-01-01", str(today + timedelta(days))))
        done = desk.do("check", "book.yaml")
        assert (done.status, "RB270" in done.out) == (int(found), found)


@pytest.mark.parametrize("day", ["tomorrow", "", "2026-02-30", "20261121"])
def test_what_is_no_day_is_refused(desk: Desk, day: str) -> None:
    done = desk.do("check", "book.yaml", "--today", day)
    assert done.status == 2
    assert "RB310" in done.err
