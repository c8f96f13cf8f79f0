"""A server on loopback that ends with the test, also where the test fails."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Quiet(BaseHTTPRequestHandler):
    """What is asked of a server: it writes nothing to the terminal."""

    def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Answer; how long the body is need not be said."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the class gives it
        """Say nothing."""


@contextmanager
def serving(respond: Callable[[Quiet], None], certificate: Path | None = None) -> Iterator[str]:
    """The URL at which a server responds, by TLS if there is a certificate with its key."""

    class Handler(Quiet):
        def do_GET(self) -> None:
            respond(self)

        do_POST = do_GET  # noqa: N815 - the name that the class looks for
        do_PUT = do_GET  # noqa: N815 - so is this

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
