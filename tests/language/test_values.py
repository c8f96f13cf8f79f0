"""Only JSON of the declared type goes into an expression, and every value that may stand in text has one text."""

import datetime as dt
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.language.values import (
    Unfit,
    admit,
    conforms,
    duration_of,
    duration_text,
    spoken,
    text_of,
    time_of,
    time_text,
)
from runbook.model.canonical import Json
from runbook.model.durations import milliseconds


@pytest.mark.parametrize(
    ("value", "type_", "admitted"),
    [
        (3, "int", 3),
        (3, "double", 3.0),
        (3.0, "dyn", 3.0),
        (2**63, "dyn", 2.0**63),
        (-(2**63), "int", -(2**63)),
        (10**400, "dyn", math.inf),
        (True, "bool", True),
        (None, "dyn", None),
        ("é😀", "string", "é😀"),
        (["a"], "list<string>", ["a"]),
        ({"k": [1, None]}, "map<string,dyn>", {"k": [1, None]}),
        ({"k": {"a": "b"}}, "map<string,map<string,string>>", {"k": {"a": "b"}}),
        ("90m", "duration", dt.timedelta(minutes=90)),
        ("-1.5s", "duration", dt.timedelta(seconds=-1.5)),
        ("2026-11-21t09:00:00.5z", "timestamp", dt.datetime(2026, 11, 21, 9, 0, 0, 500_000, dt.UTC)),
    ],
)
def test_json_of_the_declared_type_is_admitted(value: Json, type_: str, admitted: object) -> None:
    result = admit(value, type_)
    assert result == admitted
    assert type(result) is type(admitted)


@pytest.mark.parametrize(
    ("value", "type_", "said"),
    [
        (True, "int", "is true or false, where a whole number is declared"),
        (1, "bool", "is a whole number, where true or false is declared"),
        (2.0, "int", "is a decimal number, where a whole number is declared"),
        (2**63, "int", "is a whole number beyond 64 bits"),
        (None, "string", "is null, where text is declared"),
        ("a\0b", "string", "holds a NUL character, behind which the rest of the text would be lost"),
        ({"a\0b": 1}, "dyn", "holds a NUL character, behind which the rest of the text would be lost"),
        ([1], "list<string>", "is a whole number, where text is declared"),
        ({1: 2}, "dyn", "has a whole number for a key"),
        (b"x", "dyn", "is a Python bytes, where any value is declared"),
        ((1, 2), "dyn", "is a Python tuple, where any value is declared"),
        (Decimal(1), "dyn", "is a Python Decimal, where any value is declared"),
        ("\ud800", "string", "holds half a character (a lone surrogate), which is not valid Unicode"),
        ({"\udfff": 1}, "dyn", "holds half a character (a lone surrogate), which is not valid Unicode"),
        ("2026-11-21T09:00:00", "timestamp", "is not a time with a zone, such as 2026-11-21T09:00:00Z"),
        ("2026-02-30T09:00:00Z", "timestamp", "is not a time that the calendar has"),
        ("tomorrow", "timestamp", "is not a time, such as 2026-11-21T09:00:00Z"),
        (dt.datetime(2026, 1, 1), "dyn", "is a Python datetime, where any value is declared"),  # noqa: DTZ001 - the trap
        ("an hour", "duration", "is not a duration, such as 90s, 15m or 2h"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(value: object, type_: str, said: str) -> None:
    with pytest.raises(Unfit) as raised:
        admit(value, type_)
    assert str(raised.value) == said


def test_a_long_list_is_refused_only_where_its_length_is_bounded() -> None:
    assert len(str(admit([0] * 5_000, "list<int>"))) > 5_000
    with pytest.raises(Unfit, match="has 5000 elements, and `map` and `filter` take at most 2000"):
        admit([0] * 5_000, "list<int>", 2_000)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (100_000_000.0, "100000000"),
        (1e15, "1000000000000000.0"),
        (1e21, "1e+21"),
    ],
)
def test_numbers_and_truth_values_are_written_out(value: Json, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [None, [], {}, [1], {"a": 1}])
def test_null_lists_and_maps_have_no_text(value: Json) -> None:
    with pytest.raises(Unfit, match="which cannot stand inside text"):
        text_of(value)


@given(st.timedeltas(dt.timedelta(days=-10_000), dt.timedelta(days=10_000)))
def test_a_duration_says_the_same_after_its_text(duration: dt.timedelta) -> None:
    assert abs(duration_of(duration_text(duration)) - duration) <= dt.timedelta(microseconds=1)


@given(st.integers(0, 999_999_999).map(lambda millis: dt.timedelta(milliseconds=millis)))
def test_a_duration_of_an_expression_is_read_where_a_runbook_wants_one(duration: dt.timedelta) -> None:
    assert dt.timedelta(milliseconds=milliseconds(duration_text(duration))) == duration


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_a_time_says_the_same_after_its_text(time: dt.datetime) -> None:
    assert time_of(time_text(time)) == time


def test_types_are_said_as_a_person_says_them() -> None:
    assert spoken("list<string>") == spoken("list(string)") == "a list of text"
    assert spoken("list<int>") == "a list of whole numbers"
    assert spoken("list<dyn>") == "a list"
    assert spoken("map<string,dyn>") == "a map"
    assert spoken("google.protobuf.Timestamp") == "a time"


@pytest.mark.parametrize(
    ("value", "type_", "yes"),
    [
        (True, "bool", True),
        (1, "bool", False),
        (True, "int", False),
        (1, "double", False),
        (["a", 1], "list<string>", False),
        ({"a": "b"}, "map<string,string>", True),
        (None, "string", False),
        (None, "dyn", True),
        ("5s", "duration", True),
    ],
)
def test_a_result_is_of_the_wanted_type_or_it_is_none(value: Json, type_: str, *, yes: bool) -> None:
    assert conforms(value, type_) is yes
