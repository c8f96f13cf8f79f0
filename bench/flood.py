"""A flood of output through a program that a step runs: how fast it is drained, and what memory that takes."""

import os
import resource
import subprocess
import sys

from _measure import interleaved, row
from runbook.world.processes import Program

SIZE = 2 * 2**30
ROUNDS = 3
FLOOD = ("head", "-c", str(SIZE), "/dev/zero")
UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss, for MiB


def drained() -> None:
    """Run the flood as a step does."""
    count = 0

    def take(stream: str, chunk: bytes) -> None:
        nonlocal count
        del stream
        count += len(chunk)

    Program(FLOOD, env=dict(os.environ), cwd="/", output=take).run()
    assert count == SIZE


def piped() -> None:
    """Run the flood into `cat`."""
    with subprocess.Popen(FLOOD, stdout=subprocess.PIPE) as flood:
        subprocess.run(["cat"], stdin=flood.stdout, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Measure and print."""
    Program(["true"], env=dict(os.environ), cwd="/").run()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = interleaved({"ours": drained, "limit": piped}, ROUNDS)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / UNIT
    speed = {name: SIZE / 1e6 / seconds for name, seconds in took.items()}
    row("output flood (2 GiB) through a program", "MB/s, at least", ours=speed["ours"], bar=500, limit=speed["limit"])
    row("memory that the flood takes", "MiB", ours=grown, bar=64)


if __name__ == "__main__":
    main()
