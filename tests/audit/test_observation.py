"""An observation is safe, masked, capped and canonical, whatever a kind returns."""

import json
import math
import random
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audit.logs import TS

from runbook.audit.chain import encode, parse_line
from runbook.audit.masking import Masker
from runbook.audit.observation import CAP, PATHS_CAP, Observation, observe
from runbook.audit.record import NO_RECORD
from runbook.model.canonical import Json, canonical

pytestmark = pytest.mark.reliability
SECRET = "hunter2-correct"


def observed(raw: Mapping[str, object], **secrets: str) -> Observation:
    masker = Masker()
    for name, value in secrets.items():
        masker.register(name, value)
    seen = observe(raw, masker)
    assert seen.text == canonical(seen.value)
    assert json.loads(seen.text) == seen.value
    assert len(seen.text) <= CAP
    fields: dict[str, Json] = {"obs": seen.text, "masked": [*seen.masked], "truncated": [*seen.truncated]}
    made = encode(seq=0, prev=NO_RECORD, ts=TS, mono=0, type_="step.finished", fields=fields)
    assert parse_line(made.raw).fields == fields
    return seen


def test_what_is_plain_and_small_stays_as_it_is() -> None:
    raw = {"status": 200, "body": {"b": [1, 2.5, None, True, "é"], "a": {}}, "text": "x"}
    seen = observed(raw)
    assert seen.value == raw
    assert (seen.masked, seen.truncated) == ((), ())
    assert seen.text == '{"body":{"a":{},"b":[1,2.5,null,true,"\\u00e9"]},"status":200,"text":"x"}'


def test_d1_a_secret_is_masked_in_values_keys_and_numbers_and_each_path_is_named() -> None:
    raw = {
        "text": f"token={SECRET}",
        "body": {"items": [{"name": f"a{SECRET}b"}], SECRET: 1, "n": 987654321},
        "headers": {"set-cookie": SECRET},
    }
    seen = observed(raw, token=SECRET, number="987654321")
    assert SECRET not in seen.text
    assert "987654321" not in seen.text
    assert seen.value["text"] == "token=[MASKED:token]"
    assert seen.masked == (
        "text",
        "body.items[0].name",
        'body["[MASKED:token]"]',
        "body.n",
        'headers["set-cookie"]',
    )


def test_d1_a_secret_is_masked_before_anything_is_cut() -> None:
    for offset in range(-len(SECRET), 3):
        seen = observed({"stdout": "x" * (CAP - 40 + offset) + SECRET * 3}, token=SECRET)
        assert "hunt" not in seen.text


def test_k2_what_json_cannot_hold_is_made_safe() -> None:
    seen = observed(
        {
            "nan": math.nan,
            "inf": math.inf,
            "minus": -math.inf,
            "big": 2**64,
            "huge": 10**5000,
            "surrogate": "a\ud800b",
            "pair": "\ud83d\ude00",
            "bytes": b"ok \xff",
            "tuple": (1, 2),
            "other": Decimal("1.50"),
            "keys": {1: "a", None: "b", "\udfff": "c"},
        }
    )
    assert seen.value == {
        "nan": "NaN",
        "inf": "Infinity",
        "minus": "-Infinity",
        "big": "18446744073709551616",
        "huge": "a number of 16610 bits",
        "surrogate": "a\ufffdb",
        "pair": "😀",
        "bytes": "ok \ufffd",
        "tuple": [1, 2],
        "other": "1.50",
        "keys": {"1": "a", "None": "b", "\ufffd": "c"},
    }
    assert seen.truncated == ("huge",)


def test_k2_deep_and_cyclic_data_is_cut_where_it_becomes_so() -> None:
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(100_000):
        inner["d"] = {}
        inner = inner["d"]  # type: ignore[assignment] # it was made a line above
    seen = observed({"deep": deep})
    assert len(seen.truncated) == 1
    assert seen.truncated[0].count(".d") == 63
    cyclic: dict[str, object] = {"name": "x"}
    cyclic["self"] = [cyclic, cyclic]
    seen = observed({"body": cyclic})
    assert seen.value == {"body": {"name": "x", "self": [None, None]}}
    assert seen.truncated == ("body.self[0]", "body.self[1]")
    bomb: list[object] = []
    for _ in range(60):
        bomb = [bomb, bomb]
    assert observed({"bomb": bomb}).truncated


def test_the_longest_texts_and_lists_are_cut_first_and_as_little_as_will_do() -> None:
    seen = observed({"stdout": "x" * 1_000_000, "stderr": "short", "exit_code": 1})
    assert seen.truncated == ("stdout",)
    assert (seen.value["stderr"], seen.value["exit_code"]) == ("short", 1)
    assert len(seen.text) > CAP - 10
    seen = observed({"body": {"status": "ok", "items": [{"id": n} for n in range(10_000)]}})
    assert seen.truncated == ("body.items",)
    body = seen.value["body"]
    assert isinstance(body, dict)
    assert body["status"] == "ok"
    assert isinstance(body["items"], list)
    assert len(body["items"]) > 1_000
    seen = observed({"rows": list(range(1_000_000))})
    assert seen.truncated == ("rows",)


@pytest.mark.parametrize("text", ["\\" * 100_000, '"' * 100_000, "é" * 100_000, "😀" * 100_000, "\0" * 100_000])
def test_an_observation_fits_into_a_record_however_it_is_escaped(text: str) -> None:
    assert observed({"stdout": text}).truncated == ("stdout",)


def test_too_many_paths_are_named_by_what_holds_them() -> None:
    raw = {"body": {"items": [{"token": SECRET, "n": n} for n in range(500)]}, "text": SECRET}
    seen = observed(raw, token=SECRET)
    assert seen.masked == ("body.items", "text")
    wide = {"body": {f"key_{n}": SECRET for n in range(600)}}
    assert observed(wide, token=SECRET).masked == ("body",)
    assert observed({f"key_{n}": SECRET for n in range(600)}, token=SECRET).masked == ("",)
    assert len(json.dumps(observed({"a": [[SECRET] for _ in range(200)]}, token=SECRET).masked)) <= PATHS_CAP


def test_a_long_key_is_cut_and_its_path_said_so() -> None:
    seen = observed({"body": {"k" * 5_000: 1, "k" * 6_000: 2}})
    assert seen.value == {"body": {"k" * 256: 1}}
    assert seen.truncated == (f"body.{'k' * 256}",)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text() | st.just(SECRET), inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(["status", "body", "text"]), json_like))
def test_k2_any_data_becomes_an_observation_without_the_secret_and_stays_the_same(raw: dict[str, object]) -> None:
    seen = observed(raw, token=SECRET)
    assert SECRET not in seen.text
    again = observed(seen.value, token=SECRET)
    assert (again.text, again.truncated) == (seen.text, ())


def test_random_sizes_always_fit() -> None:
    random_ = random.Random(20261121)
    for _ in range(60):
        raw = {
            f"f{number}": random_.choice(["x", "é\\", "a b\n"]) * random_.randrange(1, 60_000)
            if random_.random() < 0.5
            else [random_.randrange(10**6)] * random_.randrange(1, 9_000)
            for number in range(random_.randrange(1, 12))
        }
        observed(raw)
