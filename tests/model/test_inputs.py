"""Inputs and form fields: a text and JSON come to the same value of the declared type, or are refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.model.canonical import Json
from runbook.model.inputs import CEL_TYPES, accepted, input_of
from runbook.model.runbook import Input

RIGHT: list[tuple[str, Json, Json]] = [
    ("string", "x", "x"),
    ("string", "true", "true"),
    ("integer", 7, 7),
    ("integer", "-7", -7),
    ("integer", "9223372036854775807", 9223372036854775807),
    ("number", 2, 2.0),
    ("number", "2.5", 2.5),
    ("number", "1e3", 1000.0),
    ("boolean", True, True),
    ("boolean", "false", False),
    ("url", "https://app.example.com/x", "https://app.example.com/x"),
    ("duration", "5m", "5m"),
    ("timestamp", "2026-11-21T09:00:00.123Z", "2026-11-21T09:00:00.123Z"),
    ("timestamp", "2026-11-21T09:00:00+01:00", "2026-11-21T09:00:00+01:00"),
    ("list", ["a", 1], ["a", 1]),
    ("list", "a, b", ["a", "b"]),
]
WRONG: list[tuple[str, Json]] = [
    ("string", 7),
    ("string", True),
    ("integer", "7.5"),
    ("integer", 7.5),
    ("integer", True),
    ("integer", "9223372036854775808"),
    ("integer", "٣"),
    ("number", "many"),
    ("number", "1e999"),
    ("number", "nan"),
    ("boolean", "yes"),
    ("boolean", 1),
    ("url", "app.example.com"),
    ("url", "https://a b"),
    ("url", "https://[x"),
    ("duration", "5 minutes"),
    ("duration", 300),
    ("timestamp", "2026-11-21"),
    ("timestamp", "2026-11-21T09:00:00"),
    ("timestamp", "2026-13-21T09:00:00Z"),
    ("list", 7),
]


@pytest.mark.parametrize(("type_", "given_", "value"), RIGHT)
def test_what_has_the_type_is_accepted(type_: str, given_: Json, value: Json) -> None:
    found = accepted(Input(name="it", type=type_), given_)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("type_", "given_"), WRONG)
def test_what_has_another_type_is_refused_without_its_value(type_: str, given_: Json) -> None:
    with pytest.raises(ValueError, match=r"^`it` wants ") as info:
        accepted(Input(name="it", type=type_), given_)
    assert "many" not in str(info.value)


def test_what_is_not_given_has_its_default_or_need_not_be_there() -> None:
    assert accepted(Input(name="it", default="x"), None) == "x"
    assert accepted(Input(name="it", default="x"), "") == "x"
    assert accepted(Input(name="it", required=False), None) is None
    with pytest.raises(ValueError, match="`it` is not given"):
        accepted(Input(name="it"), None)
    with pytest.raises(ValueError, match="`it` wants a whole number"):
        accepted(Input(name="it", type="integer", default="many"), None)


def test_the_whole_text_matches_the_pattern() -> None:
    ticket = Input(name="ticket", pattern="INC-[0-9]+")
    assert accepted(ticket, "INC-7") == "INC-7"
    for wrong in ("INC-", "xINC-7", "INC-7\n"):
        with pytest.raises(ValueError, match=r"`ticket` wants a text that matches INC-\[0-9\]\+"):
            accepted(ticket, wrong)
    with pytest.raises(ValueError, match="is no regular expression"):
        accepted(Input(name="it", pattern="("), "x")


def test_one_of_the_values_that_are_allowed() -> None:
    assert accepted(Input(name="it", type="integer", enum=(1, 2)), "2") == 2
    with pytest.raises(ValueError, match="`it` wants one of 1, 2"):
        accepted(Input(name="it", type="integer", enum=(1, 2)), 3)


def test_an_input_is_read_as_it_is_written() -> None:
    raw: dict[str, Json] = {"type": "list", "prompt": "Which?", "enum": ["a"], "required": False, "secret": True}
    assert input_of("it", raw) == Input(
        name="it", type="list", prompt="Which?", enum=("a",), required=False, secret=True
    )
    assert input_of("it", {}) == Input(name="it")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(CEL_TYPES)), json_values)
def test_any_value_is_accepted_or_refused_and_what_is_accepted_is_accepted_again(type_: str, value: Json) -> None:
    wanted = Input(name="it", type=type_, required=False)
    try:
        found = accepted(wanted, value)
    except ValueError:
        return
    assert found is None or accepted(wanted, found) == found
