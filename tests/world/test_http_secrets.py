"""The forms in which a request carries its secrets are known before a server can send them back."""

import base64
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote, quote_plus

import pytest

from runbook.audit.masking import Masker
from runbook.model.io import HttpRequest
from runbook.model.runbook import SecretSource
from runbook.model.secrets import SecretRef, SecretText
from runbook.world.http import HttpClient
from runbook.world.secrets import SecretStore

pytestmark = pytest.mark.reliability
VALUES = {"plain": "hunter2-hunter2", "odd": 'pä ss/w:o"r\\d+&=?%41#x', "big": "UPPER-Case~(1)'|"}
TOKEN = SecretText((SecretRef("token"),))


@pytest.fixture(params=[*VALUES.values()], ids=[*VALUES])
def secret(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture
def masker() -> Masker:
    return Masker()


@pytest.fixture
def client(secret: str, masker: Masker) -> Iterator[HttpClient]:
    """A client whose secret ``token`` is that one, and ``url`` a whole URL of this machine's with it."""
    source = SecretSource(name="token", kind="env", value="TOKEN")
    store = SecretStore({"token": source}, register=masker.register, environ={"TOKEN": secret})
    with closing(HttpClient(value_of=store.value_of, carries=store.carried)) as client:
        yield client


def echoed(client: HttpClient, masker: Masker, request: HttpRequest) -> str:
    """What a server sent back of a request, before it is masked and after."""
    response = client.exchange(request).run()
    raw = response.text + response.url
    masked = masker.mask(raw)[0]
    stream = masker.stream()
    assert (stream.feed(raw.encode()) + stream.flush()).decode() == masked
    assert "[MASKED:token]" in masked
    return masked


def test_d4_basic_authentication_that_a_server_sends_back_is_masked(
    client: HttpClient, masker: Masker, secret: str, service: str
) -> None:
    request = HttpRequest(method="GET", url=f"{service}/echo", auth=("admin", TOKEN))
    assert base64.b64encode(f"admin:{secret}".encode()).decode() not in echoed(client, masker, request)


def test_d4_a_form_that_a_server_sends_back_is_masked(
    client: HttpClient, masker: Masker, secret: str, service: str
) -> None:
    between = SecretText(("in ", SecretRef("token"), " between"))
    request = HttpRequest(method="POST", url=f"{service}/echo", form={"a": "b c", "token": TOKEN, "more": between})
    shown = echoed(client, masker, request)
    assert quote_plus(secret) not in shown
    assert "a=b+c&token=[MASKED:token]&more=in+[MASKED:token]+between" in shown


def test_d4_a_header_and_json_that_a_server_sends_back_are_masked(
    client: HttpClient, masker: Masker, secret: str, service: str
) -> None:
    bearer = SecretText(("Bearer ", SecretRef("token")))
    ascii_only = {"authorization": bearer} if secret.isascii() else {}
    request = HttpRequest(method="POST", url=f"{service}/echo", headers=ascii_only, json={"token": TOKEN})
    shown = echoed(client, masker, request)
    assert secret not in shown
    assert secret.replace("\\", "\\\\").replace('"', '\\"') not in shown


@pytest.mark.parametrize("where", ["path", "query"])
def test_d4_a_url_that_a_server_sends_back_is_masked(
    where: str, client: HttpClient, masker: Masker, secret: str, service: str
) -> None:
    text = SecretText((f"{service}/echo?{'x=' if where == 'query' else ''}", SecretRef("token")))
    shown = echoed(client, masker, HttpRequest(method="GET", url=text))
    for piece in (secret.partition("#")[0], quote(secret.partition("#")[0], safe="/:?=&+'()|~%")):
        assert piece not in shown


def test_d4_the_path_the_user_and_the_password_of_a_url_that_is_a_secret_are_masked(service: str) -> None:
    masker = Masker()
    url = service.replace("http://", "http://ana:pass%20word-7@") + "/echo?hook=T0123456"
    source = SecretSource(name="hook", kind="env", value="HOOK")
    store = SecretStore({"hook": source}, register=masker.register, environ={"HOOK": url})
    with closing(HttpClient(value_of=store.value_of, carries=store.carried)) as client:
        response = client.exchange(HttpRequest(method="GET", url=SecretText((SecretRef("hook"),)))).run()
    assert "Basic " in response.text
    shown = masker.mask(response.text + response.url + "pass word-7")[0]
    for piece in ("T0123456", "word-7", base64.b64encode(b"ana:pass word-7").decode(), "ana:"):
        assert piece not in shown


def test_d4_forms_that_are_too_short_to_be_masked_keep_nothing_from_being_sent(service: str) -> None:
    masker = Masker()
    source = SecretSource(name="host", kind="env", value="HOST")
    store = SecretStore({"host": source}, register=masker.register, environ={"HOST": service})
    with closing(HttpClient(value_of=store.value_of, carries=store.carried)) as client:
        text = SecretText((SecretRef("host"), "/health"))
        assert client.exchange(HttpRequest(method="GET", url=text)).run().status == 200
        assert client.exchange(HttpRequest(method="GET", url=SecretText((SecretRef("host"),)))).run().status == 500
    assert masker.mask("/ and /health")[0] == "/ and /health"
