"""`runbook runs` and `status` with 10,000 past runs, against the same with 10."""

import shutil
import tempfile
from pathlib import Path

from _measure import interleaved, row
from start import process, tool
from step import sitting, walk_steps

FEW, MANY = 10, 10_000


def main() -> None:
    """Measure and print."""
    command = tool("runbook") or "runbook"
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        sat = sitting(folder, 3)
        walk_steps(sat.session, 3)
        sat.close()
        for count in (FEW, MANY):
            for number in range(count):
                shutil.copytree(sat.run.path, folder / f"state{count}" / "runs" / f"run-{number:05d}")
        for what in (["runs"], ["status", "run-00007"]):
            works = {
                str(count): process(command, *what, "--state-dir", str(folder / f"state{count}"))
                for count in (FEW, MANY)
            }
            took = interleaved(works, 8)
            more = (took[str(MANY)] - took[str(FEW)]) * 1_000
            row(f"runbook {what[0]} with 10,000 past runs", "ms more than with 10", ours=more, bar=50.0)


if __name__ == "__main__":
    main()
