"""An ``http`` check over the kept client, in units of one request of the standard library over a kept connection."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import threading

from _measure import interleaved, row
from runbook.kinds.http import Http
from runbook.world.real import RealWorld
from runbook.world.secrets import SecretStore

ROUNDS = 400
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'


def serve() -> None:
    """Answer every request at once; print the port first."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        heard = b""
        while piece := connection.recv(65_536):
            heard += piece
            while b"\r\n\r\n" in heard:
                heard = heard.partition(b"\r\n\r\n")[2]
                connection.sendall(ANSWER)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=talk, args=(connection,), daemon=True).start()


def main() -> None:
    """Measure and print."""
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    url = f"http://127.0.0.1:{port}/health"
    os.environ["NO_PROXY"] = "127.0.0.1"
    world = RealWorld(secrets=SecretStore({}, register=lambda *_: None), output=lambda *_: None)
    kept = http.client.HTTPConnection("127.0.0.1", port)

    def plain() -> None:
        kept.request("GET", "/health")
        assert kept.getresponse().read() == b'{"status":"ok"}'

    def ours() -> None:
        assert world.perform("check", Http(url=url), None)["status"] == 200

    def curl() -> None:
        subprocess.run(["curl", "-s", "-o", "/dev/null", url], check=True)

    works = {"limit": plain, "ours": ours} | ({"curl": curl} if shutil.which("curl") else {})
    try:
        took = interleaved(works, ROUNDS)
    finally:
        world.close()
        server.kill()
        server.wait()
    peers = {"curl": took["curl"] / took["limit"]} if "curl" in took else {}
    row("an http check, kept client", "http.client", ours=took["ours"] / took["limit"], bar=5, limit=1, **peers)


if __name__ == "__main__":
    serve() if "--serve" in sys.argv else main()
