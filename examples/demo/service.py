"""A small web application to practise on: it works as well as the variables in its environment file.

It listens on loopback alone and uses nothing but the standard library. Like an application on a hosting platform it
takes a change of its variables with a delay, as if it were deployed again: what counts is the file as it was
``--delay`` seconds ago. ``faults.py`` breaks and mends that file.

With a ``DATABASE_URL`` among its variables it keeps threads in that PostgreSQL, through psycopg (``pip install
'runbook-walk[sql]'``): ``/api/threads`` lists them and, by POST, creates one with that title, and ``/api/health`` asks
the database too. With ``HEALTH_CHECK=shallow`` health lies: it says *ok* without having asked.
"""

import argparse
import hashlib
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import database

Answer = tuple[HTTPStatus, Mapping[str, object]]
PAGE = "<!doctype html>\n<html><title>Demonstration</title><h1>It works</h1></html>\n"
BROKEN = "<!doctype html>\n<html><title>Error</title><h1>Internal Server Error</h1></html>\n"


def parse(text: str) -> dict[str, str]:
    """The variables of an environment file: a ``NAME=value`` a line, ``#`` begins a comment."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def refuse(error: str) -> Answer:
    """An answer that says what is wrong."""
    return HTTPStatus.INTERNAL_SERVER_ERROR, {"status": "error", "error": error}


class Application:
    """What the service answers; it remembers the variables that it was deployed with."""

    def __init__(self, file: Path, delay: float) -> None:
        """Deploy with the file as the first request finds it; a later change takes ``delay`` seconds."""
        self.file = file
        self.delay = delay
        self.deployed: Mapping[str, str] | None = None

    def variables(self) -> Mapping[str, str]:
        """The variables of the last deployment, which is due ``delay`` seconds after the file was changed."""
        if self.deployed is None or time.time() - self.file.stat().st_mtime >= self.delay:
            self.deployed = parse(self.file.read_text())
        return self.deployed

    def problem(self) -> str | None:
        """Why the application cannot serve anybody, or None."""
        variables = self.variables()
        secret = variables.get("SESSION_SECRET", "")
        if not secret:
            return "SESSION_SECRET is not set"
        if len(secret) < 32:
            return "SESSION_SECRET is too short"
        return None if "BACKEND_URL" in variables else "BACKEND_URL is not set"

    @property
    def url(self) -> str | None:
        """The URL of the PostgreSQL that holds the threads; None in the variant that has none."""
        return self.variables().get("DATABASE_URL")

    def health(self) -> Answer:
        """Whether the application can serve; it asks the database unless it has none, or is told to be shallow."""
        problem = self.problem()
        if problem:
            return refuse(problem)
        if self.url is None or self.variables().get("HEALTH_CHECK") == "shallow":
            return HTTPStatus.OK, {"status": "ok"}
        return self.database()

    def csrf(self) -> Answer:
        """A token for a form."""
        secret = self.variables().get("CSRF_SECRET", "")
        if not secret:
            return refuse("CSRF_SECRET is not set")
        return HTTPStatus.OK, {"token": hashlib.sha256(f"{secret}:{time.time()}".encode()).hexdigest()}

    def session(self) -> Answer:
        """Who is signed in: nobody, as the one who asks has no cookie."""
        problem = self.problem()
        return refuse(problem) if problem else (HTTPStatus.OK, {"user": None, "providers": ["password"]})

    def threads(self, title: str | None = None) -> Answer:
        """The threads in the database; with a title, a new one."""
        if self.url is None:
            return HTTPStatus.NOT_FOUND, {"error": "not found"}
        try:
            if title is None:
                return HTTPStatus.OK, {"threads": database.threads(self.url)}
            return HTTPStatus.CREATED, {"id": database.create_thread(self.url, title)}
        except database.DatabaseError as error:
            return refuse(str(error))

    def database(self) -> Answer:
        """Whether the database answers; in the variant that has none, the backend at the address in ``BACKEND_URL``."""
        if self.url is not None:
            status, body = self.threads()
            return (status, {"status": "ok"}) if status == HTTPStatus.OK else (status, {"status": "error", **body})
        url = self.variables().get("BACKEND_URL", "")
        try:
            with urllib.request.urlopen(f"{url}/version", timeout=2):  # noqa: S310 - a loopback address of our own file
                return HTTPStatus.OK, {"status": "ok"}
        except (OSError, ValueError) as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "error", "error": f"the backend does not answer: {error}"}

    def backend(self) -> Answer:
        """The backend itself, which this one process plays too; it can be told to refuse for a while."""
        if "BACKEND_LIMIT" in self.variables():
            return HTTPStatus.TOO_MANY_REQUESTS, {"error": "rate limit exceeded"}
        return HTTPStatus.OK, {"version": "1.0"}

    def answer(self, path: str) -> Answer:
        """The answer of one path below ``/api`` or of the backend."""
        match path:
            case "/api/health":
                return self.health()
            case "/api/csrf":
                return self.csrf()
            case "/api/auth/session":
                return self.session()
            case "/api/db/health":
                return self.database()
            case "/api/threads":
                return self.threads()
            case "/version":
                return self.backend()
            case _:
                return HTTPStatus.NOT_FOUND, {"error": "not found"}


def handler(application: Application) -> type[BaseHTTPRequestHandler]:
    """The request handler of one application."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/":
                problem = application.problem()
                status = HTTPStatus.INTERNAL_SERVER_ERROR if problem else HTTPStatus.OK
                self.send(status, "text/html; charset=utf-8", BROKEN if problem else PAGE)
                return
            status, body = application.answer(path)
            self.send(status, "application/json", json.dumps(body) + "\n")

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            title = sent.decode("utf-8", "replace")
            status, body = application.threads(title) if self.path == "/api/threads" else application.answer("")
            self.send(status, "application/json", json.dumps(body) + "\n")

        def send(self, status: HTTPStatus, content_type: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that is overridden
            """Say nothing: the terminal belongs to the walk."""

    return Handler


def end_with_input(server: ThreadingHTTPServer) -> None:
    """Stop serving when standard input ends."""
    sys.stdin.read()
    server.shutdown()


def main() -> None:
    """Serve until a signal comes; the first line of output is the port."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variables", type=Path, help="the environment file")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--delay", type=float, default=4, help="seconds until a change of the file counts")
    parser.add_argument(
        "--tied", action="store_true", help="end when standard input ends, as it does when a parent dies"
    )
    options = parser.parse_args()
    if options.variables.exists() and "DATABASE_URL" in parse(options.variables.read_text()) and database.needs():
        parser.error(database.NEEDS_PSYCOPG)
    application = Application(options.variables, options.delay)
    with ThreadingHTTPServer(("127.0.0.1", options.port), handler(application)) as server:
        if options.tied:
            threading.Thread(target=end_with_input, args=(server,), daemon=True).start()
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
