"""The demonstration works as it says: its faults break what they name, and each runbook mends the one it is for."""

import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "demo"
HEALTHY = {
    "/": 200,
    "/api/health": 200,
    "/api/csrf": 200,
    "/api/auth/session": 200,
    "/api/db/health": 200,
    "/version": 200,
}


@contextmanager
def service(folder: Path) -> Iterator[int]:
    """The service with a file of variables below a folder that takes every change at once; yields its port."""
    command = [sys.executable, str(DEMO / "service.py"), str(folder / "build" / "demo" / "app.env"), "--delay", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def status_of(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ("none", {}),
        ("misspelt", {"/": 500, "/api/health": 500, "/api/auth/session": 500}),
        ("missing", {"/": 500, "/api/health": 500, "/api/auth/session": 500}),
        ("short", {"/": 500, "/api/health": 500, "/api/auth/session": 500}),
        ("no_csrf", {"/api/csrf": 500}),
        ("backend", {"/api/db/health": 503}),
        ("limit", {"/api/db/health": 503, "/version": 429}),
    ],
)
def test_a_fault_breaks_what_it_says_and_nothing_else(tmp_path: Path, fault: str, broken: dict[str, int]) -> None:
    file = tmp_path / "build" / "demo" / "app.env"
    file.parent.mkdir(parents=True)
    with service(tmp_path) as port:
        file.write_text(f"# port {port}\n")
        switch = [sys.executable, str(DEMO / "faults.py"), fault]
        subprocess.run(switch, cwd=tmp_path, check=True, capture_output=True)
        assert {path: status_of(port, path) for path in HEALTHY} == {**HEALTHY, **broken}


def demonstrate(runbook: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEMO / "run.py"), runbook, "--delay", "0.5"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


# One test and not three: they share a service's file and a store, as a person's demonstrations do.
def test_each_runbook_mends_its_fault_without_a_terminal_and_leaves_log_and_report_and_no_service() -> None:
    for runbook in ("app_not_loading", "auth_not_working", "database_connection"):
        done = demonstrate(runbook)
        assert done.returncode == 0, done.stdout + done.stderr
        port, log, report = re.findall(r"127\.0\.0\.1:(\d+)/|  the (?:log|report) +(\S+)", done.stdout)
        assert refuses(int(port[0]))
        assert '"type":"run.finished","finish":"resolved"' in (ROOT / log[1]).read_text()
        assert "resolved" in (ROOT / report[1]).read_text()
