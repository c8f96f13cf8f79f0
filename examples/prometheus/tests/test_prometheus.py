"""The kind keeps the promises of every kind, and asks a server that answers as Prometheus does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest
from runbook_prometheus import Prometheus

from runbook.model.runbook import Outcome
from runbook.testing import check_kind, performed

ANSWERS = {
    "one": {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "0.05"]}]}},
    "none": {"status": "success", "data": {"resultType": "vector", "result": []}},
    "nan": {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "NaN"]}]}},
    "wrong": {"status": "error", "errorType": "bad_data", "error": "parse error"},
}


class Standin(BaseHTTPRequestHandler):
    """Answers as Prometheus does, by the name of the query."""

    def do_GET(self) -> None:
        """One query."""
        (query,) = parse_qs(urlparse(self.path).query)["query"]
        body = json.dumps(ANSWERS[query]).encode()
        self.send_response(400 if query == "wrong" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where the stand-in is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Standin) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_it_keeps_the_promises_of_a_kind() -> None:
    check_kind(Prometheus)


@pytest.mark.parametrize(
    ("query", "outcome", "reason"),
    [
        ("one", Outcome.PASSED, ""),
        ("none", Outcome.FAILED, "the query yields 0 series, not one"),
        ("nan", Outcome.FAILED, "the value is not a number"),
        ("wrong", Outcome.FAILED, "Prometheus: parse error"),
    ],
)
def test_a_query_passes_when_it_yields_one_number(url: str, query: str, outcome: Outcome, reason: str) -> None:
    kind = Prometheus(url=url, query=query)
    verdict = kind.judge(performed(kind))
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
