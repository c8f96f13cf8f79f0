"""What verify says of a log whose wall clock and steady clock do not go together."""

import pytest

from runbook.audit.clocks import Clocks
from runbook.audit.record import NO_RECORD, Record
from runbook.audit.verdict import Status
from runbook.model.diagnostics import Severity

pytestmark = pytest.mark.reliability


def said(*times: tuple[str, int]) -> str:
    """What is said of records at these times of the 21st of November, and with these milliseconds of the other."""
    clocks = Clocks("audit.jsonl")
    for line, (ts, mono) in enumerate(times, 1):
        stamp = ts if "T" in ts else f"2026-11-21T{ts}Z"
        clocks.tell(
            line, Record(seq=line - 1, prev=NO_RECORD, ts=stamp, mono=mono, type="warning", fields={}, h="", raw=b"")
        )
    found = list(clocks.findings())
    assert len(found) <= 1
    for finding in found:
        assert (finding.status, finding.strict) == (Status.VALID, None)
        assert finding.diagnostic.severity is Severity.WARNING
        assert len(finding.diagnostic.message) < 300
    return found[0].diagnostic.message if found else ""


def test_c12_clocks_that_go_together_are_not_spoken_of() -> None:
    assert said(("09:00:00.000", 0), ("09:00:01.000", 1_000), ("17:00:03.500", 28_802_000)) == ""


@pytest.mark.parametrize(
    ("later", "words"),
    [
        ("08:00:10.000", "by -3600 s before record 2"),
        ("2026-11-22T09:00:10.000Z", "by +86400 s before record 2"),
        ("09:00:01.500", "by -8 s before record 2"),
        ("17:00:10.000", "by +28800 s before record 2"),
    ],
)
def test_c12_a_clock_that_jumps_is_spoken_of_once(later: str, words: str) -> None:
    """An hour back, a day ahead, a few seconds, and eight hours of sleep that the steady clock did not count."""
    assert words in said(("09:00:00.000", 0), ("09:00:05.000", 5_000), (later, 10_000))


def test_c12_a_small_step_back_is_spoken_of_too() -> None:
    assert "before record 1" in said(("09:00:05.000", 0), ("09:00:02.900", 10))


def test_c12_a_clock_that_creeps_away_is_noticed() -> None:
    assert "before record" in said(*((f"09:00:{second:02d}.000", 900 * second) for second in range(60)))


def test_c12_times_that_never_were_and_many_jumps_stay_one_finding() -> None:
    assert "to no time at record 1" in said(("09:00:00.000", 0), ("2026-02-31T09:00:00.000Z", 5))
    assert "and 17 times more" in said(*((f"{hour:02d}:00:00.000", 0) for hour in range(21)))
