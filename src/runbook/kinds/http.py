"""The kind ``http``: one request."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from runbook.kinds.showing import settings, shown, shown_json
from runbook.kinds.strict_json import parsed
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Automated, Observed, Preview, Traits, Verdict
from runbook.model.runbook import Effect, Outcome
from runbook.model.secrets import Resolved, Text

if TYPE_CHECKING:
    from runbook.model.io import Io

_READS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Http(Automated):
    """One HTTP request, and what came back.

    Use it to ask a health endpoint, to read an API, or to call one that changes something. GET and HEAD are reads;
    for every other method the file says the ``effect``. The step passes on a status from 200 to 299, unless its
    ``expect`` speaks of ``status`` itself. Redirects are answers like any other unless ``follow_redirects`` is true.

    ``body`` is the answer read as JSON; where the answer is no JSON it is not set, and an expression that reads it
    fails and says so. Header names are in lower case. A secret belongs into ``headers``, ``auth``, ``json`` or
    ``form``, never into the URL: URLs end up in the logs of every machine on the way.

    For example::

        kind: http
        url: ${{ environment.base_url }}/api/health
        expect: status == 200 && body.status == "ok"
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, Text] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    json: Resolved = None
    form: Mapping[str, Text] | None = None
    body: str | None = None
    auth: Mapping[str, Text] | None = None
    follow_redirects: bool = False
    ca_file: str | None = None

    NAME: ClassVar[str] = "http"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["url"],
        url=fragments.text("Where the request goes.", examples=["https://app.example.com/api/health"]),
        method=fragments.enumeration(
            "The method; with every one but GET and HEAD the step says its effect.",
            *_READS,
            *("POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
            default="GET",
        ),
        headers=fragments.mapping_of_text("Headers to send.", names="^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
        query=fragments.mapping_of_text("Parameters to add to the URL; they are encoded."),
        json=fragments.anything("A body to send as JSON."),
        form=fragments.mapping_of_text("A body to send as the fields of a form."),
        body=fragments.text("A body to send as it is."),
        auth=fragments.closed(
            "A name and a password (Basic).",
            ["username", "password"],
            username=fragments.text("The name."),
            password=fragments.text("The password."),
        ),
        follow_redirects=fragments.boolean("Whether a redirect is followed.", default=False),
        ca_file=fragments.text("A file with the certificates to trust, in place of the machine's own."),
    )
    TRAITS: ClassVar[Traits] = Traits(
        effect=None,
        secrets=frozenset({"headers", "auth", "json", "form"}),
        timeout=30_000,
        at_most_one=(("json", "form", "body"),),
    )
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "status": Observed(type="int", text="The status of the answer."),
        "headers": Observed(type="map<string,string>", text="Its headers, their names in lower case."),
        "body": Observed(
            type="dyn",
            text="Its body read as JSON; not set where it is none.",
            unset="the answer is not JSON; look at its text, and whether the URL is the right one",
        ),
        "text": Observed(type="string", text="Its body as text."),
        "elapsed_ms": Observed(type="int", text="Milliseconds until the answer was there."),
        "size": Observed(type="int", text="Bytes of the body."),
        "url": Observed(type="string", text="Where the answer came from, after redirects."),
        "tls.days_left": Observed(type="int", text="Days until the certificate ends; with https only.", always=False),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "check_health",
            "title": "Ask the health endpoint",
            "kind": "http",
            "url": "https://app.example.com/api/health",
            "expect": 'status == 200 && body.status == "ok"',
        },
        {
            "id": "clear_cache",
            "title": "Clear the cache",
            "kind": "http",
            "effect": "change",
            "undo": "none",
            "because": "the cache fills itself",
            "method": "POST",
            "url": "https://app.example.com/api/cache/clear",
            "headers": {"Authorization": "Bearer ${{ secrets.admin_token }}"},
            "json": {"scope": "all"},
        },
    )

    @classmethod
    def observes(cls, fields: Mapping[str, Json]) -> Mapping[str, Observed]:
        """The same for every step, but for what only a certificate tells: sure with https, never there with http."""
        url = str(fields.get("url", "")).lower()
        name = "tls.days_left"
        if url.startswith("http://") and not fields.get("follow_redirects"):
            return {key: value for key, value in cls.OBSERVES.items() if key != name}
        if url.startswith("https://") and not fields.get("follow_redirects"):
            return {**cls.OBSERVES, name: Observed(type="int", text=cls.OBSERVES[name].text)}
        return cls.OBSERVES

    @classmethod
    def effect_of(cls, fields: Mapping[str, Json]) -> Effect | None:
        """GET and HEAD are reads; of every other method the file says what it does."""
        return Effect.NONE if fields.get("method", "GET") in _READS else None

    def preview(self) -> Preview:
        """The method and the URL; below them headers and body."""
        lines = settings(self.headers, ": ")
        if self.auth is not None:
            lines.append(
                f"with the name {shown(self.auth['username'])} and the password {shown(self.auth['password'])}"
            )
        if self.json is not None:
            lines += ["", shown_json(self.json)]
        elif self.form is not None:
            lines += ["", *settings(self.form, "=")]
        elif self.body is not None:
            lines += ["", self.body]
        return Preview(line=f"{self.method} {self._target()}", detail="\n".join(lines).lstrip("\n"))

    def perform(self, io: "Io") -> JsonObject:
        """Send the request and read the answer."""
        from runbook.model.io import HttpRequest  # not for a checker

        response = io.http(
            HttpRequest(
                method=self.method,
                url=self._target(),
                headers=self.headers,
                json=self.json,
                form=self.form,
                body=self.body,
                auth=None if self.auth is None else (self.auth["username"], self.auth["password"]),
                follow_redirects=self.follow_redirects,
                ca_file=self.ca_file,
            )
        )
        observation: JsonObject = {
            "status": response.status,
            "headers": {name.lower(): value for name, value in response.headers.items()},
            "text": response.text,
            "elapsed_ms": response.elapsed_ms,
            "size": response.size,
            "url": response.url,
        }
        with suppress(ValueError):
            observation["body"] = parsed(response.text)
        if response.tls_days_left is not None:
            observation["tls"] = {"days_left": response.tls_days_left}
        return observation

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """A status from 200 to 299 passes. After any other one nobody knows whether a change has happened."""
        status = observation["status"]
        if isinstance(status, int) and 200 <= status < 300:
            return Verdict(outcome=Outcome.PASSED, changed="yes")
        return Verdict(outcome=Outcome.FAILED, reason=status_line(status), changed="maybe")

    def _target(self) -> str:
        """The URL with the parameters of the query in it."""
        if not self.query:
            return self.url
        from urllib.parse import quote, urlencode

        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(self.query, quote_via=quote)}"


def status_line(status: Json) -> str:
    """A status as a person reads it: ``503 Service Unavailable``."""
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}" if isinstance(status, int) else f"no status: {status}"
    except ValueError:
        return str(status)
