"""Expectations over what a program really printed: cut, missing, of another type, no text; the same again on replay."""

from pathlib import Path

import pytest
from tests.drivers.books import book, read
from tests.drivers.desk import Desk

pytestmark = pytest.mark.reliability
CUT = "`expect`: `stdout` was cut, so nothing can be said about it"
DEEP = "printf '%0200d' 0 | tr 0 '['; printf '%0200d' 0 | tr 0 ']'"
JSON = "output: json\n"
ODD = {
    "cut": ("head -c 200000 /dev/zero | tr '\\0' x", "expect: size(stdout) == 200000\n", CUT),
    "cut before its end": ("head -c 200000 /dev/zero | tr '\\0' x; echo end", "expect: stdout.endsWith('x')\n", CUT),
    "missing": ("echo '{\"a\": 1}'", f"{JSON}expect: json.n == 1\n", "`expect`: there is no key `n`"),
    "a text": ('echo \'{"n": "1"}\'', f"{JSON}expect: json.n + 1 == 2\n", "`+` cannot be used with text"),
    "a text that looks true": ('echo \'{"n": "true"}\'', f"{JSON}expect: json.n\n", "must be true or false"),
    "null": ("echo '{\"n\": null}'", f"{JSON}expect: json.n > 1\n", "`>` cannot be used with null"),
    "deep": (DEEP, f"{JSON}expect: json[0] == 1\n", "was cut, so nothing can be said about it"),
    "NaN": ("echo '{\"n\": NaN}'", f"{JSON}expect: json.n > 1\n", "NaN is not JSON"),
    "a NUL": ("printf 'ok\\0no'", "expect: stdout == 'ok'\n", "`stdout` holds a NUL character"),
    "no UTF-8": ("printf 'ok\\377'", "expect: stdout == 'ok'\n", "expected stdout == 'ok', but stdout is \"ok\ufffd\""),
}


@pytest.mark.parametrize("name", ODD)
def test_k2_an_expectation_of_odd_data_fails_and_the_same_again_on_replay(tmp_path: Path, name: str) -> None:
    script, expect, why = ODD[name]
    desk = Desk(tmp_path)
    done = desk.walk(book(read("look", "sh", "-c", script, then="bad", fail="done", more=expect)))
    assert done.status == 0, done
    (told,) = (told for told in desk.told("step.finished") if told["step"] == "look")
    assert told["outcome"] == "failed"
    assert why in told["reason"]
    assert desk.verify() == 0  # judged again from the record
