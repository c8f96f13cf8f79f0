"""A stand-in for a cloud, on loopback: versions of a secret, revisions of a service, resets that take their time.

It is asked as a real one is: by a program `gcloud`, which passes on what it was called with, and by HTTP. The service
is real in what matters: whichever revision has the traffic logs in to a real PostgreSQL, with the password that it read
when it was made. What it shows is that the runbook does the right things; not that a platform behaves so.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql
from tests.runbooks.loopback import PAGE, Answer, RefusedError, Request, answering
from tests.world.postgres import Postgres

TOKEN = "made-up-token-of-the-operator"
SECRET = "database-password"


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
    hanging_up: bool = False
    """Whether it does what it is asked, and answers nothing."""
    passes: Callable[[], object] = bool
    """What passes until a reset reaches the database; nothing, if nobody says."""

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
        self._resets: list[threading.Thread] = []

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

        def later() -> None:
            project.passes()
            self.set_password(user, password)

        self._resets.append(threading.Thread(target=later))
        self._resets[-1].start()

    def settled(self) -> None:
        """Wait until every reset has reached the database."""
        for reset in self._resets:
            reset.join()

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
        self.look_around()
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

    def health(self, project: Project, asked: str) -> Answer:
        """What the service says of itself; of its database only if it is asked."""
        if "database=1" in asked and not self.logs_in(project.user, project.revisions[project.serving]):
            return 503, {"status": "error", "database": "password authentication failed"}
        return 200, {"status": "ok"}

    def respond(self, asked: Request) -> Answer | None:
        """A page or the health of a service, by its project; or the reset of a password (Cloud SQL Admin API)."""
        self.look_around()
        parts = urlsplit(asked.path)
        if asked.method == "PUT":
            project = self.projects[parts.path.split("/")[3]]
            if asked.authorization != f"Bearer {TOKEN}" or project.refusing:
                return 403, {"error": {"code": 403, "status": "PERMISSION_DENIED"}}
            assert parse_qs(parts.query) == {"name": [project.user]}
            self.reset(project, project.user, asked.body["password"])
            return None if project.hanging_up else (200, {"kind": "sql#operation", "status": "PENDING"})
        _, name, path = parts.path.split("/", 2)
        return self.health(self.projects[name], parts.query) if path == "api/health" else (200, PAGE)


@contextmanager
def standing_in(cloud: Cloud, programs: Path) -> Iterator[str]:
    """The URL of a cloud that answers; `gcloud` is in the directory ``programs``."""
    with answering(cloud.respond, "gcloud", cloud.gcloud, programs) as url:
        yield url
        cloud.settled()
