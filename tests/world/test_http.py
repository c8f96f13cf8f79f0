"""HTTP over loopback: what is sent, and what is seen."""

import base64
import json
import socket
import subprocess
import sys

import pytest
from tests.world.service import Send, Service, failure, raw

from runbook.model.io import NotSent
from runbook.model.secrets import SecretRef, SecretText
from runbook.world.http import KEPT

TOKEN = SecretText(("Bearer ", SecretRef("token")))


# What is seen


def test_an_answer_has_status_headers_text_size_and_no_certificate(send: Send, service: str) -> None:
    answer = send(f"{service}/health")
    assert (answer.status, answer.text, answer.size, answer.url) == (200, '{"status":"ok"}', 15, f"{service}/health")
    assert answer.headers["content-length"] == "15"
    assert answer.tls_days_left is None
    assert not answer.truncated


def test_a_5xx_is_an_answer(send: Send, service: str) -> None:
    assert send(f"{service}/nothing").status == 500


def test_a_redirect_is_followed_only_when_asked(send: Send, service: str) -> None:
    assert send(f"{service}/moved").status == 302
    followed = send(f"{service}/moved", follow_redirects=True)
    assert (followed.status, followed.url) == (200, f"{service}/health")


def test_a_large_body_is_cut_and_counted(send: Send, service: str) -> None:
    answer = send(f"{service}/large")
    assert (answer.size, answer.truncated) == (2 * KEPT, True)
    assert answer.text == "ä" * (KEPT // 2)


def test_a_body_is_read_in_its_charset_or_with_replacement(send: Send, service: str) -> None:
    assert send(f"{service}/latin").text == "ä"
    assert send(f"{service}/odd").text == "\ufffd\ufffd"
    assert send(f"{service}/zipped").text == "unzipped"


def test_connections_are_kept_and_cookies_are_not(send: Send, service: str) -> None:
    Service.connections.clear()
    send(f"{service}/cookie")
    assert "cookie" not in json.loads(send(f"{service}/echo").text)["headers"]
    assert len(Service.connections) == 1


# What is sent


def test_secrets_are_put_in_at_the_last_moment(send: Send, service: str) -> None:
    secret = SecretText((SecretRef("token"),))
    echo = f"{service}/echo"
    as_header = json.loads(send(echo, headers={"Authorization": TOKEN}).text)
    assert as_header["headers"]["authorization"] == "Bearer value-of-token"
    as_json = json.loads(send(echo, method="POST", json={"a": [secret, 1, None]}).text)
    assert json.loads(as_json["body"]) == {"a": ["value-of-token", 1, None]}
    assert as_json["headers"]["content-type"] == "application/json"
    as_form = json.loads(send(echo, method="POST", form={"a b": secret, "c": "&="}).text)
    assert as_form["body"] == "a+b=value-of-token&c=%26%3D"
    as_auth = json.loads(send(echo, auth=("ana", secret)).text)
    assert base64.b64decode(as_auth["headers"]["authorization"].removeprefix("Basic ")) == b"ana:value-of-token"
    as_body = json.loads(send(echo, method="PUT", body="plain ä").text)
    assert (as_body["method"], as_body["body"]) == ("PUT", "plain ä")
    in_url = json.loads(send(SecretText((f"{echo}?hook=", SecretRef("token")))).text)
    assert in_url["path"] == "/echo?hook=value-of-token"


def test_parameters_join_those_in_the_url(send: Send, service: str) -> None:
    assert json.loads(send(f"{service}/echo?a=1", query={"b": "2 &"}).text)["path"] == "/echo?a=1&b=2+%26"


@pytest.mark.reliability
@pytest.mark.parametrize(
    "fields",
    [
        {"url": "/a\r\nX-Evil: 1"},
        {"url": "/a\0"},
        {"headers": {"X-Name": "a\r\nX-Evil: 1"}},
        {"headers": {"X-Name": "a\0"}},
        {"headers": {"X-Name": SecretText(("a\n", SecretRef("token")))}},
        {"headers": {"X-Name: 1\r\nX-Evil": "1"}},
        {"headers": {"X Name": "1"}},
        {"method": "GET / HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET"},
    ],
)
def test_f9_a_line_end_or_nul_never_becomes_another_header(send: Send, service: str, fields: dict[str, object]) -> None:
    url = service + str(fields.pop("url", "/echo"))
    assert isinstance(failure(send, url, **fields), NotSent)


@pytest.mark.reliability
def test_f9_what_stands_in_a_parameter_stays_data(send: Send, service: str) -> None:
    value = "\"; rm -rf ~ #$(id)`id`\n'-rf %s&x=1"
    assert json.loads(send(f"{service}/echo", form={"a": value}, method="POST").text)["body"].count("&") == 0


# Proxies, imports


def test_a_proxy_of_the_environment_is_used(send: Send, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", service)
    assert send("http://app.example.com/health").status == 500  # the whole URL is the path at a proxy


def test_a_proxy_that_refuses_a_tunnel_means_not_sent(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with raw(talk) as url:
        monkeypatch.setenv("https_proxy", url)
        error = failure(send, "https://app.example.com/")
    assert isinstance(error, NotSent)
    assert "403" in error.reason


def test_httpx_is_imported_with_the_first_request_and_not_before() -> None:
    source = "import sys, runbook.world.real; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
