"""What a request makes of the secrets in it: the other forms in which a server may send them back.

Only what our own requests make is told here. The value itself, and each form as JSON writes it, are the masker's to
know; so a form that stands in JSON, and comes back as a text in other JSON, is told too.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from runbook.model.io import HttpRequest
from runbook.model.secrets import SecretText, Text, secret_names

if TYPE_CHECKING:
    import httpx

_TELLING = 8
"""Characters of the path of a URL that is a secret from which on the path is one too; ``/hook`` stands everywhere."""


def forms(request: HttpRequest, sent_to: "httpx.URL", value_of: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The names of the secrets of a request, each with a form that stands in what is sent.

    :param sent_to: where the request goes, as httpx writes it.
    :param value_of: looks up a secret.
    """

    def plain(text: Text) -> str:
        return text.resolve(value_of) if isinstance(text, SecretText) else text

    for name in sorted(secret_names(request.json)):  # type: ignore[arg-type]  # a JSON value with secrets in it
        yield name, json.dumps(value_of(name), ensure_ascii=False)[1:-1]
    for name in _names((request.form or {}).values()):
        yield name, quote_plus(value_of(name))
    if request.auth is not None:
        user, password = request.auth
        for name in _names((password, user)):
            yield name, basic(plain(user), plain(password))
    if isinstance(request.url, SecretText):
        yield from _of_url(request.url, sent_to, value_of)


def basic(user: str, password: str) -> str:
    """What basic authentication makes of a user and a password (RFC 7617, 2)."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _of_url(url: SecretText, sent_to: "httpx.URL", value_of: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The forms of the secrets in a URL: percent-encoded, as a host is written, and what httpx makes of a user."""
    for name in _names((url,)):
        value = value_of(name)
        yield name, value.lower()
        yield from ((name, form) for form in _percent_encoded(value))
        if sent_to.userinfo:
            yield name, basic(sent_to.username, sent_to.password)
    if len(url.parts) == 1:
        (name,) = url.names()
        yield name, str(sent_to)
        yield name, sent_to.password
        target = sent_to.raw_path.decode("ascii")
        if len(target) > _TELLING:
            yield name, target


def _percent_encoded(value: str) -> Iterator[str]:
    """What httpx writes for it in a path, and in a query."""
    import httpx

    for front in ("http://host/", "http://host/?"):
        try:
            yield str(httpx.URL(front + value)).removeprefix(front)
        except httpx.InvalidURL:
            continue


def _names(texts: Iterable[Text]) -> Iterator[str]:
    """The names of the secrets in some texts, each once."""
    yield from dict.fromkeys(name for text in texts if isinstance(text, SecretText) for name in text.names())
