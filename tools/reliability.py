"""Performs the reliability bar in full and prints each of its rows with what came of it.

The rows are read from docs/explanation/reliability.md. A test belongs to the row that its name begins with
(``test_c6_…``). Ends with the status of the tests: 1 if any failed, one that belongs to no row included; 2 if it was
interrupted, and then says of the rows that it did not come to just that.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BAR = ROOT / "docs" / "explanation" / "reliability.md"
ROW = re.compile(r"^\| ([A-K][0-9]+) \| (.+?) \|", re.MULTILINE)
TEST = re.compile(r"test_([a-k][0-9]+)_")


def perform(report: Path) -> int:
    """Run every test of the bar, with full counts and fresh examples, into a JUnit report; pytest's exit status."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "-q", "-m", "reliability or full", f"--junitxml={report}"]
    # In a session of their own, so that an interrupt comes once, by us, and they report what has run.
    tests = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "RUNBOOK_HYPOTHESIS": "full"}, start_new_session=True
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: tests.send_signal(signal.SIGINT))
    return tests.wait()


def results(report: Path) -> Mapping[str, list[tuple[str, str]]]:
    """For each row its tests: what came of one (``ran``, ``skipped``, ``failed``), and why it was skipped."""
    rows: dict[str, list[tuple[str, str]]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own test runner wrote it a moment ago
        row = TEST.match(case.get("name", ""))
        if row is None:
            continue
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result = ("failed", "")
        elif skipped is not None:
            result = ("skipped", skipped.get("message", ""))
        else:
            result = ("ran", "")
        rows.setdefault(row[1].upper(), []).append(result)
    return rows


def verdict(tests: list[tuple[str, str]], *, interrupted: bool) -> str:
    """What is printed beside a row."""
    if not tests:
        return "not reached" if interrupted else "not yet"
    counts = {word: sum(result == word for result, _ in tests) for word in ("failed", "ran", "skipped")}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    reasons = "; ".join(sorted({why for result, why in tests if result == "skipped"}))
    return f"{said} ({reasons})" if reasons else said


def main() -> int:
    """Perform, print, and say whether all is well."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        status = perform(report)
        interrupted = status not in {0, 1}
        if not report.exists():
            print("interrupted before anything could be reported")
            return status
        rows = results(report)
    for row, text in ROW.findall(BAR.read_text()):
        print(f"{row:4}{verdict(rows.get(row, []), interrupted=interrupted):24}  {text}")
    failed = [row for row, tests in rows.items() if any(result == "failed" for result, _ in tests)]
    print(f"failed: {', '.join(sorted(failed))}" if failed else "no row failed")
    if interrupted:
        print("interrupted: other tests, of the rows above too, were not reached")
    return status


if __name__ == "__main__":
    sys.exit(main())
