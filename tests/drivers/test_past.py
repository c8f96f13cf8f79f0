"""When a start forbids another one, and what is said then; the rules that every past has."""

import pytest

from runbook.audit.starts import Start
from runbook.drivers.past import forbidden

NOW = "2026-11-21T09:00:00.000Z"
HOUR = 3_600_000


def start(ts: str) -> Start:
    return Start(key="k", run="r0", runbook="tested", step="reset", operator="ben@example.com", ts=ts)


@pytest.mark.parametrize(
    ("ts", "ago", "said"),
    [
        ("2026-11-21T08:00:00.000Z", None, None),
        ("2026-11-21T08:00:00.001Z", None, "1 h ago"),
        ("2026-11-21T08:20:00.000Z", None, "not again until 2026-11-21T09:20:00Z"),
        ("2026-11-21T09:59:59.000Z", None, "the clock was set back"),
        ("2027-11-21T09:00:00.000Z", None, "the clock was set back"),
        ("2026-11-21T05:00:00.000Z", 20 * 60_000, "20 min ago"),
        ("2026-11-21T05:00:00.000Z", 20 * 60_000, "not again until 2026-11-21T09:40:00Z"),
        ("2026-11-21T09:30:00.000Z", HOUR, None),
    ],
)
@pytest.mark.reliability
def test_j9_a_start_forbids_for_its_time_whatever_somebody_does_to_the_clock(
    ts: str, ago: int | None, said: str | None
) -> None:
    found = forbidden(start(ts), HOUR, NOW, ago)
    assert (found is None) is (said is None)
    assert (said or "") in (found or "")
