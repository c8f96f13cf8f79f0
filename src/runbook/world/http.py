"""Sends HTTP requests: one client and one TLS context a run, with a limit on the whole and not on each read.

Rules. Each request runs in a thread of its own, because a name that does not resolve cannot be interrupted; who asked
waits for it no longer than the limit, or until a person stops it. A thread that was given up sends nothing any more:
what was not sent by then never is, so ``NotSent`` is certain. Cookies are not kept, redirects are followed only when
asked, proxies come from the environment. httpx is imported with the first request.
"""

import codecs
import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from runbook.model.io import Cancelled, HttpRequest, HttpResponse, NotSent, WorldError
from runbook.model.secrets import SecretText, Text
from runbook.version import VERSION
from runbook.world import http_errors
from runbook.world.http_secrets import basic, forms
from runbook.world.places import placed

if TYPE_CHECKING:
    import httpx

LIMIT = 30_000
"""Milliseconds for a request unless told otherwise."""
KEPT = 1024 * 1024
"""Bytes of a body that are kept."""

Carries = Callable[[str, str], None]
"""Is told the name of a secret, and a form of it that leaves this machine and may come back."""

_CHUNK = 64 * 1024
_IDLE = 2.0  # seconds a connection is kept: fewer than the 5 s after which common servers drop one
_DAY = 86_400


def _nobody(name: str, form: str) -> None:
    """Tell nobody."""


class HttpClient:
    """The client of a run, for several threads."""

    def __init__(self, *, value_of: Callable[[str], str], carries: Carries = _nobody, directory: str = ".") -> None:
        """Make no connection yet.

        :param value_of: looks up a secret.
        :param carries: is told in what forms a request carries its secrets, before it is sent.
        :param directory: where a relative ``ca_file`` is seen from.
        """
        self._value_of = value_of
        self._carries = carries
        self._directory = directory
        self._clients: dict[str | None, httpx.Client] = {}
        self._lock = threading.Lock()

    def exchange(self, request: HttpRequest, limit: int | None = None) -> "Exchange":
        """Prepare a request and its answer.

        :param limit: milliseconds for all of it; None for 30 s.
        :raises NotSent: if it cannot be sent as it is.
        """
        with self._lock:
            client = self._clients.get(request.ca_file) or self._clients.setdefault(
                request.ca_file, self._client(request.ca_file)
            )
        exchange = Exchange(client, request, self._value_of, LIMIT if limit is None else limit)
        for name, form in forms(request, exchange.url, self._value_of):
            self._carries(name, form)
        return exchange

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()

    def _client(self, ca_file: str | None) -> "httpx.Client":
        import http.cookiejar

        import httpx

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if ca_file is not None:
            try:
                context.load_verify_locations(placed(self._directory, ca_file))
            except (OSError, ssl.SSLError) as error:
                reason = f"the certificates in `{ca_file}` cannot be read: {error.strerror or error}"
                raise NotSent(reason, "name a file of PEM certificates as `ca_file`") from error
        no_cookies = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        return httpx.Client(
            verify=context,
            cookies=no_cookies,
            headers={"User-Agent": f"runbook/{VERSION}", "Accept-Encoding": "identity"},
            limits=httpx.Limits(keepalive_expiry=_IDLE),
        )


class Exchange:
    """One request and its answer."""

    def __init__(
        self, client: "httpx.Client", request: HttpRequest, value_of: Callable[[str], str], limit: int
    ) -> None:
        """Build the request.

        :raises NotSent: if it cannot be sent as it is.
        """
        self._client = client
        self._limit = limit
        self._follow = request.follow_redirects
        self._request = self._built(request, value_of)
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._answer: HttpResponse | None = None
        self._error: Exception | None = None
        self._stream: Any = None  # httpcore's NetworkStream, which httpx hands out untyped
        self._sent = self._gone = False
        self._given_up = False
        self._cancelled = False

    @property
    def url(self) -> "httpx.URL":
        """Where it goes."""
        return self._request.url

    def run(self) -> HttpResponse:
        """Send it and read the answer.

        :raises NotSent: if it surely was not sent.
        :raises TimedOut: if the limit passed after sending.
        :raises Lost: if the connection was lost after sending.
        :raises Cancelled: if a person stopped it.
        """
        threading.Thread(target=self._work, name="http", daemon=True).start()
        self._done.wait(self._limit / 1000)
        with self._lock:
            self._given_up = True
            if self._answer is not None:
                return self._answer
            if self._cancelled:
                how = "its answer was not waited for" if self._sent else "nothing was sent"
                reason: WorldError = Cancelled(f"the request to {self._where()} was stopped; {how}")
            else:
                reason = self._reason()
        self._hang_up()
        raise reason from self._error

    def cancel(self, level: int) -> None:
        """Stop it, from another thread; every level gives it up at once."""
        del level
        self._cancelled = True
        self._done.set()

    def _work(self) -> None:
        try:
            answer = self._exchanged()
        except Exception as error:  # noqa: BLE001 - it is the asking thread's to raise
            with self._lock:
                self._error = error
        else:
            with self._lock:
                self._answer = answer
        self._done.set()

    def _exchanged(self) -> HttpResponse:
        began = time.monotonic()
        response = self._client.send(self._request, stream=True, follow_redirects=self._follow)
        self._stream = response.extensions.get("network_stream")
        days_left = _days_left(self._stream)  # a connection that is not kept is closed with the last byte of the answer
        try:
            kept, size = bytearray(), 0
            for chunk in response.iter_bytes(_CHUNK):
                size += len(chunk)
                kept += chunk[: KEPT - len(kept)]
                if self._given_up:
                    break
            return HttpResponse(
                status=response.status_code,
                headers=dict(response.headers),
                text=_text(bytes(kept), response.charset_encoding, whole=size == len(kept)),
                size=size,
                elapsed_ms=round((time.monotonic() - began) * 1000),
                url=str(response.url),
                tls_days_left=days_left,
                truncated=size > len(kept),
            )
        finally:
            response.close()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from httpcore what it is about to do (its `trace` extension)."""
        if event.endswith("start_tls.started"):
            _trust(info["ssl_context"])
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            with self._lock:
                if self._given_up or self._cancelled:
                    raise _GivenUpError
                self._sent = True
        elif event.endswith("send_request_headers.complete"):
            self._gone = self._sent
        elif event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]

    def _hang_up(self) -> None:
        """Wake a thread that still reads.

        Which kept connection a request took is not known before its answer begins; there the thread's own limit holds.
        """
        connection = None if self._stream is None else self._stream.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _reason(self) -> WorldError:
        if self._error is None:
            return http_errors.too_late(self._where(), self._limit, sent=self._sent)
        return http_errors.explained(self._error, self._where(), self._limit, sent=self._sent, gone=self._gone)

    def _where(self) -> str:
        """Where it goes, without what may hold a secret."""
        return f"{self._request.url.scheme}://{self._request.url.netloc.decode()}"

    def _built(self, request: HttpRequest, value_of: Callable[[str], str]) -> "httpx.Request":
        import httpx

        def plain(text: Text) -> str:
            return text.resolve(value_of) if isinstance(text, SecretText) else text

        headers = {name.lower(): plain(value) for name, value in request.headers.items()}
        content: bytes | None = None
        if request.json is not None:
            content = json.dumps(_plain(request.json, plain), ensure_ascii=False, allow_nan=False).encode()
            headers.setdefault("content-type", "application/json")
        elif request.form is not None:
            content = urlencode({name: plain(value) for name, value in request.form.items()}).encode()
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
        elif request.body is not None:
            content = plain(request.body).encode()
        if request.auth is not None:
            headers["authorization"] = f"Basic {basic(*map(plain, request.auth))}"
        url = plain(request.url)
        http_errors.look_for_line_ends(request.method, url, headers)
        seconds = self._limit / 1000
        try:
            return self._client.build_request(
                request.method,
                httpx.URL(url).copy_merge_params(request.query) if request.query else url,
                headers={name.encode(): value.encode() for name, value in headers.items()},
                content=content,
                extensions={
                    "timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds),
                    "trace": self._trace,
                },
            )
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError) as error:
            reason = "the request cannot be sent as it is"
            raise NotSent(reason, "look at the rendered URL, headers and body") from error


class _GivenUpError(Exception):
    """Keeps a thread that nobody waits for any more from sending."""


def _plain(value: object, plain: Callable[[Text], str]) -> object:
    """A JSON value with its secrets looked up."""
    match value:
        case SecretText():
            return plain(value)
        case list():
            return [_plain(item, plain) for item in value]
        case dict():
            return {name: _plain(item, plain) for name, item in value.items()}
        case _:
            return value


def _trust(context: ssl.SSLContext) -> None:
    """Load what this machine trusts, or else what certifi does, before the first handshake of a context without."""
    if not context.cert_store_stats()["x509"]:
        context.load_default_certs()
    if not context.cert_store_stats()["x509"]:
        import certifi

        context.load_verify_locations(certifi.where())


def _text(data: bytes, charset: str | None, *, whole: bool) -> str:
    """The text of a body; in UTF-8 where the server names what is no encoding of text."""
    try:
        return codecs.getincrementaldecoder(charset or "utf-8")("replace").decode(data, whole)
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError):
        return codecs.getincrementaldecoder("utf-8")("replace").decode(data, whole)


def _days_left(stream: Any) -> int | None:  # noqa: ANN401 - as above
    """Whole days until the certificate of the peer ends; None without TLS."""
    tls = None if stream is None else stream.get_extra_info("ssl_object")
    certificate = None if tls is None else tls.getpeercert()
    if not certificate:
        return None
    return int((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) // _DAY)
