"""A small HTTP service, servers that misbehave, and a hand to send requests to them."""

import gzip
import http.server
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import ClassVar

import pytest

from runbook.model.io import HttpResponse, WorldError
from runbook.world.http import KEPT

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
