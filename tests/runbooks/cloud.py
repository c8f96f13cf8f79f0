"""A stand-in for a cloud, on loopback: versions of a secret, revisions of a service, resets that take their time.

It is asked as a real one is: by a program `gcloud`, which passes on what it was called with, and by HTTP. The service
is real in what matters: whichever revision has the traffic logs in to a real PostgreSQL, with the password that it read
when it was made. What it shows is that the runbook does the right things; not that a platform behaves so.
"""

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql
from tests.world.postgres import Postgres

TOKEN = "made-up-token-of-the-operator"
SECRET = "database-password"
_PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
words = {{"argv": sys.argv[1:], "project": os.environ.get("CLOUDSDK_CORE_PROJECT", ""), "stdin": ""}}
if "--data-file=-" in sys.argv:
    words["stdin"] = sys.stdin.buffer.read().decode("latin-1")
body = json.dumps(words).encode()
with socket.create_connection(("127.0.0.1", {port})) as talk:
    talk.sendall(b"POST /gcloud HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    answer = json.loads(talk.makefile("rb").read().partition(b"\\r\\n\\r\\n")[2])
sys.stdout.buffer.write(answer["out"].encode("latin-1"))
sys.stderr.write(answer["err"])
sys.exit(answer["status"])
"""
"""The program `gcloud`: everything is decided where it is passed on to."""


class RefusedError(Exception):
    """The cloud does not do that."""


@dataclass
class Project:
    """One project: the versions of its secret and the revisions of its service, oldest first."""

    name: str
    user: str
    versions: list[bytes] = field(default_factory=list)
    revisions: list[bytes] = field(default_factory=list)
    pinned: int | None = None
    resets: int = 0
    stray: list[bytes] = field(default_factory=list)
    """What the next shells put behind what they write."""
    refusing: bool = False
    delay: float = 0.0

    @property
    def serving(self) -> int:
        """The index of the revision that has the traffic."""
        return len(self.revisions) - 1 if self.pinned is None else self.pinned

    def revision(self, index: int) -> str:
        """The name of a revision."""
        return f"api-{index + 1:05}"

    def deploy(self) -> None:
        """Make a revision; it reads the newest version now, and never again."""
        self.revisions.append(self.versions[-1])


class Cloud:
    """Projects by name, and what was seen of each call."""

    def __init__(self, postgres: Postgres, projects: Sequence[Project]) -> None:
        self.postgres = postgres
        self.projects = {project.name: project for project in projects}
        self.processes: list[bytes] = []
        self.misunderstood: list[object] = []
        self._timers: list[threading.Timer] = []

    def set_password(self, user: str, password: str) -> None:
        """The database takes another password from now on."""
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(user), sql.Literal(password)))

    def logs_in(self, user: str, password: bytes) -> bool:
        """Whether the database lets somebody in."""
        where = {"host": "127.0.0.1", "port": self.postgres.port, "dbname": "app"}
        try:
            psycopg.connect(**where, user=user, password=password.decode(), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            return False
        return True

    def reset(self, project: Project, user: str, password: str) -> None:
        """The database takes it later."""
        project.resets += 1
        timer = threading.Timer(project.delay, self.set_password, (user, password))
        self._timers.append(timer)
        timer.start()

    def settled(self) -> None:
        """Wait until every reset has reached the database."""
        for timer in self._timers:
            timer.join()

    def look_around(self) -> None:
        """Note which programs run with which arguments, as every user of the machine can."""
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.processes.append(entry.read_bytes())
            except OSError:
                continue  # it has just ended

    def gcloud(self, argv: Sequence[str], project: str, stdin: bytes) -> bytes:
        """What the program prints.

        :raises RefusedError: where it would fail.
        """
        words = [word for word in argv if not word.startswith("--")]
        flags = dict(word.removeprefix("--").partition("=")[::2] for word in argv if word.startswith("--"))
        match words:
            case ["auth", "print-access-token"]:
                return TOKEN.encode() + b"\n"
            case ["secrets", "versions", what, name]:
                if name.startswith("projects/"):
                    _, project, _, secret, _, name = name.split("/")
                else:
                    project, secret = flags.get("project", project), flags.get("secret", name)
                if secret != SECRET:
                    raise RefusedError(f"NOT_FOUND: Secret [{secret}] not found")
                return self._secret(self.projects[project], what, name, stdin)
            case ["run", *rest]:
                return self._run(self.projects[flags["project"]], rest, flags)
        raise RefusedError(self._unknown(argv))

    def _secret(self, project: Project, what: str, name: str, stdin: bytes) -> bytes:
        match what:
            case "list":
                number = len(project.versions)
                full = f"projects/{project.name}/secrets/{SECRET}/versions/{number}"
                return json.dumps([{"name": full, "state": "ENABLED"}] if number else []).encode()
            case "access":
                return project.versions[-1 if name == "latest" else int(name) - 1]
            case "add":
                project.versions.append(stdin + (project.stray.pop(0) if project.stray else b""))
                return b""
        raise RefusedError(self._unknown(what))

    def _run(self, project: Project, words: Sequence[str], flags: dict[str, str]) -> bytes:
        match words:
            case ["revisions", "list"]:
                return json.dumps(
                    [
                        {
                            "metadata": {
                                "name": project.revision(index),
                                "creationTimestamp": f"2026-11-21T08:{index:02}:00Z",
                                "annotations": {},
                                "labels": {},
                            },
                            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                        }
                        for index in range(len(project.revisions))
                    ]
                ).encode()
            case ["services", "describe", _]:
                traffic = [{"revisionName": project.revision(project.serving), "percent": 100}]
                return json.dumps({"status": {"traffic": traffic}}).encode()
            case ["services", "update", _] if flags["update-secrets"] == f"DATABASE_SECRET={SECRET}:latest":
                project.deploy()
                return b""
            case ["services", "update-traffic", _]:
                name = flags["to-revisions"].removesuffix("=100")
                project.pinned = [project.revision(n) for n in range(len(project.revisions))].index(name)
                return b""
        raise RefusedError(self._unknown(words))

    def _unknown(self, what: object) -> str:
        self.misunderstood.append(what)
        return f"unrecognized arguments: {what}"

    def health(self, project: Project, asked: str) -> tuple[int, object]:
        """What the service says of itself; of its database only if it is asked."""
        if "database=1" in asked and not self.logs_in(project.user, project.revisions[project.serving]):
            return 503, {"status": "error", "database": "password authentication failed"}
        return 200, {"status": "ok"}


@contextmanager
def standing_in(cloud: Cloud, programs: Path) -> Iterator[str]:
    """The URL of a cloud that answers; `gcloud` is in the directory ``programs``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """A page, or the health of a service; the first part of the path is its project."""
            _, name, path = urlsplit(self.path).path.split("/", 2)
            if path == "api/health":
                self._answer(*cloud.health(cloud.projects[name], urlsplit(self.path).query))
            else:
                self._send(200, b"<!doctype html><html><title>It</title></html>")

        def do_POST(self) -> None:
            """The program `gcloud`."""
            cloud.look_around()
            asked = self._asked()
            answer = {"out": "", "err": "", "status": 0}
            try:
                out = cloud.gcloud(asked["argv"], asked["project"], asked["stdin"].encode("latin-1"))
                answer["out"] = out.decode("latin-1")
            except RefusedError as refused:
                answer |= {"err": f"ERROR: (gcloud) {refused}\n", "status": 1}
            self._answer(200, answer)

        def do_PUT(self) -> None:
            """The reset of a password: users.update of the Cloud SQL Admin API."""
            cloud.look_around()
            parts = urlsplit(self.path)
            project = cloud.projects[parts.path.split("/")[3]]
            asked = self._asked()
            if self.headers["Authorization"] != f"Bearer {TOKEN}" or project.refusing:
                self._answer(403, {"error": {"code": 403, "status": "PERMISSION_DENIED"}})
                return
            assert parse_qs(parts.query) == {"name": [project.user]}
            cloud.reset(project, project.user, asked["password"])
            self._answer(200, {"kind": "sql#operation", "status": "PENDING"})

        def _asked(self) -> dict[str, str]:
            found: dict[str, str] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return found

        def _answer(self, status: int, body: object) -> None:
            self._send(status, json.dumps(body).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the class gives it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        programs.mkdir()
        program = programs / "gcloud"
        program.write_text(_PROGRAM.format(python=sys.executable, port=server.server_port))
        program.chmod(0o755)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        cloud.settled()
        server.shutdown()
        thread.join()
