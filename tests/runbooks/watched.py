"""A website that is watched: it serves as it is told to, by TLS, so that each thing can be wrong by itself."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.runbooks.serving import Quiet, serving

SECURE = {
    "Strict-Transport-Security": "max-age=63072000",
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(kw_only=True)
class Site:
    """What it answers: ``seconds`` is how long the front page takes."""

    url: str = ""
    status: int = 200
    database: int = 200
    missing: int = 404
    seconds: float = 0
    page: str = "<!doctype html>\n<html><h1>It works</h1></html>\n" * 10
    headers: dict[str, str] = field(default_factory=lambda: dict(SECURE))

    def answer(self, path: str) -> tuple[int, str]:
        """The status and the body of a path."""
        match path:
            case "/":
                time.sleep(self.seconds)  # a slow page is what is looked for
                return self.status, self.page
            case "/api/health":
                return self.status, json.dumps({"status": "ok" if self.status == 200 else "error"})
            case "/api/db/health":
                return self.database, json.dumps({"status": "ok" if self.database == 200 else "error"})
            case _:
                return self.missing, "nothing here"


@contextmanager
def site(certificate: Path | None = None) -> Iterator[Site]:
    """Serve one on loopback until the end, by TLS if it gets a certificate."""
    told = Site()

    def respond(asked: Quiet) -> None:
        status, text = told.answer(asked.path)
        kind = "text/html" if asked.path == "/" else "application/json"
        asked.send(status, text.encode(), {**told.headers, "Content-Type": kind})

    with serving(respond, certificate) as told.url:
        yield told
