"""The demonstration service, as a process that tests start."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo"


@contextmanager
def service(folder: Path, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """The service with a file of variables below a folder that takes every change at once; yields its port.

    :param env: what is added to its environment, such as where its PostgreSQL is.
    """
    command = [sys.executable, str(DEMO / "service.py"), str(folder / "build" / "demo" / "app.env"), "--delay", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def fault(folder: Path, port: int, name: str) -> None:
    """Have ``faults.py`` write the variables of the service with a fault in them."""
    file = folder / "build" / "demo" / "app.env"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"# port {port}\n")
    subprocess.run([sys.executable, str(DEMO / "faults.py"), name], cwd=folder, check=True, capture_output=True)


def answer(port: int, path: str, post: str | None = None) -> tuple[int, str]:
    """The status and the text of its answer to a GET, or to a POST of a text."""
    data = None if post is None else post.encode()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=10) as got:
            return int(got.status), got.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def threads(port: int) -> list[str]:
    """The titles of the threads that it lists."""
    status, text = answer(port, "/api/threads")
    assert status == 200, text
    return [thread["title"] for thread in json.loads(text)["threads"]]
