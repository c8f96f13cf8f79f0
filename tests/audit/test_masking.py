"""Secrets do not come through, however they arrive."""

import json
import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.audit.masking import Masker, MaskStream
from runbook.model.diagnostics import Refused

pytestmark = pytest.mark.reliability
SECRET = "hunter2/+correct horse"


def masker(**secrets: str | bytes) -> Masker:
    made = Masker()
    for name, value in secrets.items():
        made.register(name, value)
    return made


def streamed(stream: MaskStream, pieces: list[bytes]) -> bytes:
    return b"".join([*map(stream.feed, pieces), stream.flush()])


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def union(secrets: dict[str, str], text: str) -> list[bool]:
    """For each character, whether it belongs to an occurrence of a secret; slow and obvious."""
    covered = [False] * len(text)
    for value in secrets.values():
        for start in range(len(text) - len(value) + 1):
            if text.startswith(value, start):
                covered[start : start + len(value)] = [True] * len(value)
    return covered


def test_d1_a_declared_secret_is_absent_from_texts_and_its_name_is_told() -> None:
    made = masker(admin_token=SECRET, other="other-secret")
    text, names = made.mask(f"GET /?t={SECRET} and other-secret, {SECRET}")
    assert text == "GET /?t=[MASKED:admin_token] and [MASKED:other], [MASKED:admin_token]"
    assert names == ("admin_token", "other")
    assert made.mask("nothing here") == ("nothing here", ())


def test_d1_a_secret_is_masked_in_json_as_json_writes_it() -> None:
    value = 'quo"te\\back\nline\té😀'
    made = masker(odd=value)
    for text in (value, json.dumps({"a": value}), json.dumps({"a": value}, ensure_ascii=False)):
        masked, names = made.mask(text)
        assert names == ("odd",)
        assert "back" not in masked
        assert b"back" not in streamed(made.stream(), [text.encode()])


def test_d2_the_output_is_the_same_cut_at_every_offset_and_byte_by_byte() -> None:
    made = masker(token=SECRET, short="hunt3r")
    data = f"a {SECRET} b hunter hunt3r {SECRET[:-1]} {SECRET}{SECRET} hunt".encode()
    whole = streamed(made.stream(), [data])
    assert SECRET.encode() not in whole
    assert whole.count(b"[MASKED:token]") == 3
    for first in range(len(data) + 1):
        assert streamed(made.stream(), [data[:first], data[first:]]) == whole
    assert streamed(made.stream(), [data[at : at + 1] for at in range(len(data))]) == whole


def test_d2_no_more_is_held_back_than_what_could_begin_a_secret() -> None:
    stream = masker(token=SECRET).stream()
    assert stream.feed(b"loading.\n") == b"loading.\n"
    assert stream.feed(b" h") == b" "
    assert stream.feed(b"unt") == b""
    assert stream.feed(b"ing.\n") == b"hunting.\n"
    assert stream.flush() == b""


@given(
    st.lists(st.text("ab", min_size=4, max_size=9), min_size=1, max_size=4, unique=True),
    st.text("abc", max_size=80),
    st.lists(st.integers(0, 1_000), max_size=12),
)
def test_d7_overlapping_secrets_are_masked_as_their_union_however_they_are_cut(
    values: list[str], text: str, places: list[int]
) -> None:
    secrets = {f"s{number}": value for number, value in enumerate(values)}
    made = masker(**secrets)
    masked, names = made.mask(text)
    left = "".join(letter for letter, hidden in zip(text, union(secrets, text), strict=True) if not hidden)
    shown = masked
    for name in secrets:
        shown = shown.replace(f"[MASKED:{name}]", "")
    assert shown == left
    assert set(names) <= secrets.keys()
    assert bool(names) == (left != text)
    stream = made.stream()
    assert streamed(stream, cut(text.encode(), places)).decode() == masked
    assert stream.names == names


def test_d7_overlaps_and_prefixes_become_one_piece() -> None:
    made = masker(a="abcd", b="cdef")
    assert made.mask("xabcdefx")[0] == "x[MASKED:a][MASKED:b]x"
    assert made.mask("xabcdxcdefx")[0] == "x[MASKED:a]x[MASKED:b]x"
    made = masker(short="abcd", long="abcdef")
    assert made.mask("abcdef abcdx")[0] == "[MASKED:long] [MASKED:short]x"
    assert masker(one="same-value", two="same-value").mask("same-value")[0] == "[MASKED:one]"


@pytest.mark.parametrize("value", ["a" * 40, "ab" * 20, "aab" * 13 + "aa", "a" * 39 + "b"])
def test_d7_a_flood_of_a_secret_that_overlaps_itself_takes_linear_time_and_bounded_memory(value: str) -> None:
    stream = masker(flood=value).stream()
    piece = (value * 4_000)[:65_536].encode()
    before = time.process_time()
    shown = sum(len(stream.feed(piece)) for _ in range(100))
    shown += len(stream.flush())
    assert time.process_time() - before < 5
    assert shown < 6_553_600
    assert len(stream._held) < len(value)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "x[MASKED:token]y",
            ".*+?^$(){}|\\",
            "\\d+\\w*",
            "a\\nb",
            "\\x00\\x01",
            "\0\0\0\0\1",
            "%s%s",
            "{}{}",
        ),
        *("日本語のパスワード", "e\u0301e\u0301", "\ufeff\ufeffab", "\r\n\r\nx", "\udcff\udcfe\udcfd\udcfc"),
    ],
)
def test_d9_odd_characters_are_nothing_but_characters(value: str) -> None:
    made = masker(odd=value)
    masked, names = made.mask(f"<{value}> {value}")
    assert (masked, names) == ("<[MASKED:odd]> [MASKED:odd]", ("odd",))
    data = value.encode("utf-8", "surrogateescape")
    assert streamed(made.stream(), [b"<" + data + b"> ", data[:2], data[2:]]) == b"<[MASKED:odd]> [MASKED:odd]"


def test_d9_bytes_that_are_no_text_are_masked_in_bytes_and_in_what_decoders_make_of_them() -> None:
    value = b"\xff\xfekey-\x80\x81-end"
    made = masker(raw=value)
    assert streamed(made.stream(), [b"a" + value[:3], value[3:] + b"z"]) == b"a[MASKED:raw]z"
    for errors in ("replace", "surrogateescape"):
        assert made.mask("a" + value.decode("utf-8", errors) + "z")[0] == "a[MASKED:raw]z"


def test_d9_a_secret_of_64_kib_is_masked_however_it_is_cut() -> None:
    random_ = random.Random(7)
    value = random_.randbytes(32_768).hex()
    made = masker(big=value)
    data = f"before {value} after {value[:-1]}!".encode()
    wanted = f"before [MASKED:big] after {value[:-1]}!".encode()
    assert streamed(made.stream(), [data]) == wanted
    assert streamed(made.stream(), cut(data, [random_.randrange(len(data)) for _ in range(300)])) == wanted


@pytest.mark.parametrize(
    "value", ["", "a", " ", "{", "dev", "true", "TRUE", "null", "1234", "    ", "\t\n \n", "[MASKED:"]
)
def test_d6_a_secret_that_stands_everywhere_is_refused_and_nothing_is_masked_for_it(value: str) -> None:
    made = Masker()
    name = "odd" if value != "[MASKED:" else "x"
    with pytest.raises(Refused) as caught:
        made.register(name, value)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code.number, bool(diagnostic.help)) == ("RB545", True)
    assert value not in diagnostic.message or len(value) < 2
    assert made.mask("a true {1234} dev null")[1] == ()


def test_d14_a_secret_registered_while_a_stream_is_open_is_masked_from_its_first_byte_on() -> None:
    made = Masker()
    stream = made.stream()
    assert stream.feed(b"new token: ") == b"new token: "
    made.register("saved", "brand-new-value")
    assert streamed(stream, [b"brand-", b"new-value\n"]) == b"[MASKED:saved]\n"


def test_d14_a_new_value_of_a_name_is_masked_and_the_old_one_still_is() -> None:
    made = masker(token="old-value")
    made.register("token", "new-value")
    assert made.mask("old-value new-value")[0] == "[MASKED:token] [MASKED:token]"
