"""A small web application for the runbooks to look at: pages by path, what each does, and how often it was asked."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.runbooks.serving import Quiet, serving

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

    def respond(asked: Quiet) -> None:
        found.asked[asked.path] += 1
        page = found.pages.get(asked.path)
        asked.send(404 if page is None else 200, b"" if page is None else page(), found.headers)

    with serving(respond) as found.url:
        yield found
