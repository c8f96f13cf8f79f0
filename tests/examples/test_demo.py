"""The demonstration works as it says: its faults break what they name, and each runbook mends the one it is for."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.drivers.terminal.pseudo import Terminal
from tests.examples import serving
from tests.examples.serving import answer, service
from tests.world.postgres import Postgres

ROOT = Path(__file__).resolve().parents[2]
HEALTHY = {
    "/": 200,
    "/api/health": 200,
    "/api/csrf": 200,
    "/api/auth/session": 200,
    "/api/db/health": 200,
    "/version": 200,
}


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
    with service(tmp_path) as port:
        serving.fault(tmp_path, port, fault)
        assert {path: answer(port, path)[0] for path in HEALTHY} == {**HEALTHY, **broken}


@pytest.mark.parametrize(
    ("fault", "health"), [("database", (500, 'relation \\"threads\\" does not exist')), ("lying", (200, '"ok"'))]
)
def test_with_a_database_health_asks_it_unless_it_lies(
    tmp_path: Path, postgres: Postgres, fault: str, health: tuple[int, str]
) -> None:
    postgres.do("drop schema public cascade; create schema public")
    with service(tmp_path, postgres.variables) as port:
        serving.fault(tmp_path, port, fault)
        status, text = answer(port, "/api/health")
        assert status == health[0]
        assert health[1] in text
        assert answer(port, "/api/threads", "hello")[0] == answer(port, "/api/db/health")[0] == 500
        postgres.do((serving.DEMO / "schema.sql").read_text())
        assert answer(port, "/api/health")[0] == answer(port, "/api/db/health")[0] == 200
        assert answer(port, "/api/threads", "hello")[0] == 201
        assert serving.threads(port) == ["hello"]


def test_the_service_says_plainly_that_its_database_needs_psycopg(tmp_path: Path) -> None:
    file = tmp_path / "app.env"
    file.write_text("DATABASE_URL=postgresql://\n")
    command = [sys.executable, "-S", str(serving.DEMO / "service.py"), str(file)]  # -S: without any package
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "psycopg is not installed: pip install 'runbook-walk[sql]'" in done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of its own for a demonstration, whose service and store nobody else uses."""
    for folder in ("examples", "runbooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("runbook", ["app_not_loading", "auth_not_working", "database_connection"])
def test_without_a_terminal_the_fault_is_mended_and_log_and_report_are_left_and_no_service(
    tree: Path, runbook: str
) -> None:
    command = [sys.executable, str(tree / "examples" / "demo" / "run.py"), runbook, "--delay", "0.5"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    port = re.search(r"127\.0\.0\.1:(\d+)/", done.stdout)
    log, report = re.findall(r"  the (?:log|report) +(\S+)", done.stdout)
    assert port
    assert refuses(int(port[1]))
    assert '"type":"run.finished","finish":"resolved"' in (tree / log).read_text()
    assert "resolved" in (tree / report).read_text()


# Ctrl-C is a signal only to the session that the terminal controls.
CONTROLLED = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv)"


def test_ctrl_c_in_a_real_terminal_pauses_the_walk_and_leaves_no_service(tree: Path) -> None:
    command = [sys.executable, str(tree / "examples" / "demo" / "run.py")]
    with Terminal([sys.executable, "-c", CONTROLLED.replace("sys.argv", repr(command))]) as terminal:
        terminal.expect("it is sent", "›", within=20)
        terminal.send("\x03")
        terminal.expect("is paused", "The service is stopped")
        terminal.expect("A pause loses nothing")
        assert "RB512" not in terminal.text
        assert terminal.end() == 0  # `make` would call it an error otherwise
        port = re.search(r"127\.0\.0\.1:(\d+)/", terminal.text)
    assert port
    assert refuses(int(port[1]))
    with Terminal(command) as terminal:  # which the paused run, whose service is gone, does not keep from beginning
        terminal.expect("it is sent", "›", within=20)


def test_the_service_does_not_outlive_a_demonstration_that_was_killed(tree: Path) -> None:
    with Terminal([sys.executable, str(tree / "examples" / "demo" / "run.py")]) as terminal:
        terminal.expect("it is sent", "›", within=20)
        port = re.search(r"127\.0\.0\.1:(\d+)/", terminal.text)
        os.killpg(terminal.process.pid, signal.SIGKILL)
    assert port
    for _ in range(100):
        if refuses(int(port[1])):
            return
        time.sleep(0.05)  # it ends when it has noticed
    pytest.fail("the service still listens")


def test_a_person_in_a_real_terminal_walks_to_the_end(tree: Path) -> None:
    with Terminal([sys.executable, str(tree / "examples" / "demo" / "run.py"), "--delay", "0"]) as terminal:
        terminal.expect("check_health", "health: failed", "it is sent", "›", within=20)
        terminal.answer("d")
        terminal.expect("status page", "it is sent", "›")
        terminal.answer("d")
        terminal.expect("Verify the environment variables", "run it", "›")
        terminal.answer("")
        terminal.expect("SESION_SECRET (for SESSION_SECRET)", "CHANGES SOMETHING", "do it now", "›")
        terminal.answer("yes", guarded=True)
        terminal.expect("it is done", "›")
        subprocess.run([sys.executable, "examples/demo/faults.py", "none"], cwd=tree, check=True, capture_output=True)
        terminal.answer("d")
        terminal.expect("What shows it?", "›")
        terminal.answer("")
        for items in (3, 2, 2):
            for number in range(1, items + 1):
                terminal.expect(f"{number} of {items}", "›")
                terminal.answer("y")
            terminal.expect("these are the answers", "›")
            terminal.answer("")
        terminal.expect("it is sent", "›")
        terminal.answer("d")
        terminal.expect("status page", "it is sent", "›")
        terminal.answer("d")
        terminal.expect("RESOLVED", "The service is stopped")
        assert terminal.end() == 0
