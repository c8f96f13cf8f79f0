"""Without a person the walk says in plain lines what it does, and nothing that happens to those lines stops it."""

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.drivers.terminal.conftest import BOOK

ANSWERS = "answers:\n  - {step: mend, confirm: yes}\n"


def unattended(directory: Path, stderr: int, book: str = BOOK) -> subprocess.CompletedProcess[str]:
    """A walk with an answers file and without a terminal."""
    (directory / "demo.yaml").write_text(book)
    (directory / "answers.yaml").write_text(ANSWERS)
    start = "import sys; from runbook.cli.main import main; sys.exit(main())"
    command = ["-c", start, "run", "demo.yaml", "-e", "production", "--answers", "answers.yaml", "--run-id", "r1"]
    return subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env={**os.environ, "RUNBOOK_STATE_DIR": str(directory / "state")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
    )


def test_an_unattended_walk_writes_a_line_for_each_thing_that_happens(tmp_path: Path) -> None:
    done = unattended(tmp_path, subprocess.PIPE)
    assert done.returncode == 0
    assert done.stdout == ""
    lines = [re.sub(r"^\d\d:\d\d:\d\dZ  ", "", line) for line in done.stderr.splitlines()]
    assert lines[:7] == [
        "look entered",
        "look started: echo seen",
        "look passed",
        "mend entered",
        "mend started: echo mended",
        "mend passed",
        "done entered",
    ]
    assert "\x1b" not in done.stderr


@pytest.mark.reliability
def test_c10_lines_that_nobody_reads_stop_nothing(tmp_path: Path) -> None:
    """Standard error on a full device: the walk goes on to its end, and the log is whole."""
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        assert unattended(tmp_path, full).returncode == 0
    finally:
        os.close(full)
    log = (tmp_path / "state" / "runs" / "r1" / "audit.jsonl").read_text()
    assert '"type":"run.finished","finish":"resolved"' in log


class Broken(BaseHTTPRequestHandler):
    """Answers that it is broken, and why."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(503)
        self.end_headers()
        self.wfile.write(b"the pool\nis empty")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_unattended_walk_says_what_a_server_answered_to_a_request_that_failed(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        look = f'kind: http, url: "http://127.0.0.1:{server.server_port}/", next: mend, on_fail: mend}}'
        book = BOOK.replace("kind: command, effect: none, argv: [echo, seen]}", look, 1)
        done = unattended(tmp_path, subprocess.PIPE, book)
        server.shutdown()
    assert "503 Service Unavailable · it answered the pool is empty\n" in done.stderr
