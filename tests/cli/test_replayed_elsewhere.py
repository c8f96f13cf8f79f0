"""A log is judged the same wherever it is replayed: in another process, with other hashes, at another place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.drivers.everything import walked

VERIFY = "import sys; sys.argv[0] = 'runbook'; from runbook.cli.main import main; main()"


@pytest.mark.reliability
def test_k3_a_log_replayed_in_other_processes_says_the_same(tmp_path: Path) -> None:
    run = walked(tmp_path).run()
    said = set()
    for seed, place in (("0", "/"), ("1", str(tmp_path)), ("2", "/"), ("3", "/"), ("4", "/")):
        for command in [["verify", "--format", "json"]] + ([["report"]] if seed in "03" else []):
            done = subprocess.run(
                [sys.executable, "-c", VERIFY, *command, "r1"],
                env={
                    **os.environ,
                    "PYTHONHASHSEED": seed,
                    "RUNBOOK_STATE_DIR": str(run.path.parent.parent),
                    "TZ": f"UTC{seed}",
                },
                cwd=place,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done
            said.add((command[0], done.stdout))
    assert len(said) == 2
