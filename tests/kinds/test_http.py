"""The kind http, against a real server on loopback."""

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.kinds.http import Http
from runbook.kinds.registry import make
from runbook.model.kind import Verdict
from runbook.model.runbook import Effect, Outcome
from runbook.model.secrets import SecretRef, SecretText
from runbook.world.real import RealIo

TOKEN = SecretText(("Bearer ", SecretRef("token")))


def test_a_json_answer_is_read(io: RealIo, server: str) -> None:
    seen = Http(url=f"{server}/echo", query={"q": "a b&c", "n": "ä"}).perform(io)
    assert seen["status"] == 200
    assert isinstance(seen["body"], dict)
    assert parse_qs(str(seen["body"]["path"]).partition("?")[2]) == {"q": ["a b&c"], "n": ["ä"]}
    assert isinstance(seen["headers"], dict)
    assert seen["headers"]["x-served-by"] == "loopback"
    assert {"text", "elapsed_ms", "size", "url"} <= seen.keys()
    assert "tls" not in seen


def test_an_answer_that_is_no_json_has_no_body(io: RealIo, server: str) -> None:
    seen = Http(url=f"{server}/text").perform(io)
    assert "body" not in seen
    assert seen["text"] == "<html>it works</html>"


def test_headers_form_and_password_arrive_with_their_secrets(io: RealIo, server: str) -> None:
    http = Http(
        url=f"{server}/echo",
        method="POST",
        headers={"X-Token": TOKEN},
        form={"who": "ana", "why": SecretText((SecretRef("token"),))},
        auth={"username": "ana", "password": SecretText((SecretRef("token"),))},
    )
    body = http.perform(io)["body"]
    assert isinstance(body, dict)
    assert body["body"] == "who=ana&why=correct-horse-battery"
    assert isinstance(body["headers"], dict)
    assert body["headers"]["x-token"] == "Bearer correct-horse-battery"
    assert str(body["headers"]["authorization"]).startswith("Basic ")


def test_the_preview_shows_the_exact_request_and_no_secret() -> None:
    http = Http(
        url="https://app.example.com/x?y=1",
        method="PUT",
        query={"z": "2"},
        headers={"Authorization": TOKEN},
        json={"key": SecretText((SecretRef("token"),)), "n": 1},
    )
    preview = http.preview()
    assert preview.line == "PUT https://app.example.com/x?y=1&z=2"
    assert (
        preview.detail
        == """Authorization: Bearer ‹secret token›

{
  "key": "‹secret token›",
  "n": 1
}"""
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (503, "503 Service Unavailable"),
        (404, "404 Not Found"),
        (301, "301 Moved Permanently"),
        (199, "199"),
        (599, "599"),
    ],
)
def test_a_status_outside_of_the_two_hundreds_fails_and_may_have_changed_something(status: int, reason: str) -> None:
    verdict = Http(url="https://app.example.com").judge({"status": status})
    assert verdict == Verdict(outcome=Outcome.FAILED, reason=reason, changed="maybe")


@given(st.integers(200, 299))
def test_a_status_in_the_two_hundreds_passes(status: int) -> None:
    assert Http(url="https://app.example.com").judge({"status": status}).outcome is Outcome.PASSED


@given(st.text() | st.booleans() | st.none() | st.floats())
def test_what_is_no_status_never_passes(status: str | float | None) -> None:
    assert Http(url="https://app.example.com").judge({"status": status}).outcome is Outcome.FAILED


def test_a_redirect_is_an_answer_unless_it_is_followed(io: RealIo, server: str) -> None:
    assert Http(url=f"{server}/moved").perform(io)["status"] == 301
    followed = Http(url=f"{server}/moved", follow_redirects=True).perform(io)
    assert followed["status"] == 200
    assert followed["url"] == f"{server}/text"


def test_reads_are_known_and_all_else_is_said_by_the_file() -> None:
    assert Http.effect_of({"url": "x"}) is Effect.NONE
    assert Http.effect_of({"url": "x", "method": "HEAD"}) is Effect.NONE
    assert Http.effect_of({"url": "x", "method": "POST"}) is None


@pytest.mark.parametrize(
    ("fields", "always"),
    [
        ({"url": "https://app.example.com"}, True),
        ({"url": "${{ environment.base_url }}"}, False),
        ({"url": "https://app.example.com", "follow_redirects": True}, False),
        ({"url": "http://app.example.com"}, None),
    ],
)
def test_days_of_a_certificate_are_there_only_with_https(fields: dict[str, str | bool], always: bool | None) -> None:
    observed = Http.observes(dict(fields)).get("tls.days_left")
    assert (None if observed is None else observed.always) is always


def test_a_number_in_a_header_is_written_out() -> None:
    http = make("http", {"url": "https://app.example.com", "headers": {"X-Page": 3, "X-All": True, "X-Part": 3.0}})
    assert isinstance(http, Http)
    assert http.headers == {"X-Page": "3", "X-All": "true", "X-Part": "3"}
