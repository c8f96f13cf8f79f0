"""A small web application for the runbooks to look at: pages by path, what each does, and how often it was asked."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.runbooks.serving import serving
from tests.world.postgres import Postgres

RUNBOOKS = Path(__file__).resolve().parents[2] / "runbooks"
HEALTHY = b'{"status":"ok"}'
PAGE = b"<html><title>Threads</title></html>"


@dataclass(kw_only=True)
class Site:
    """A site that runs. A page is what is called for its body; one that is not there is answered with 404."""

    pages: dict[str, Callable[[], bytes]]
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    url: str = ""


@contextmanager
def site(**headers: str) -> Iterator[Site]:
    """A site that is healthy and has a front page."""
    found = Site(pages={"/api/health": lambda: HEALTHY, "/": lambda: PAGE}, headers=headers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked[self.path] += 1
            page = found.pages.get(self.path)
            body = b"" if page is None else page()
            self.send_response(404 if page is None else 200)
            for name, value in {"Content-Length": str(len(body)), **found.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the class gives it
            """Say nothing."""

    with serving(Handler) as found.url:
        yield found


def copied(name: str, root: Path, site: Site, postgres: Postgres) -> Path:
    """A runbook and its pieces, told where the site and the database of a test are, and to wait for no traffic."""
    (root / "pieces").mkdir()
    for file in [RUNBOOKS / name, *RUNBOOKS.glob("pieces/*.yaml")]:
        text = (
            file.read_text().replace("http://127.0.0.1:8080", site.url).replace("port: 5432", f"port: {postgres.port}")
        )
        (root / file.relative_to(RUNBOOKS)).write_text(
            text.replace("for: ${{ inputs.watch }}", "for: 1ms").replace("delay: 1s", "delay: 10ms")
        )
    return root / name
