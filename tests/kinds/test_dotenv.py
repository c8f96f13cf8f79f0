"""The dialect of .env files, as its docstring states it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.kinds.dotenv import variables

RIGHT = [
    ("", {}),
    ("\n  \n# a comment\n", {}),
    ("A=1\nB=two words\n", {"A": "1", "B": "two words"}),
    ("export A=1", {"A": "1"}),
    ("A=", {"A": ""}),
    ("A= ", {"A": ""}),
    ("A=1 # why", {"A": "1"}),
    ("A=1#2", {"A": "1#2"}),
    ("A=#1", {"A": "#1"}),
    ("A=1\r\nB=2\r\n", {"A": "1\r", "B": "2\r"}),
    ("A='x # y'\r\nB=2", {"A": "x # y", "B": "2"}),
    ("A='two\nlines' # really\nB=2", {"A": "two\nlines", "B": "2"}),
    (r'A="a\nb\t\"c\" \$d \\"', {"A": 'a\nb\t"c" $d \\'}),
    (r"A='\n'", {"A": r"\n"}),
    ("A=$HOME/${B}", {"A": "$HOME/${B}"}),
    ("A=it's", {"A": "it's"}),
    ("A=\"\"\nB=''", {"A": "", "B": ""}),
    ("A=a=b", {"A": "a=b"}),
]
WRONG = [
    ("A = 1", "line 1 is not NAME=value"),
    ("A=1\nhello", "line 2 is not NAME=value"),
    ("A=1\n\n9B=2", "line 3 is not NAME=value"),
    ("A=1\nB=2\nA=3", "line 3 sets A again, after line 1"),
    ("A='x\ny", "the quote in line 1 is never closed"),
    ('A=1\nB="x', "the quote in line 2 is never closed"),
    ("A='x'y", "something follows the closing quote of the value in line 1"),
    (r'A="\x"', "the value in line 1 has an escape that means nothing"),
    ("\ufeffA=1", "it begins with a byte order mark"),
]


@pytest.mark.parametrize(("text", "expected"), RIGHT)
def test_a_right_file_is_read(text: str, expected: dict[str, str]) -> None:
    assert variables(text.encode()) == expected


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_two_readers_would_take_differently_is_an_error_that_names_the_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + message + "$"):
        variables(text.encode())


def test_what_is_not_utf8_is_an_error() -> None:
    with pytest.raises(ValueError, match="not UTF-8"):
        variables(b"A=\xff")


@given(st.binary(max_size=60) | st.text("AB=\"'\\# \n\r$", max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused_in_one_line_without_a_value(data: bytes) -> None:
    said = ""
    try:
        variables(data)
    except ValueError as error:
        said = str(error)
    assert "\n" not in said


@given(st.dictionaries(st.from_regex("[A-Z_]{1,8}", fullmatch=True), st.text("a'\"\\$# \n=", max_size=12)))
def test_what_is_written_in_double_quotes_is_read_back(values: dict[str, str]) -> None:
    text = "".join(
        f'{name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"\n'
        for name, value in values.items()
    )
    assert variables(text.encode()) == values


def test_a_large_file_is_read_in_no_time() -> None:
    began = time.perf_counter()
    hostile = [b"A=" + b" " * 1_000_000, b'A="' + b"\\n" * 500_000, b"A='" + b"\n" * 1_000_000]
    for data in (*hostile, b"\n".join(b"V%d=x" % n for n in range(80_000))):
        try:
            variables(data)
        except ValueError:
            continue
    assert time.perf_counter() - began < 5
