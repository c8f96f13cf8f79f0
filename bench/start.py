"""`runbook --version` and `--help`, whole processes, against a bare interpreter."""

import shutil
import subprocess
import sys
from collections.abc import Callable

from _measure import interleaved, row

ROUNDS = 40
ARGPARSE = "import argparse; p = argparse.ArgumentParser(); p.add_argument('--version'); p.parse_args([])"
PEERS = ("nox", "invoke", "ansible-playbook", "pyinfra")


def process(*command: str) -> Callable[[], object]:
    """A process from start to end, its output thrown away."""
    return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def tool(name: str) -> str | None:
    """The path of a command of this environment, or None."""
    return shutil.which(name, path=sys.prefix + "/bin")


def main() -> None:
    """Measure and print."""
    runbook = tool("runbook") or "runbook"
    works = {
        "start": process(sys.executable, "-c", "pass"),
        "limit": process(sys.executable, "-c", ARGPARSE),
        "version": process(runbook, "--version"),
        "help": process(runbook, "--help"),
    }
    works |= {name: process(path, "--version") for name in PEERS if (path := tool(name))}
    took = interleaved(works, ROUNDS)
    ratio = {name: seconds / took["start"] for name, seconds in took.items()}
    peers = {name: ratio[name] for name in PEERS if name in ratio}
    for name in ("version", "help"):
        row(f"runbook --{name}", "starts", ours=ratio[name], bar=2.0, limit=ratio["limit"], **peers)


if __name__ == "__main__":
    main()
