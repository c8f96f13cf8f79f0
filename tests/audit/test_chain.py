"""A record and its one line."""

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audit.logs import STEP, TS, header, sealed

from runbook.audit.chain import RecordTooLong, encode, parse_line
from runbook.audit.record import NO_RECORD, TYPES, Record
from runbook.audit.strict import LINE_CAP, LineError
from runbook.model.canonical import Json

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**63), 2**63 - 1)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
names = texts.filter(lambda name: name not in {"v", "seq", "prev", "ts", "mono", "type", "h"})


def record(fields: dict[str, Json], type_: str = "step.finished", mono: int = 7) -> Record:
    return encode(seq=3, prev="ab" * 32, ts=TS, mono=mono, type_=type_, fields=fields)


@given(st.dictionaries(names, plain, max_size=6))
def test_what_is_written_is_read_again_and_nothing_else_is_written_for_it(fields: dict[str, Json]) -> None:
    made = record(fields)
    assert parse_line(made.raw) == made
    assert list(parse_line(made.raw).fields) == list(fields)


def test_a_line_has_the_form_that_the_design_fixes() -> None:
    made = encode(seq=0, prev=NO_RECORD, ts=TS, mono=0, type_="run.started", fields={"format": "1.0", "b": 1, "a": 2})
    front = header() + ',"format":"1.0","b":1,"a":2'
    assert made.raw == sealed(front)
    assert made.raw[-72:].startswith(b',"h":"')


def test_sha256sum_computes_the_hash_of_a_line() -> None:
    made = record(dict(STEP))
    done = subprocess.run(["sha256sum"], input=made.raw[:-72], capture_output=True, check=True)
    assert done.stdout.decode().split()[0] == made.h


@pytest.mark.parametrize(
    "fields",
    [
        {"a": 1.5},
        {"a": float("nan")},
        {"a": [2**63]},
        {"a": {"b": -(2**63) - 1}},
        {"a": "\ud800"},
        {"\udfff": 1},
        {"h": "0"},
        {"seq": 1},
        {"a": b"bytes"},
        {"a": {1: 2}},
    ],
)
def test_what_cannot_stand_in_a_log_is_never_written(fields: dict[str, Json]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        record(fields)


def test_a_type_that_nobody_knows_is_never_written() -> None:
    with pytest.raises(ValueError, match=r"step\.finnished"):
        record({}, type_="step.finnished")
    assert record({}, type_="x-example.seen").type == "x-example.seen"


def test_depth_is_bounded_alike_in_writing_and_reading() -> None:
    deep: Json = "x"
    for _ in range(63):
        deep = [deep]
    assert parse_line(record({"a": deep}).raw).fields == {"a": deep}
    with pytest.raises(ValueError, match="deep"):
        record({"a": [deep]})
    for levels in (64, 500, 30_000):
        with pytest.raises(LineError, match="nested deeper"):
            parse_line(sealed(header() + ',"a":' + "[" * levels + "]" * levels))


def test_a_record_is_at_most_64_kib_long() -> None:
    room = LINE_CAP - 1 - len(record({"a": ""}).raw)
    assert len(parse_line(record({"a": "x" * room}).raw).raw) == LINE_CAP - 1
    with pytest.raises(RecordTooLong):
        record({"a": "x" * (room + 1)})
    with pytest.raises(LineError, match="longer than"):
        parse_line(sealed(header() + f',"a":"{"x" * LINE_CAP}"'))


WRONG = {
    "a": (header() + ',"a":1,"a":1', "the key `a` stands in it twice"),
    "nested twin": (header() + ',"a":{"b":1,"b":2}', "the key `b` stands in it twice"),
    "header twin": (header() + ',"seq":0', "the key `seq` stands in it twice"),
    "NaN": (header() + ',"a":NaN', "NaN is not JSON"),
    "infinity": (header() + ',"a":-Infinity', "-Infinity is not JSON"),
    "float": (header() + ',"a":1.0', "1.0 is not a whole number"),
    "exponent": (header() + ',"a":1e3', "1e3 is not a whole number"),
    "2^63": (header() + f',"a":{2**63}', "does not fit into 64 bits"),
    "-2^63-1": (header() + f',"a":{-(2**63) - 1}', "does not fit into 64 bits"),
    "5000 digits": (header() + ',"a":' + "9" * 5000, "does not fit into 64 bits"),
    "lone surrogate": (header() + ',"a":"\\ud800"', "half of a surrogate pair"),
    "lone surrogate in a key": (header() + ',"\\udc00":1', "half of a surrogate pair"),
    "byte outside ASCII": (header() + ',"a":"é"', "is outside ASCII"),
    "space": (header() + ', "a":1', "not written the one way"),
    "escape of an ASCII letter": (header() + ',"a":"\\u0041"', "not written the one way"),
    "escaped slash": (header() + ',"a":"\\/"', "not written the one way"),
    "upper-case escape": (header() + ',"a":"\\u00E9"', "not written the one way"),
    "minus zero": (header() + ',"a":-0', "not written the one way"),
    "leading zero": (header() + ',"a":01', "it is not JSON"),
    "single quotes": (header() + ",'a':1", "it is not JSON"),
    "trailing comma": (header() + ",", "it is not JSON"),
    "two objects": (header() + ',"a":1},{"b":1', "it is not JSON"),
    "control character": (header() + ',"a":"\x01"', "it is not JSON"),
    "key order": (header().replace('"v":1,"seq":0', '"seq":0,"v":1'), "not in their order"),
    "no mono": (header().replace('"mono":0,', ""), "it has no `mono`"),
    "number as text": (header().replace('"seq":0', '"seq":"0"'), "`seq` is not a whole number"),
    "true as number": (header().replace('"mono":0', '"mono":true'), "`mono` is not a whole number"),
    "negative": (header().replace('"mono":0', '"mono":-1'), "`mono` is not a whole number"),
    "version 0": (header().replace('"v":1', '"v":0'), "`v` is not 1"),
    "short prev": (header(prev="0" * 63), "`prev` is not what it must be"),
    "upper-case prev": (header(prev="A" * 64), "`prev` is not what it must be"),
    "local time": (header().replace("123Z", "123+01:00"), "`ts` is not what it must be"),
    "month 13": (header().replace("2026-11", "2026-13"), "`ts` is not what it must be"),
    "unknown type": (header(type_="step.exploded"), "has the type `step.exploded`"),
    "x- without a name": (header(type_="x-"), "has the type `x-`"),
    "list": ("[1", "it is not JSON"),
    "NUL": (header() + ',"a":"\0"', "NUL"),
}


@pytest.mark.reliability
@pytest.mark.parametrize("front", WRONG)
def test_a9_each_way_to_be_no_record_is_refused_with_its_own_words_though_the_hash_fits(front: str) -> None:
    text, words = WRONG[front]
    with pytest.raises(LineError, match=re.escape(words)):
        parse_line(sealed(text))


@pytest.mark.reliability
def test_a9_bytes_that_are_not_even_utf_8_are_refused_too() -> None:
    with pytest.raises(LineError, match="outside ASCII"):
        parse_line(sealed(header().encode() + b',"a":"\xff"'))


@pytest.mark.reliability
def test_a9_numbers_at_the_edge_of_64_bits_are_records() -> None:
    fields: dict[str, Json] = {"a": 2**63 - 1, "b": -(2**63)}
    assert parse_line(record(fields).raw).fields == fields


@pytest.mark.reliability
def test_a10_a_newer_version_is_not_called_tampered_and_a_guest_may_have_types() -> None:
    for line in (sealed(header().replace('"v":1', '"v":2')), b'{"v":2,"what":"ever"}', b'{ "v" : 17 }'):
        with pytest.raises(LineError, match="format version") as caught:
            parse_line(line)
        assert caught.value.code.number == "RB501"
    assert parse_line(sealed(header(type_="x-example.seen"))).type == "x-example.seen"
    for type_ in TYPES:
        assert parse_line(sealed(header(type_=type_))).type == type_


@given(st.binary(max_size=400))
def test_any_bytes_at_all_are_a_record_or_a_complaint(line: bytes) -> None:
    with pytest.raises(LineError):
        parse_line(line)


@given(st.binary(max_size=60), st.data())
def test_any_bytes_inside_a_sealed_line_are_a_record_that_writes_itself_or_a_complaint(
    some: bytes, data: st.DataObject
) -> None:
    front = bytearray(header().encode() + b',"a":[1,"x"]')
    at = data.draw(st.integers(0, len(front)))
    front[at : at + data.draw(st.integers(0, 5))] = some
    line = sealed(bytes(front))
    try:
        found = parse_line(line)
    except LineError:
        return
    again = encode(seq=found.seq, prev=found.prev, ts=found.ts, mono=found.mono, type_=found.type, fields=found.fields)
    assert again.raw == line
