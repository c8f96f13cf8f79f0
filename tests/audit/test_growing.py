"""A log that is read while it grows: whole lines only, whatever happens to its end, and nothing is touched by it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.audit.logs import log, new_run

from runbook.audit.growing import following
from runbook.audit.store import RunDir
from runbook.audit.verdict import Status, Verdict


def lines() -> Iterator[bytes]:
    """The lines of a log, one after the other."""
    return iter(log(9).splitlines(keepends=True))


def followed(run: RunDir, *meanwhile: Callable[[], object]) -> tuple[list[int], Verdict]:
    """The numbers of the records that are read, each of these things done when there is nothing new."""
    todo = list(meanwhile)

    def wait() -> bool:
        if not todo:
            return False
        todo.pop(0)()
        return True

    with following(run.log, wait) as found:
        return [record.seq for record in found], found.verdict()


def add(path: Path, data: bytes) -> Callable[[], object]:
    def write() -> None:
        with path.open("ab") as file:
            file.write(data)

    return write


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return new_run(tmp_path)


def test_a_line_is_handed_out_when_it_is_whole_and_not_before(run: RunDir) -> None:
    every = lines()
    one, two, three = next(every), next(every), next(every)
    run.log.write_bytes(one + two[:40])
    seen, verdict = followed(run, add(run.log, two[40:90]), add(run.log, two[90:] + three))
    assert seen == [0, 1, 2]
    assert verdict.status is Status.NO_END


def test_a_torn_end_that_is_cut_and_written_anew_is_read_anew(run: RunDir) -> None:
    every = lines()
    one, two = next(every), next(every)
    run.log.write_bytes(one + b'{"v":1,"seq":1,"torn')
    seen, verdict = followed(run, lambda: os.truncate(run.log, len(one)), add(run.log, two))
    assert (seen, verdict.status) == ([0, 1], Status.NO_END)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (lambda path: os.truncate(path, 10), "its end was cut off"),
        (lambda path: path.unlink(), "it was removed"),
        (lambda path: path.rename(path.with_suffix(".old")) and path.write_bytes(b""), "replaced by another file"),
    ],
)
def test_a_log_that_is_cut_removed_or_replaced_under_the_eyes_of_a_reader_is_said(
    what: Callable[[Path], object], why: str, run: RunDir
) -> None:
    run.log.write_bytes(next(lines()))
    seen, verdict = followed(run, lambda: what(run.log))
    assert (seen, verdict.status) == ([0], Status.UNREADABLE)
    assert why in verdict.findings[0].diagnostic.message


def test_a_record_that_does_not_follow_ends_the_reading_at_once(run: RunDir) -> None:
    every = lines()
    one, _, three = next(every), next(every), next(every)
    run.log.write_bytes(one)
    seen, verdict = followed(run, add(run.log, three), lambda: pytest.fail("it is read on"))
    assert (seen, verdict.status) == ([0], Status.TAMPERED)
