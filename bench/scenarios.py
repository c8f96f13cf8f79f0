"""`runbook test` of 200 scenarios: those of runbooks/, each as often as it takes; the whole process, on two processors.

The limit is a start that loads what it needs and walks nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

from _measure import interleaved, row
from start import process, tool

COUNT, PATHS = 200, 60
ROUNDS = 3
RUNBOOKS = Path(__file__).resolve().parent.parent / "runbooks"


def many(folder: Path) -> None:
    """So many scenarios beside their runbooks; some of them are the same, by other names."""
    (folder / "scenarios").mkdir()
    for path in RUNBOOKS.glob("*.yaml"):
        shutil.copy(path, folder)
    for number, path in enumerate(islice(cycle(sorted((RUNBOOKS / "scenarios").glob("*.yaml"))), COUNT)):
        shutil.copy(path, folder / "scenarios" / f"{number:03}.yaml")


def main() -> None:
    """Measure and print."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    command = tool("runbook") or "runbook"
    with tempfile.TemporaryDirectory() as name:
        many(Path(name))
        done = subprocess.run([command, "test", name, "--format", "json"], capture_output=True, check=True)
        told = json.loads(done.stdout)["scenarios"]
        assert len(told) == COUNT
        assert all(each["result"] == "passed" for each in told)
        assert len({(each["runbook"], *each["path"]) for each in told}) >= PATHS
        works = {
            "ours": process(command, "test", name, "--jobs", "2"),
            "one_process": process(command, "test", name, "--jobs", "1"),
            "limit": process(sys.executable, "-c", "import runbook.cli.test, runbook.kinds.registry"),
        }
        took = interleaved(works, ROUNDS)
        limit = took.pop("limit")
        row(f"runbook test, {COUNT} scenarios", "s", ours=took.pop("ours"), bar=10.0, limit=limit, **took)


if __name__ == "__main__":
    main()
