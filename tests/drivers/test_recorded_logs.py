"""Logs that earlier versions wrote verify for ever, each with the status that its directory's name begins with."""

import random
import shutil
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


@pytest.mark.reliability
@pytest.mark.parametrize("each", [12, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("directory", LOGS, ids=lambda path: str(path.name))
def test_a2_a_recorded_log_cut_anywhere_is_torn_or_has_no_end_and_is_a_legal_walk_so_far(
    directory: Path, each: int, tmp_path: Path
) -> None:
    run = tmp_path / directory.name
    shutil.copytree(directory, run)
    data = (run / "audit.jsonl").read_bytes()
    lines = [number + 1 for number, byte in enumerate(data) if byte == ord("\n")]
    within = random.Random(20261121).sample(range(1, len(data)), 72 // each)
    for cut in [0, *lines[::each], *(line + beside for line in lines[::each] for beside in (-1, 1)), *within]:
        (run / "audit.jsonl").write_bytes(data[:cut])
        verdict, _ = judged(run / "audit.jsonl", KINDS)
        whole = int(directory.name.partition("-")[0])
        wanted = 7 if cut == 0 else whole if cut >= len(data) else 3 if cut in lines else 4
        assert (cut, int(verdict.status)) == (cut, wanted), verdict.findings
