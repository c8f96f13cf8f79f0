"""Real parts for the kinds: the real world in one directory, with one secret, and a server on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runbook.model.runbook import SecretSource
from runbook.world.http import HttpClient
from runbook.world.real import RealIo
from runbook.world.secrets import SecretStore
from runbook.world.ssh import SshClient

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves this machine through a proxy."""
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def io(tmp_path: Path) -> Iterator[RealIo]:
    """The real world as a kind sees it, in a directory of its own; the secret `token` is there."""
    (tmp_path / "token").write_text(SECRET)
    sources = {"token": SecretSource(name="token", kind="file", value=str(tmp_path / "token"))}
    secrets = SecretStore(sources, register=lambda *_: None)
    secrets.resolve(["token"])
    client = HttpClient(value_of=secrets.value_of)
    yield RealIo(
        secrets=secrets,
        client=client,
        ssh=SshClient,
        directory=str(tmp_path),
        output=lambda *_: None,
        limit=20_000,
    )
    client.close()


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that its path names, or tells what it was asked."""

    def do_GET(self) -> None:
        """Answer, whatever the method."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        kind = "application/json"
        status = 200
        match self.path.split("/")[1:]:
            case ["status", code]:
                status, text = int(code), "{}"
            case ["text"]:
                text, kind = "<html>it works</html>", "text/html"
            case ["moved"]:
                status, text = 301, ""
            case _:
                text = json.dumps(
                    {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
                )
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("X-Served-By", "loopback")
        if status == 301:
            self.send_header("Location", "/text")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - the names that the class looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the class gives it
        """Say nothing."""


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as it:
        it.daemon_threads = True
        thread = threading.Thread(target=it.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{it.server_port}"
        it.shutdown()
        thread.join()
