"""What the tests of the world share: a runner, loopback servers, certificates made on the spot."""

import http.server
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
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
    if shutil.which("openssl") is None:
        pytest.skip("no `openssl` on this machine; `apt-get install openssl` enables this test")
    home = tmp_path_factory.mktemp("certificates")
    (home / "index").touch()
    (home / "config").write_text(
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\n"
        "rand_serial=yes\nunique_subject=no\ncopy_extensions=copy\n[any]\ncommonName=supplied\n"
        "[req]\ndistinguished_name=name\nx509_extensions=authority\n[name]\n"
        "[authority]\nbasicConstraints=critical,CA:true\nsubjectKeyIdentifier=hash\n"
    )

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=home, check=True, capture_output=True)

    def moment(days: float) -> str:
        return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86_400))

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-config", "config")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "99")

    def signed(name: str, names: str, begin: float, end: float) -> Path:
        request = ("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("req", "-new", *key, *request, "-addext", f"subjectAltName={names}")
        dates = ("-startdate", moment(begin), "-enddate", moment(end))
        files = ("-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.crt")
        openssl("ca", "-config", "config", "-batch", "-notext", *files, *dates)
        both = home / f"{name}.pem"
        both.write_bytes((home / f"{name}.key").read_bytes() + (home / f"{name}.crt").read_bytes())
        return both

    here = "IP:127.0.0.1,DNS:localhost"
    own = (
        "-keyout",
        "own.key",
        "-out",
        "own.crt",
        "-subj",
        "/CN=own",
        "-days",
        "9",
        "-addext",
        f"subjectAltName={here}",
    )
    openssl("req", "-x509", *key, *own)
    (home / "own.pem").write_bytes((home / "own.key").read_bytes() + (home / "own.crt").read_bytes())
    return {
        "authority": home / "ca.pem",
        "good": signed("good", here, -1, 30.5),
        "expired": signed("expired", here, -9, -1),
        "other_name": signed("other", "DNS:other.example.com", -1, 30),
        "self_signed": home / "own.pem",
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
