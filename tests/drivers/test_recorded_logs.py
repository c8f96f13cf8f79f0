"""Logs that earlier versions wrote verify for ever, each with the status that its directory's name begins with."""

from pathlib import Path

import pytest

from runbook.drivers.replay import judged
from runbook.kinds.registry import KINDS

LOGS = sorted((Path(__file__).parents[1] / "logs").iterdir())


def test_there_are_recorded_logs() -> None:
    assert LOGS


@pytest.mark.parametrize("directory", LOGS, ids=lambda path: str(path.name))
def test_a_recorded_log_still_verifies(directory: Path) -> None:
    verdict, walk = judged(directory / "audit.jsonl", KINDS)
    assert int(verdict.status) == int(directory.name.partition("-")[0]), verdict.findings
    assert walk is not None
    assert walk.started is not None
