"""What it costs to verify a log, replay included, where no clock is judged: calls and memory for each record."""

import hashlib
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.drivers.sitting import loaded

from runbook.drivers.rehearsal import rehearse
from runbook.drivers.replay import judged
from runbook.kinds.registry import KINDS
from runbook.language.loading import load_scenario

STEPS = 4
A_VISIT = 300
"""The bytes that a walk may keep of a visit: its step, its number, how it ended."""


def circle(rounds: int) -> str:
    """A circle of checks that ends when its first step was visited so often."""
    steps = "".join(
        f"  - {{id: s{number}, kind: http, url: http://127.0.0.1/{number}, expect: status == 200"
        f"{f', max_visits: {rounds}' if number == 0 else ''}{', next: s0' if number == STEPS - 1 else ''}}}\n"
        for number in range(STEPS)
    )
    head = "runbook: v1\nid: measured\ntitle: Measured\non_fail: done\nsteps:\n"
    return f"{head}{steps}  - {{id: done, kind: finish, outcome: completed}}\n"


def written(root: Path, rounds: int) -> tuple[Path, int]:
    """The log of such a walk, its snapshot beside it, and how many records it has."""
    root.mkdir()
    book = loaded(root, circle(rounds))
    digest = hashlib.sha256((root / "book.yaml").read_bytes()).hexdigest()
    entry = "[{status: 200, body: {status: ok}, elapsed_ms: 12, size: 15, url: 'http://127.0.0.1/'}]"
    world = "".join(f"  s{number}: {entry}\n" for number in range(STEPS))
    (root / "scenario.yaml").write_text(f"scenario: v1\nrunbook: book.yaml\nworld:\n{world}")
    told = load_scenario(str(root / "scenario.yaml"))
    assert told.scenario is not None
    done = rehearse(told.scenario, book, KINDS, files={"book.yaml": digest})
    (root / "runbook").mkdir()
    (root / "runbook" / f"{digest}.yaml").write_bytes((root / "book.yaml").read_bytes())
    log = root / "audit.jsonl"
    log.write_bytes(b"".join(record.raw + b"\n" for record in done.records))
    return log, len(done.records)


def verified(log: Path) -> None:
    verdict, _walk = judged(log, KINDS)
    assert int(verdict.status) == 0, verdict


def calls(act: Callable[[], object]) -> int:
    """How many functions are called meanwhile, of Python and of C."""
    count = 0

    def look(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(look)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def peak(act: Callable[[], object]) -> int:
    """The bytes that Python holds at most meanwhile, beyond those that it held before."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.reliability
@pytest.mark.parametrize("rounds", [60, pytest.param(2_000, marks=pytest.mark.full)])
def test_i6_verifying_is_linear_and_keeps_no_record(tmp_path: Path, rounds: int) -> None:
    """From N to 2 N to 4 N records: each further record costs as much as any other, and only its visit is kept."""
    logs = [written(tmp_path / str(times), rounds * times) for times in (1, 2, 4)]
    for log, _ in logs:
        verified(log)  # what is made once is made
    costs = [calls(partial(verified, log)) for log, _ in logs]
    each = [(costs[n + 1] - costs[n]) / (logs[n + 1][1] - logs[n][1]) for n in (0, 1)]
    assert each[1] == pytest.approx(each[0], rel=0.01)
    peaks = [peak(partial(verified, log)) for log, _ in logs]
    assert peaks[2] - peaks[0] <= 64 * 1024 + A_VISIT * 3 * rounds * STEPS, peaks
