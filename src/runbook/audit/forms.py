"""The forms in which a secret may be met: its value as other programs write it, and the pieces of it that are secret.

A form is what one encoding makes of the whole value; encodings that differ only in which characters they escape give
several. What each would leave as it is gives no further form, so a value of letters and digits has few. Base64 is cut
to the characters that the value alone decides, for each of the three places that it can begin at in what is encoded.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote_to_bytes

from runbook.model.canonical import Json

SHORTEST = 4
"""The fewest bytes that are looked for; fewer stand everywhere."""
LONG = 8
"""The fewest characters of a line, or of a text in JSON, that is secret by itself."""
_LARGE = 4096
"""Bytes from which on a value is looked for as itself, and as JSON, URLs, base64 and hexadecimal digits write it."""
_MANY = 12
"""Pieces from which on each is looked for in fewer forms."""
_DEEP = 64

_TELLING = re.compile(r"pass|pwd|secret|token|key|cred|auth|pin\b", re.IGNORECASE)
_ASSIGNED = re.compile(rb"\s*(?:export\s+)?[\w.-]+\s*[=:]\s*(?P<quote>[\"']?)(?P<value>.+?)(?P=quote)\s*")
_URL = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s@:]*:(?P<password>[^\s]*)@[^@]*")
_EVERYWHERE = frozenset(
    {b"service_account", b"postgres", b"postgresql", b"localhost", b"production", b"googleapis.com", b"username"}
)
_PLAIN_URL = re.compile(rb"https?://[\w.-]+(?::\d+)?(?:/[\w./-]*)?")

_IN_URLS = ("", "/", "!'()*", "!'()*;,/?:@&=+$#", "!$&'()*+,;=:@", "!$&'()*+,;=:@/?")
"""Characters that writers of URLs leave as they are: all quoted, a path, and encodeURIComponent, encodeURI (ECMA-262,
19.2.6), a segment and a query (RFC 3986, 3.3 and 3.4)."""
_IN_SCRIPTS = (("<>&", "\\u%04x"), ("<>&'", "\\u%04x"), ("<>&'+\"`", "\\u%04X"), ("/", "\\/"), ("<>&/'", "\\u%04x"))
"""What JSON for the web escapes besides: Go, Rails, .NET, PHP."""
_QUOTES = (('"', "&quot;", "&#34;", "&#x22;"), ("'", "&#39;", "&#x27;", "&apos;", "&#039;"))
_SPECIAL = re.compile(r"[^A-Za-z0-9_@%+=:,./~#\u0080-\U0010ffff-]")
_SPECIAL_TOO = re.compile(r"[^A-Za-z0-9_@%+=:./~#\u0080-\U0010ffff-]")
_NO_WORD = re.compile(r"[^A-Za-z0-9_]")
_CONTROLS = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v"}


def forms(value: bytes) -> list[bytes]:
    """Everything that a value is to be looked for as, the value itself first; each once."""
    text = value.decode("utf-8", "surrogateescape")
    found = dict.fromkeys([value, *map(_bytes, _texts(text, large=len(value) > _LARGE)), *_numbers(value)])
    replaced = value.decode("utf-8", "replace")  # what a decoder makes of it that replaces what it cannot decode
    if replaced != text and len(replaced.replace("\ufffd", "")) >= SHORTEST:
        found |= dict.fromkeys(map(_bytes, (replaced, *_json(replaced))))
    return [form for form in found if len(form) >= SHORTEST]


def pieces(value: bytes) -> list[bytes]:
    """What in a value is secret by itself: long lines, texts in JSON, the password of a URL; without the value."""
    found: dict[bytes, None] = {}
    for password in _passwords(value):
        found[password] = None
    for leaf in _leaves(value):
        found |= dict.fromkeys([leaf, *_passwords(leaf), *_lines(leaf)])
    found |= dict.fromkeys(_lines(value))
    found.pop(value, None)
    return [piece for piece in found if len(piece) >= SHORTEST and piece not in _EVERYWHERE]


def every_form(value: bytes) -> Iterator[bytes]:
    """The forms of a value and of its pieces; of many pieces only those that texts in other texts take."""
    yield from forms(value)
    parts = pieces(value)
    for part in parts:
        yield from forms(part) if len(parts) <= _MANY else (part, *map(_bytes, _json(_text(part))))


# Pieces


def _lines(value: bytes) -> list[bytes]:
    """The long lines of a value that has several, and what they assign."""
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) < 2:
        return []
    assigned = [match["value"] for line in lines if (match := _ASSIGNED.fullmatch(line))]
    return [line for line in (*lines, *assigned) if len(line) >= LONG]


def _leaves(value: bytes) -> Iterator[bytes]:
    """The texts of a value that is JSON."""
    if value.lstrip()[:1] not in {b"{", b"["}:
        return
    try:
        parsed: Json = json.loads(value)
    except (ValueError, RecursionError):
        return
    for key, leaf in _walked(parsed, "", 0):
        data = _bytes(leaf)
        telling = LONG if not _TELLING.search(key) else SHORTEST
        if len(leaf) >= telling and not _PLAIN_URL.fullmatch(data):
            yield data


def _walked(value: Json, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """Every text in JSON, with the key that it stands under."""
    if depth > _DEEP:
        return
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _walked(item, name, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _walked(item, key, depth + 1)


def _passwords(value: bytes) -> Iterator[bytes]:
    """The password of a URL, as it stands there and without its percent signs."""
    if match := _URL.fullmatch(value.strip()):
        yield match["password"]
        yield unquote_to_bytes(match["password"])


# Forms of texts


def _texts(text: str, *, large: bool) -> Iterator[str]:
    """What encodings of texts make of one, and JSON of that where it holds what JSON escapes."""
    yield from _json(text)
    yield from _urls(text)
    if large:
        return
    for form in (*_shells(text), *_sql(text), *_html(text), *_reprs(text), *_letters(text)):
        yield form
        if "\\" in form or '"' in form:
            yield _in_json(form)


def _json(text: str) -> Iterator[str]:
    """As JSON writes it, in JSON, in JSON (RFC 8259, 7)."""
    plain, ascii_ = [text], [text]
    for _ in range(3):
        plain.append(json.dumps(plain[-1], ensure_ascii=False)[1:-1])
        ascii_.append(_in_json(ascii_[-1]))
    yield from plain[1:]
    yield from ascii_[1:]
    for first in (plain[1], ascii_[1]):
        for characters, escape in _IN_SCRIPTS:
            form = first.replace('\\"', "\\u0022") if '"' in characters else first
            for character in characters.replace('"', ""):
                form = form.replace(character, escape % ord(character) if "%" in escape else escape)
            yield form
            yield _in_json(form)
    yield re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), ascii_[1])


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _urls(text: str) -> Iterator[str]:
    """As it stands in a URL or a form, and encoded twice; in both cases of hexadecimal digits."""
    data = _bytes(text)
    made = [quote(data, safe=safe + "~") for safe in _IN_URLS]
    made += [quote(data, safe=safe + "~ ").replace(" ", "+") for safe in _IN_URLS]
    made += [quote(data, safe="").replace("~", "%7E"), quote_plus(data, safe="*").replace("~", "%7E")]
    made += [quote(made[0], safe=""), re.sub("[-._~]", lambda found: f"%{ord(found[0]):02X}", made[0])]
    for form in made:
        yield form
        yield _lower(form)


def _lower(form: str) -> str:
    return re.sub("%(?:25)?[0-9A-F]{2}", lambda found: found[0].lower(), form)


def _html(text: str) -> Iterator[str]:
    """As it stands in HTML or XML, quotes in their usual forms or as they are."""
    first = html.escape(text, quote=False)
    for double in _QUOTES[0]:
        for single in _QUOTES[1]:
            yield first.replace('"', double).replace("'", single)
            yield first.replace('"', double)
            yield first.replace("'", single)
            yield text.replace("&", "&amp;").replace("<", "&lt;").replace('"', double).replace("'", single)
    whole = first.replace('"', "&quot;").replace("'", "&#39;")
    yield first
    yield whole.replace("/", "&#x2F;").replace("`", "&#x60;").replace("=", "&#x3D;")  # mustache
    yield whole.replace("/", "&#47;")
    yield whole.replace("&quot;", "&#34;").replace("+", "&#43;")  # Go
    yield html.escape(text).encode("ascii", "xmlcharrefreplace").decode()


def _shells(text: str) -> Iterator[str]:
    r"""As shells quote it: in single quotes, double quotes, ``$'…'``, and with backslashes (``%q``, ``${x@Q}``)."""
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield re.sub(r"([\"$`\\])", r"\\\1", text)
    yield re.sub(r"([\"$`\\!])", r"\\\1", text)
    for special in (_SPECIAL, _SPECIAL_TOO, _NO_WORD):
        escaped = special.sub(lambda found: "\\" + found[0], text)
        yield escaped
        yield "\\" + escaped if text[:1] in {"~", "#"} and special is not _NO_WORD else escaped
        yield re.sub("([~#])", r"\\\1", escaped) if special is not _NO_WORD else escaped
    for escape in ("\\E", "\\e", "\\033", "\\x1b"):
        quoted = "".join(_CONTROLS.get(character, character) for character in text)
        quoted = quoted.replace("'", "\\'").replace("\x1b", escape)
        yield quoted
        yield re.sub("[\x00-\x1f\x7f]", lambda found: f"\\{ord(found[0]):03o}", quoted)
        yield "".join(chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in _bytes(quoted))


def _sql(text: str) -> Iterator[str]:
    """As SQL and CSV quote it: doubled quotes, with backslashes in PostgreSQL's ``E'…'`` and MySQL."""
    yield text.replace("'", "''")
    yield text.replace('"', '""')
    yield text.replace("\\", "\\\\").replace("'", "''")
    slashed = text.replace("\\", "\\\\").replace("'", "\\'")
    yield slashed
    for form in (slashed, slashed.replace('"', '\\"')):
        yield form.replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0").replace("\x1a", "\\Z")


def _reprs(text: str) -> Iterator[str]:
    """As Python shows a text, its bytes, and both with the other quotes."""
    for shown in (repr(text)[1:-1], ascii(text)[1:-1], repr(_bytes(text))[2:-1]):
        bare = shown.replace("\\'", "'")
        yield shown
        yield bare
        yield bare.replace("'", "\\'")
        yield bare.replace('"', '\\"')


def _letters(text: str) -> Iterator[str]:
    """With every character or byte escaped."""
    data = _bytes(text)
    shapes: tuple[Callable[[int], str], ...] = ("%%%02X".__mod__, "%%%02x".__mod__, "\\x%02x".__mod__)
    shapes += ("\\x%02X".__mod__, "\\%03o".__mod__)
    for shape in shapes:
        yield "".join(map(shape, data))
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[place : place + 2]) for place in range(0, len(units), 2)]
    for shape in ("\\u%04x".__mod__, "\\u%04X".__mod__):
        yield "".join(map(shape, codes))
    for shape in ("&#%d;".__mod__, "&#x%x;".__mod__, "&#x%X;".__mod__):
        yield "".join(shape(ord(character)) for character in text)


# Forms of bytes


def _numbers(value: bytes) -> Iterator[bytes]:
    """In hexadecimal digits, and in base64 wherever it begins there (RFC 4648, 4, 5 and 8)."""
    for separator in (b"", b" ", b":", b"-")[: 4 if len(value) <= _LARGE else 1]:
        digits = value.hex(separator.decode()).encode() if separator else value.hex().encode()
        yield digits
        yield digits.upper()
    yield from _base64(value)
    if value.isascii() and len(value) <= _LARGE:
        yield from _base64(value.decode().encode("utf-16-le"))  # what PowerShell takes for a command


def _base64(value: bytes) -> Iterator[bytes]:
    for before in range(3):
        bits = 8 * (before + len(value))
        whole = base64.b64encode(bytes(before) + value)[-(-8 * before // 6) : bits // 6]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))
        yield whole.replace(b"/", b"\\/")
        for plus, slash in ((b"%2B", b"%2F"), (b"%2b", b"%2f")):
            yield whole.replace(b"+", plus).replace(b"/", slash)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
