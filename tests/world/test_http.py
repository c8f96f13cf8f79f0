"""HTTP over loopback: what is sent, what is seen, and which failures prove that nothing was sent."""

import base64
import contextlib
import gzip
import http.server
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from runbook.model.io import Cancelled, HttpRequest, HttpResponse, Lost, NotSent, TimedOut, WorldError
from runbook.model.secrets import SecretRef, SecretText
from runbook.world.http import KEPT, HttpClient

TOKEN = SecretText(("Bearer ", SecretRef("token")))
Send = Callable[..., HttpResponse]


class Service(http.server.BaseHTTPRequestHandler):
    """A small service with an answer for each thing that can go well."""

    protocol_version = "HTTP/1.1"
    connections: ClassVar[set[tuple[str, int]]] = set()

    def do_GET(self) -> None:
        """Answer by path."""
        self.connections.add(self.client_address)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        match self.path.partition("?")[0]:
            case "/health":
                self.answer(b'{"status":"ok"}')
            case "/echo":
                seen = {"method": self.command, "path": self.path, "body": body.decode()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.answer(json.dumps({**seen, "headers": headers}).encode())
            case "/moved":
                self.answer(b"elsewhere", status=302, headers={"Location": "/health"})
            case "/round":
                self.answer(b"", status=302, headers={"Location": "/round"})
            case "/cookie":
                self.answer(b"", headers={"Set-Cookie": "session=1; Path=/"})
            case "/large":
                self.answer(b"\xc3\xa4" * KEPT)
            case "/latin":
                self.answer("ä".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"})
            case "/odd":
                self.answer("ä\xff".encode("latin-1"), headers={"Content-Type": "text/plain; charset=no-such"})
            case "/zipped":
                self.answer(gzip.compress(b"unzipped"), headers={"Content-Encoding": "gzip"})
            case "/spoilt":
                self.answer(b"no gzip", headers={"Content-Encoding": "gzip"})
            case _:
                self.answer(b"broken", status=500)

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815 - the names that the base class looks for

    def answer(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Say nothing."""


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


def failure(send: Send, url: str, **fields: object) -> WorldError:
    with pytest.raises(WorldError) as caught:
        send(url, **fields)
    assert "\n" not in caught.value.reason
    assert caught.value.help
    return caught.value


@contextmanager
def raw(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with each connection what it is told, and the URL of it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def loop() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def reset(connection: socket.socket) -> None:
    """Have the connection end with RST in place of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# What is seen


def test_an_answer_has_status_headers_text_size_and_no_certificate(send: Send, service: str) -> None:
    answer = send(f"{service}/health")
    assert (answer.status, answer.text, answer.size, answer.url) == (200, '{"status":"ok"}', 15, f"{service}/health")
    assert answer.headers["content-length"] == "15"
    assert answer.tls_days_left is None
    assert not answer.truncated


def test_a_5xx_is_an_answer(send: Send, service: str) -> None:
    assert send(f"{service}/nothing").status == 500


def test_a_redirect_is_followed_only_when_asked(send: Send, service: str) -> None:
    assert send(f"{service}/moved").status == 302
    followed = send(f"{service}/moved", follow_redirects=True)
    assert (followed.status, followed.url) == (200, f"{service}/health")


def test_a_large_body_is_cut_and_counted(send: Send, service: str) -> None:
    answer = send(f"{service}/large")
    assert (answer.size, answer.truncated) == (2 * KEPT, True)
    assert answer.text == "ä" * (KEPT // 2)


def test_a_body_is_read_in_its_charset_or_with_replacement(send: Send, service: str) -> None:
    assert send(f"{service}/latin").text == "ä"
    assert send(f"{service}/odd").text == "\ufffd\ufffd"
    assert send(f"{service}/zipped").text == "unzipped"


def test_connections_are_kept_and_cookies_are_not(send: Send, service: str) -> None:
    Service.connections.clear()
    send(f"{service}/cookie")
    assert "cookie" not in json.loads(send(f"{service}/echo").text)["headers"]
    assert len(Service.connections) == 1


# What is sent


def test_secrets_are_put_in_at_the_last_moment(send: Send, service: str) -> None:
    secret = SecretText((SecretRef("token"),))
    echo = f"{service}/echo"
    as_header = json.loads(send(echo, headers={"Authorization": TOKEN}).text)
    assert as_header["headers"]["authorization"] == "Bearer value-of-token"
    as_json = json.loads(send(echo, method="POST", json={"a": [secret, 1, None]}).text)
    assert json.loads(as_json["body"]) == {"a": ["value-of-token", 1, None]}
    assert as_json["headers"]["content-type"] == "application/json"
    as_form = json.loads(send(echo, method="POST", form={"a b": secret, "c": "&="}).text)
    assert as_form["body"] == "a+b=value-of-token&c=%26%3D"
    as_auth = json.loads(send(echo, auth=("ana", secret)).text)
    assert base64.b64decode(as_auth["headers"]["authorization"].removeprefix("Basic ")) == b"ana:value-of-token"
    as_body = json.loads(send(echo, method="PUT", body="plain ä").text)
    assert (as_body["method"], as_body["body"]) == ("PUT", "plain ä")
    in_url = json.loads(send(SecretText((f"{echo}?hook=", SecretRef("token")))).text)
    assert in_url["path"] == "/echo?hook=value-of-token"


def test_parameters_join_those_in_the_url(send: Send, service: str) -> None:
    assert json.loads(send(f"{service}/echo?a=1", query={"b": "2 &"}).text)["path"] == "/echo?a=1&b=2+%26"


@pytest.mark.reliability
@pytest.mark.parametrize(
    "fields",
    [
        {"url": "/a\r\nX-Evil: 1"},
        {"url": "/a\0"},
        {"headers": {"X-Name": "a\r\nX-Evil: 1"}},
        {"headers": {"X-Name": "a\0"}},
        {"headers": {"X-Name": SecretText(("a\n", SecretRef("token")))}},
        {"headers": {"X-Name: 1\r\nX-Evil": "1"}},
        {"headers": {"X Name": "1"}},
        {"method": "GET / HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET"},
    ],
)
def test_f9_a_line_end_or_nul_never_becomes_another_header(send: Send, service: str, fields: dict[str, object]) -> None:
    url = service + str(fields.pop("url", "/echo"))
    assert isinstance(failure(send, url, **fields), NotSent)


@pytest.mark.reliability
def test_f9_what_stands_in_a_parameter_stays_data(send: Send, service: str) -> None:
    value = "\"; rm -rf ~ #$(id)`id`\n'-rf %s&x=1"
    assert json.loads(send(f"{service}/echo", form={"a": value}, method="POST").text)["body"].count("&") == 0


# What surely was not sent


@pytest.mark.parametrize(
    "url", ["", "nowhere", "ftp://127.0.0.1/", "http://", "http://[::1", "http://127.0.0.1:99999/", "http://:80/"]
)
def test_a_url_that_is_none_was_not_sent(send: Send, url: str) -> None:
    assert isinstance(failure(send, url), NotSent)


def test_a_refused_connection_was_not_sent(send: Send) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    error = failure(send, f"http://127.0.0.1:{port}/")
    assert isinstance(error, NotSent)
    assert error.reason == f"http://127.0.0.1:{port} refused the connection"


def test_a_name_that_does_not_resolve_was_not_sent(send: Send) -> None:
    error = failure(send, "http://nowhere.invalid/secret-path?secret=query")
    assert isinstance(error, NotSent)
    assert "nowhere.invalid" in error.reason
    assert "secret" not in error.reason


@contextmanager
def full_listener() -> Iterator[tuple[socket.socket, list[socket.socket]]]:
    """A listener whose queue is full, so that the system lets every further connection wait, and what fills it."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        try:
            yield listener, waiting
        finally:
            for each in waiting:
                each.close()


def test_a_connection_that_does_not_come_about_in_time_was_not_sent(send: Send) -> None:
    with full_listener() as (listener, _):
        error = failure(send, f"http://127.0.0.1:{listener.getsockname()[1]}/", limit=300)
    assert isinstance(error, NotSent)
    assert "no connection" in error.reason


def test_what_was_given_up_before_it_was_sent_never_is(client: HttpClient) -> None:
    """Stopped while it connects; then the server takes connections again, and hears nothing of it."""
    with full_listener() as (listener, waiting):
        exchange = client.exchange(HttpRequest(method="POST", url=f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        stopper = threading.Timer(0.2, exchange.cancel, [1])
        stopper.start()
        with pytest.raises(Cancelled, match="nothing was sent"):
            exchange.run()
        others = {each.getsockname() for each in waiting}
        for each in waiting:
            each.close()
        listener.settimeout(2)  # the system tries again to connect after one second
        heard: list[bytes] = []
        with contextlib.suppress(TimeoutError):
            while True:
                connection, address = listener.accept()
                with connection:
                    if address not in others:
                        heard.append(connection.recv(100))
    assert heard == [b""], "it did connect in the end, and then it said nothing"


def test_a_connection_that_is_reset_while_tls_begins_was_not_sent(send: Send) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(10)
        reset(connection)

    with raw(talk) as url:
        error = failure(send, url.replace("http:", "https:"))
    assert isinstance(error, NotSent)
    assert "before anything was sent" in error.reason


def test_a_port_that_does_not_speak_tls_was_not_sent(send: Send, service: str) -> None:
    error = failure(send, service.replace("http:", "https:"))
    assert isinstance(error, NotSent)
    assert "TLS" in error.reason


def test_certificates_that_are_wrong_each_have_a_reason(
    send: Send, serve: Callable[..., str], certificates: dict[str, Path]
) -> None:
    def said(certificate: Path, ca_file: Path | None) -> str:
        error = failure(send, serve(Service, certificate), ca_file=None if ca_file is None else str(ca_file))
        assert isinstance(error, NotSent)
        return error.reason.partition("certificate ")[2]

    authority = certificates["authority"]
    assert said(certificates["self_signed"], None) == "is self-signed"
    assert said(certificates["good"], None) == "comes from an authority that this machine does not trust"
    assert said(certificates["expired"], authority) == "has expired"
    assert said(certificates["other_name"], authority) == "is for another address"


def test_a_trusted_certificate_tells_its_days(
    send: Send, serve: Callable[..., str], certificates: dict[str, Path]
) -> None:
    answer = send(f"{serve(Service, certificates['good'])}/health", ca_file=str(certificates["authority"]))
    assert (answer.status, answer.tls_days_left) == (200, 30)


def test_the_machines_own_trust_is_the_default(
    send: Send, serve: Callable[..., str], certificates: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["authority"]))
    assert send(f"{serve(Service, certificates['good'])}/health").status == 200


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_holds_none_was_not_sent(send: Send, tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    error = failure(send, "https://127.0.0.1:1/", ca_file=str(ca_file))
    assert isinstance(error, NotSent)
    assert "ca.pem" in error.reason


# What was sent


def test_no_answer_in_time_is_timed_out(send: Send) -> None:
    def talk(connection: socket.socket) -> None:
        while connection.recv(1000):
            pass

    with raw(talk) as url:
        began = time.monotonic()
        error = failure(send, url, limit=300)
        assert time.monotonic() - began < 1
    assert isinstance(error, TimedOut)
    assert "300 ms" in error.reason


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
def test_the_limit_is_one_on_the_whole_and_not_on_each_byte(send: Send, start: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(start)
        try:
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)  # the server is slow: that is the point
        except OSError:
            pass

    with raw(talk) as url:
        began = time.monotonic()
        error = failure(send, url, limit=400)
        assert time.monotonic() - began < 1
    assert isinstance(error, TimedOut)


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"no HTTP at all\r\n\r\n"]
)
@pytest.mark.parametrize("by_reset", [True, False])
def test_a_connection_that_ends_after_sending_is_lost(send: Send, start: bytes, by_reset: bool) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(start)
        if by_reset:
            reset(connection)

    with raw(talk) as url:
        assert isinstance(failure(send, url, method="POST", body="x"), Lost)


def test_an_answer_that_cannot_be_unpacked_or_found_is_lost(send: Send, service: str) -> None:
    assert isinstance(failure(send, f"{service}/spoilt"), Lost)
    endless = failure(send, f"{service}/round", follow_redirects=True)
    assert isinstance(endless, Lost)
    assert "redirects without end" in endless.reason


def test_a_redirect_to_nowhere_is_lost_because_something_was_sent(send: Send) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    with raw(talk) as url:
        assert isinstance(failure(send, url, follow_redirects=True), Lost)


@pytest.mark.reliability
def test_g5_a_person_stops_a_request_that_was_sent(client: HttpClient) -> None:
    came = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        came.set()
        connection.recv(1000)

    with raw(talk) as url:
        exchange = client.exchange(HttpRequest(method="POST", url=url), 1_000)

        def stop() -> None:
            came.wait(5)
            exchange.cancel(1)

        threading.Thread(target=stop).start()
        with pytest.raises(Cancelled, match="its answer was not waited for"):
            exchange.run()


# Proxies, imports


def test_a_proxy_of_the_environment_is_used(send: Send, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", service)
    assert send("http://app.example.com/health").status == 500  # the whole URL is the path at a proxy


def test_a_proxy_that_refuses_a_tunnel_means_not_sent(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with raw(talk) as url:
        monkeypatch.setenv("https_proxy", url)
        error = failure(send, "https://app.example.com/")
    assert isinstance(error, NotSent)
    assert "403" in error.reason


def test_httpx_is_imported_with_the_first_request_and_not_before() -> None:
    source = "import sys, runbook.world.real; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
