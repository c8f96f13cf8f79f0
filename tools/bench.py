"""Runs every script of bench/ and prints one table: ours, the bar, the limit of what is possible, and peers.

A script is called with ``--json`` and prints a line for each row that it measures::

    {"work": "runbook --version", "unit": "starts", "ours": 1.8, "bar": 2.0, "limit": 1.7, "peers": {"invoke": 8.1}}

Names that are given choose scripts: ``bench.py start verify``.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def rows(script: Path) -> list[dict[str, object]]:
    """What a script measured; its complaints go to our standard error."""
    command = [sys.executable, str(script), "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    found: list[dict[str, object]] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return found or [{"work": script.stem, "unit": f"ended with status {done.returncode} and measured nothing"}]


def line(row: dict[str, object]) -> str:
    """A row as it is printed."""
    peers = row.get("peers")
    others = ", ".join(f"{name} {value}" for name, value in peers.items()) if isinstance(peers, dict) else ""
    cells = [str(row.get(key, "")) for key in ("ours", "bar", "limit")]
    mark = "" if keeps(row) else "  misses the bar"
    return f"{row['work']!s:52}" + "".join(f"{cell:>9}" for cell in cells) + f"  {row['unit']!s:16}{others}{mark}"


def keeps(row: dict[str, object]) -> bool:
    """Whether a row keeps to its bar, which is the most that is allowed, or with ``at least`` in its unit the least."""
    match row:
        case {"ours": int() | float() as ours, "bar": int() | float() as bar}:
            return ours >= bar if "at least" in str(row["unit"]) else ours <= bar
        case _:
            return False


def main() -> int:
    """Measure and print."""
    scripts = sorted((ROOT / "bench").glob("[a-z]*.py"))
    chosen = [script for script in scripts if script.stem in sys.argv[1:]] if sys.argv[1:] else scripts
    print(f"{'work':52}{'ours':>9}{'bar':>9}{'limit':>9}  {'unit':16}peers")
    for script in chosen:
        for row in rows(script):
            print(line(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
