"""Says in words what became of a request that has no answer, and whether it surely was not sent.

Rules. ``sent`` decides the class: before the first byte of the request every failure is :class:`NotSent`, after it a
limit that passed is :class:`TimedOut` and everything else :class:`Lost`. A reason names scheme, host and port only,
because the rest of a URL may hold what nobody should read.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping

from runbook.model.durations import spoken
from runbook.model.io import Lost, NotSent, TimedOut, WorldError

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CERTIFICATE = {  # OpenSSL's X509_V_ERR_ codes
    9: ("is not valid yet", "look at the clock of this machine, then at the certificate"),
    10: ("has expired", "renew it on the server"),
    18: ("is self-signed", "name it as `ca_file` if you trust it"),
    19: ("comes from an authority that this machine does not trust", "name the authority's certificate as `ca_file`"),
    20: ("comes from an authority that this machine does not trust", "name the authority's certificate as `ca_file`"),
    21: ("comes without the certificates between it and an authority", "have the server send its whole chain"),
    62: ("is for another name", "look at the name in the URL, and at the names in the certificate"),
    64: ("is for another address", "look at the address in the URL, and at the certificate"),
}


def look_for_line_ends(method: str, url: str, headers: Mapping[str, str]) -> None:
    """Refuse what would make one request into another.

    :raises NotSent: if a CR, LF, NUL or other control character stands where it has no business.
    """
    if not _TOKEN.fullmatch(method):
        raise NotSent(f"{method!r} is no HTTP method", "mend `method`")
    if _CONTROL.search(url) or "\t" in url:
        raise NotSent("the URL holds a control character, such as a line end", "look at the value that is put into it")
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise NotSent(f"{name!r} is no name of a header", "mend `headers`")
        if value != value.strip(" \t"):
            raise NotSent(f"the header `{name}` begins or ends with a space", "look at the value that is put into it")
        if _CONTROL.search(value):
            raise NotSent(
                f"the header `{name}` holds a control character, such as a line end",
                "look at the value that is put into it; a secret from a file may want `strip: newline`",
            )


def too_late(where: str, limit: int, *, sent: bool) -> WorldError:
    """What it means that the limit (milliseconds) has passed."""
    if sent:
        return TimedOut(f"{where} did not answer within {spoken(limit)}", "look at the server, or raise `timeout`")
    return NotSent(
        f"no connection to {where} within {spoken(limit)}",
        "look at the network between here and there: a firewall that drops, a VPN that is down, a slow name server",
    )


def explained(error: Exception, where: str, limit: int, *, sent: bool, gone: bool) -> WorldError:
    """What it means that the client raised this.

    :param sent: whether a request was begun to be sent; ``gone`` whether all headers of one have left.
    """
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return too_late(where, limit, sent=sent)
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.InvalidURL):
        if gone:  # it is the next one, to which the first was redirected
            help_ = "ask the URL by hand, and look at its `Location`"
            return Lost(f"{where} redirects to a place that cannot be asked", help_)
        # What the library says may quote a header, and with it a secret in a form that no mask knows.
        return NotSent("the request cannot be sent as it is", "look at the rendered URL, headers and body")
    if not sent:
        return _unreached(error, where)
    if isinstance(error, httpx.TooManyRedirects):
        return Lost(f"{where} redirects without end", "ask the URL by hand, and look at each `Location`")
    if isinstance(error, httpx.DecodingError):
        return Lost(f"the answer of {where} cannot be unpacked: {error}", "ask the URL by hand")
    if isinstance(error, httpx.RemoteProtocolError):
        return Lost(f"the connection to {where} ended without a whole HTTP answer", "look at the server's log")
    return Lost(f"the connection to {where} was lost before the answer was there", "look at the server's log")


def _unreached(error: Exception, where: str) -> NotSent:
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                said, help_ = _CERTIFICATE.get(
                    cause.verify_code, (f"is not trusted: {cause.verify_message}", "look at the certificate")
                )
                return NotSent(f"TLS with {where} failed: its certificate {said}", help_)
            case ssl.SSLError():
                what = (cause.reason or str(cause)).replace("_", " ").lower()
                return NotSent(f"TLS with {where} failed: {what}", "see that this port speaks TLS, or use http://")
            case socket.gaierror():
                return NotSent(
                    f"the name of {where} does not resolve: {(cause.strerror or str(cause)).lower()}",
                    "look for a misspelt name, then at this machine's name server",
                )
            case ConnectionRefusedError():
                return NotSent(f"{where} refused the connection", "see that the service runs and listens on this port")
            case ConnectionResetError() | BrokenPipeError():
                return NotSent(f"{where} closed the connection before anything was sent", "look at the server's log")
            case OSError() if cause.strerror:
                return NotSent(
                    f"{where} cannot be reached: {cause.strerror.lower()}", "look at the network, the VPN and the route"
                )
    return NotSent(f"{where} cannot be reached: {error}", "look at the network, and at the proxy if there is one")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it came from, the innermost first."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return reversed(chain)
