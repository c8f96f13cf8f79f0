"""HTTP that fails: every failure says whether the request surely was not sent."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.runbooks.watched import site
from tests.world.service import Send, Service, failure, full_listener, raw, reset

from runbook.model.io import Cancelled, HttpRequest, Lost, NotSent, TimedOut
from runbook.world.http import HttpClient

# What surely was not sent


@pytest.mark.parametrize(
    "url", ["", "nowhere", "ftp://127.0.0.1/", "http://", "http://[::1", "http://127.0.0.1:99999/", "http://:80/"]
)
def test_a_url_that_is_none_was_not_sent(send: Send, url: str) -> None:
    assert isinstance(failure(send, url), NotSent)


def test_a_refused_connection_was_not_sent(send: Send) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    error = failure(send, f"http://127.0.0.1:{port}/")
    assert isinstance(error, NotSent)
    assert error.reason == f"http://127.0.0.1:{port} refused the connection"


def test_a_name_that_does_not_resolve_was_not_sent(send: Send) -> None:
    error = failure(send, "http://nowhere.invalid/secret-path?secret=query")
    assert isinstance(error, NotSent)
    assert "nowhere.invalid" in error.reason
    assert "secret" not in error.reason


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


def test_a_certificate_tells_its_days_also_where_the_connection_is_closed_with_the_answer(
    send: Send, certificates: dict[str, Path]
) -> None:
    with site(certificates["good"]) as closing:
        answer = send(f"{closing.url}/", ca_file=str(certificates["authority"]))
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
