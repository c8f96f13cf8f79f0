"""A secret does not come through in another form, in pieces, or with things in between that nobody sees."""

import base64
import html
import json
import random
import shlex
import subprocess
import textwrap
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote, quote_plus, urlencode

import pytest

from runbook.audit.masking import Masker

pytestmark = pytest.mark.reliability
PLAIN = "hunter2-correct-horse"
ODD = "p@ss'w0rd\"/+ <&$x\\y%zé"
SECRETS = [PLAIN, ODD, "tab\tand space=+/", "日本語のパスワード", "#begins`odd`"]


def masker(**secrets: str | bytes) -> Masker:
    made = Masker()
    for name, value in secrets.items():
        made.register(name, value)
    return made


def masked(made: Masker, data: bytes, places: tuple[int, ...] = ()) -> bytes:
    stream = made.stream()
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return b"".join([*(stream.feed(data[start:end]) for start, end in pairwise(edges)), stream.flush()])


def invariant(made: Masker, data: bytes) -> bytes:
    """The masked data, which is the same cut anywhere, and byte by byte."""
    whole = masked(made, data)
    for at in range(1, len(data)):
        assert masked(made, data, (at,)) == whole, at
    assert masked(made, data, tuple(range(len(data)))) == whole
    return whole


def bash(script: str, secret: str) -> str:
    done = subprocess.run(
        ["bash", "-c", script, "bash", secret], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    return (done.stdout + done.stderr).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "JSON": json.dumps,
    "JSON, not ASCII": lambda secret: json.dumps(secret, ensure_ascii=False),
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"a": secret})),
    "JSON in JSON in JSON": lambda secret: json.dumps(json.dumps(json.dumps([secret]))),
    "JSON of Go": lambda secret: json.dumps(secret).replace("<", "\\u003c").replace("&", "\\u0026"),
    "JSON of PHP": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "URL": lambda secret: quote(secret, safe=""),
    "URL, path": quote,
    "URL, lower case": lambda secret: "".join(
        f"%{byte:02x}" if byte > 127 or not chr(byte).isalnum() else chr(byte) for byte in secret.encode()
    ),
    "form": quote_plus,
    "query": lambda secret: urlencode({"q": secret}),
    "encodeURIComponent": lambda secret: quote(secret, safe="!'()*~"),
    "encodeURI": lambda secret: quote(secret, safe="!'()*~;,/?:@&=+$#"),
    "URL twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "every byte of a URL": lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    "HTML": html.escape,
    "HTML, no quotes": lambda secret: html.escape(secret, quote=False),
    "HTML, &#39;": lambda secret: html.escape(secret).replace("&#x27;", "&#39;"),
    "HTML, &apos; and &#34;": lambda secret: html.escape(secret).replace("&#x27;", "&apos;").replace("&quot;", "&#34;"),
    "HTML, numbers": lambda secret: "".join(f"&#{ord(character)};" for character in secret),
    "shlex": shlex.quote,
    "set -x": lambda secret: bash('set -x; : "$1"', secret),
    "%q": lambda secret: bash('printf %q "$1"', secret),
    "@Q": lambda secret: bash('printf %s "${1@Q}"', secret),
    "declare -p": lambda secret: bash("x=$1; declare -p x", secret),
    "JSON of set -x": lambda secret: json.dumps(bash('set -x; : "$1"', secret)),
    "SQL": lambda secret: "'" + secret.replace("'", "''") + "'",
    "SQL, E": lambda secret: "E'" + secret.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "CSV": lambda secret: '"' + secret.replace('"', '""') + '"',
    "repr": repr,
    "ascii": ascii,
    "repr of bytes": lambda secret: repr(secret.encode()),
    "repr in a list": lambda secret: repr([secret, "it's"]),
    "JSON of repr": lambda secret: json.dumps(repr(secret)),
    "hex": lambda secret: secret.encode().hex(),
    "HEX": lambda secret: secret.encode().hex().upper(),
    "hex with colons": lambda secret: secret.encode().hex(":"),
    "\\x": lambda secret: "".join(f"\\x{byte:02x}" for byte in secret.encode()),
    "\\u": lambda secret: "".join(f"\\u{ord(character):04x}" for character in secret),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS)
def test_d4_a_secret_is_masked_in_every_form_that_programs_write(secret: str, form: str) -> None:
    made = masker(token=secret)
    text = FORMS[form](secret)
    shown, names = made.mask(f"before {text} after")
    assert names == ("token",)
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    left = shown.replace("[MASKED:token]", "")
    assert len(left) < len("before  after") + 25
    data = f"before {text} after".encode()
    assert masked(made, data, (9, 11, 17)) == masked(made, data)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "user2:"])
@pytest.mark.parametrize("after", ["", "\n", "tail"])
def test_d3_base64_is_masked_wherever_the_secret_begins(secret: str, before: str, after: str) -> None:
    made = masker(token=secret)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{before}{secret}{after}".encode())
        shown = masked(made, b"Basic " + text + b"!")
        assert b"[MASKED:token]" in shown
        around = len(base64.b64encode(before.encode())) + len(base64.b64encode(after.encode()))
        assert len(shown.replace(b"[MASKED:token]", b"")) <= len(b"Basic !") + around + 4


@pytest.mark.parametrize("width", [60, 64, 76])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n    ", "\\n"])
@pytest.mark.parametrize("before", [0, 31, 50])
def test_d3_wrapped_base64_and_digits_are_masked_across_their_lines(width: int, end: str, before: int) -> None:
    random_ = random.Random(before)
    made = masker(token=ODD)
    data = random_.randbytes(before) + ODD.encode() + random_.randbytes(60)
    for text in (base64.b64encode(data).decode(), data.hex()):
        wrapped = end.join(textwrap.wrap(text, width)).encode()
        shown = masked(made, wrapped)
        assert shown.count(b"[MASKED:token]") == 1
        size = len(masked(made, text.encode()))
        assert len(shown.replace(end.encode(), b"")) == size
        assert masked(made, wrapped, tuple(range(len(wrapped)))) == shown
        assert all(masked(made, wrapped, (at,)) == shown for at in range(0, len(wrapped), 7))


PEM = "\n".join(
    ["-----BEGIN PRIVATE KEY-----", *textwrap.wrap("MIIEvQ" + "aB3/x+9Zq7" * 30, 64), "-----END PRIVATE KEY-----"]
)


@pytest.mark.parametrize(
    "print_",
    [
        lambda text: text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: textwrap.indent(text, "    "),
        lambda text: textwrap.indent(text, "web-1 | "),
        lambda text: text.splitlines()[3],
        json.dumps,
        lambda text: text.replace("\n", ""),
    ],
)
def test_d5_each_long_line_of_a_secret_is_masked(print_: Callable[[str], str]) -> None:
    made = masker(key=PEM)
    data = print_(PEM).encode()
    shown = masked(made, data)
    assert not [line for line in PEM.splitlines() if line.encode() in shown]
    assert b"aB3/x" not in shown
    assert masked(made, data, tuple(range(len(data)))) == shown


def test_d5_texts_in_json_passwords_of_urls_and_assigned_values_are_secret_by_themselves() -> None:
    document = json.dumps({"user": "service-7", "deep": [{"password": "p4ss"}, "a-long-text"], "port": 5432})
    made = masker(document=document)
    for piece in ("service-7", "p4ss", "a-long-text"):
        assert made.mask(f"<{piece}>")[0] == "<[MASKED:document]>"
    assert made.mask("port 5432")[1] == ()
    made = masker(database="postgresql://app:s3cr%40t/!x@db.example.com:5432/orders?sslmode=require")
    for piece in ("s3cr%40t/!x", "s3cr@t/!x"):
        assert made.mask(f"<{piece}>")[0] == "<[MASKED:database]>"
    made = masker(file="export A_TOKEN='first-value'\nOTHER=second-value\n")
    assert made.mask("first-value second-value")[0] == "[MASKED:file] [MASKED:file]"


NOISE = {
    "a colour": "\x1b[0m",
    "a long colour": "\x1b[38;2;10;20;30m",
    "tput sgr0": "\x1b(B\x1b[m",
    "a title": "\x1b]0;title\x07",
    "a link": "\x1b]8;;https://example.com\x1b\\",
    "a carriage return": "\r",
    "a backspace": "\b",
    "something erased": "X\b",
    "something wide erased": "é\b",
    "NULs": "\0\0",
    "no width": "\u200b",
    "a joiner": "\u200d\u2060",
    "a soft hyphen": "\u00ad",
    "an override": "\u202e",
    "a BOM": "\ufeff",
    "a C1 control": "\u0085",
    "a lone ESC": "\x1b",
    "no width, as JSON writes it": "\\u200B",
    "no width, in JSON in JSON": "\\\\u200b",
    "no width, in JSON in JSON in JSON": "\\\\\\\\u200b",
    "a colour, as JSON writes it": "\\u001b[1;31m",
    "NULs, as JSON writes them": "\\u0000\\u0000",
}


@pytest.mark.parametrize("noise", NOISE)
def test_d8_a_secret_with_something_invisible_in_it_is_masked(noise: str) -> None:
    made = masker(token=PLAIN)
    for inner in (noise_between(PLAIN, NOISE[noise], 1), noise_between(PLAIN, NOISE[noise], 7)):
        data = f"a {inner} b {PLAIN}".encode()
        assert invariant(made, data) == b"a [MASKED:token] b [MASKED:token]"
        assert made.mask(data.decode()) == ("a [MASKED:token] b [MASKED:token]", ("token",))


def noise_between(text: str, noise: str, every: int) -> str:
    return noise.join(text[at : at + every] for at in range(0, len(text), every))


def test_d8_bold_by_overstriking_is_masked() -> None:
    made = masker(token=PLAIN)
    assert b"[MASKED:token]" in invariant(made, "".join(f"{letter}\b{letter}" for letter in PLAIN).encode())


@pytest.mark.parametrize("seed", range(4))
def test_d2_whatever_comes_is_masked_alike_however_it_is_cut(seed: int) -> None:
    random_ = random.Random(seed)
    made = masker(token=PLAIN, odd=ODD, short="hunt3r")
    encoded = base64.b64encode(f"user:{PLAIN}".encode()).decode()
    some = [
        *(
            PLAIN,
            ODD,
            json.dumps(ODD),
            encoded,
            PLAIN[:9],
            "\x1b[1m",
            "\x1b[",
            "\r\n",
            "\n",
            " ",
            "X\b",
            "\0",
            "é",
            "\u200b",
        ),
        *("postgresql://u:p4ss@h/db", "PGPASSWORD=x1y2z3", "curl -u a:b1c2", "-----BEGIN PRIVATE KEY-----\n", "eyJ"),
        *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "Authorization: Bearer ", "A" * 40, "://", "hunt"),
    ]
    data = "".join(random_.choice(some) for _ in range(120)).encode()
    whole = masked(made, data)
    assert masked(made, data, tuple(range(len(data)))) == whole
    for _ in range(20):
        assert masked(made, data, tuple(random_.randrange(len(data)) for _ in range(random_.randrange(1, 30)))) == whole


def test_d7_many_secrets_in_much_output_take_bounded_memory() -> None:
    made = masker(**{f"s{number}": f"value-{number}-{'x' * number}" for number in range(20)})
    stream = made.stream()
    for _ in range(200):
        stream.feed(b"value-3-xxx \x1b[1mvalue-7\x1b[0m-xxxxxxx " * 20)
        assert len(stream._held) < 2_000


def test_d6_no_form_of_a_short_secret_covers_innocent_text() -> None:
    made = masker(weak="dev1", other="prod")
    benign = "devices: 12, product 7, develop, deviation; provider=dev; ---"
    assert made.mask(benign.replace("product", "p"))[1] == ()
