"""What the tests of the world share: a runner, loopback servers, certificates made on the spot."""

import http.server
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.world.authority import Authority
from tests.world.service import Send, Service

from runbook.model.io import HttpRequest, HttpResponse, ProcessResult
from runbook.world.http import HttpClient
from runbook.world.processes import Output, Program

Serve = Callable[..., str]


class QuietServer(http.server.ThreadingHTTPServer):
    """A server that does not mind clients that go away: they are what is tested."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves this machine through a proxy."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run() -> Callable[..., ProcessResult]:
    """Run one program with the environment of this process."""

    def run_it(
        *argv: str,
        env: dict[str, str] | None = None,
        cwd: str = "/",
        stdin: bytes = b"",
        limit: int | None = None,
        output: Output | None = None,
    ) -> ProcessResult:
        whole = dict(os.environ) if env is None else env
        return Program(argv, env=whole, cwd=cwd, stdin=stdin, limit=limit, output=output).run()

    return run_it


@pytest.fixture
def living() -> Callable[[str], list[int]]:
    """The processes, zombies left out, on whose command line a text stands."""

    def find(text: str) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and entry.name != str(os.getpid()):
                try:
                    line = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if text.encode() in line:
                    found.append(int(entry.name))
        return found

    return find


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """Run a Python program in a process of its own, and return what it printed."""

    def run_it(source: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", source, *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run_it


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start an HTTP server on loopback with a handler class, with TLS if it gets a certificate; returns its URL."""
    with ExitStack() as stack:

        def start(handler: type[http.server.BaseHTTPRequestHandler], certificate: Path | None = None) -> str:
            server = QuietServer(("127.0.0.1", 0), handler)
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            return f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_port}"

        yield start


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small authority, and certificates (each with its key in one file): a good one with 30 days, three wrong."""
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    return {
        "authority": authority.file,
        "good": authority.signed("good", -1, 30.5),
        "expired": authority.signed("expired", -9, -1),
        "other_name": authority.signed("other", -1, 30, "DNS:other.example.com"),
        "self_signed": authority.self_signed("own"),
    }


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with closing(HttpClient(value_of=lambda name: f"value-of-{name}")) as made:
        yield made


@pytest.fixture
def send(client: HttpClient) -> Send:
    def send_it(url: str, *, limit: int = 5_000, method: str = "GET", **fields: object) -> HttpResponse:
        return client.exchange(HttpRequest(method=method, url=url, **fields), limit).run()  # type: ignore[arg-type]  # each test names its fields

    return send_it


@pytest.fixture
def service(serve: Callable[..., str]) -> str:
    return serve(Service)
