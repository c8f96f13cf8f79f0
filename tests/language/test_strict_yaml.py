"""One stated reading of YAML: hostile, huge and ambiguous texts end in a clear error with a place, and at once."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.language.frames import as_json, frame, one_line
from runbook.language.scanning import fast
from runbook.language.source import Document, Unread, parse
from runbook.model.canonical import Json
from runbook.model.diagnostics import Diagnostic

NO_C = fast("") is None
BOTH = pytest.mark.parametrize(
    "python",
    [pytest.param(False, marks=pytest.mark.skipif(NO_C, reason="PyYAML was built without libyaml")), True],
    ids=["c", "python"],
)
TIMES_A_BUSY_MACHINE = 3


def refused(text: str | bytes, *, python: bool = False) -> list[Diagnostic]:
    with pytest.raises(Unread) as refusal:
        parse(text, "f.yaml", python=python)
    return list(refusal.value.diagnostics)


def told(text: str | bytes, *, python: bool = False) -> list[str]:
    """``LINE:COLUMN CODE message`` for each diagnostic."""
    return [
        f"{d.span.line}:{d.span.column} {d.code.number} {d.message}" if d.span else f"{d.code.number} {d.message}"
        for d in refused(text, python=python)
    ]


def milliseconds(act: Callable[[], object]) -> float:
    """How long something takes: the best of three, for the machine has other things to do."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        act()
        best = min(best, time.perf_counter() - start)
    return best * 1_000


def nested(levels: int) -> str:
    return "".join("  " * level + "deeper:\n" for level in range(levels))


ALIAS_BOMB = "a: &a [x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i}\n  <<: [*a{i - 1}, *a{i - 1}]\n  k{i}: 1\n" for i in range(1, 22)
)


@pytest.mark.reliability
@BOTH
@pytest.mark.parametrize(
    ("text", "first"),
    [
        (ALIAS_BOMB, "1:4 RB113 `&a` is an anchor, and a runbook has none"),
        (MERGE_BOMB, "1:5 RB113 `&a0` is an anchor, and a runbook has none"),
        ("steps: &steps [*steps]\n", "1:8 RB113 `&steps` is an anchor, and a runbook has none"),
    ],
    ids=["aliases", "merge keys", "cycle"],
)
def test_f1_bombs_are_refused_at_once_with_their_place(text: str, first: str, *, python: bool) -> None:
    assert told(text, python=python)[0] == first
    assert milliseconds(lambda: refused(text, python=python)) < 50 * TIMES_A_BUSY_MACHINE


HUGE = {
    "open brackets": ("[" * 100_000, "1:65 RB116"),
    "open braces": ("{a: " * 100_000, "1:257 RB116"),
    "dashes": ("- " * 100_000, "1:129 RB116"),
    "1,000 mappings": (nested(1_000), "65:129 RB116"),
    "2 MB": ("a: x\n" * 420_000, "RB104"),
    "2 MB of one comment": ("#" * 2_000_001, "RB104"),
    "10 MB scalar": ("a: " + "x" * 10_000_000, "RB104"),
    "10 MB quote": ('a: "' + "x" * 10_000_000, "RB104"),
}


@pytest.mark.reliability
@pytest.mark.skipif(NO_C, reason="PyYAML was built without libyaml")
@pytest.mark.parametrize("name", HUGE)
def test_f2_huge_and_deep_texts_are_refused_within_a_tenth_of_a_second(name: str) -> None:
    text, first = HUGE[name]
    data = text.encode()
    assert told(data)[0].startswith(first)
    assert milliseconds(lambda: refused(data)) < 100 * TIMES_A_BUSY_MACHINE


@pytest.mark.reliability
@pytest.mark.parametrize("name", ["open brackets", "open braces", "dashes", "1,000 mappings"])
def test_f2_the_scanner_in_python_survives_depth_too(name: str) -> None:
    text, first = HUGE[name]
    assert told(text, python=True)[0].startswith(first)


@pytest.mark.parametrize(
    "text",
    [
        "[" + "a," * 900_000,
        "a: '" + "x\n" * 900_000,
        "- &a b\n" * 250_000,
        "- *a\n" * 350_000,
        "- !a b\n" * 250_000,
        "a: 1\n" * 380_000,
        "a: " + "b: " * 600_000,
        "- x #y\n" * 250_000,
        "- 'x\ty'\n" * 200_000 + "\t",
        "#\t" * 900_000,
        "%" * 1_900_000,
        "\n" * 1_900_000,
        "\u200b" * 600_000,
        "'" * 1_900_000,
        "k" * 1_900_000 + ": v",
    ],
    ids=lambda text: repr(text[:8]),
)
@pytest.mark.skipif(NO_C, reason="PyYAML was built without libyaml")
def test_no_text_of_two_megabytes_takes_much_longer_than_its_size(text: str) -> None:
    def read_it() -> None:
        try:
            parse(text, "f.yaml").warnings()
        except Unread:
            return

    start = time.perf_counter()
    read_it()
    assert time.perf_counter() - start < 5


@pytest.mark.reliability
@BOTH
def test_f3_a_key_that_stands_twice_is_told_with_both_lines_at_every_level(*, python: bool) -> None:
    text = "a: 1\nb:\n  - c: {d: 1, e: 2, d: 3}\n    c: 2\na: 2\n'a': 3\n"
    assert told(text, python=python) == [
        "3:21 RB112 the key `d` stands twice, here and on line 3",
        "4:5 RB112 the key `c` stands twice, here and on line 3",
        "5:1 RB112 the key `a` stands twice, here and on line 1",
        "6:1 RB112 the key `a` stands twice, here and on line 1",
    ]


AMBIGUOUS = [
    "no", "No", "NO", "on", "off", "yes", "y", "n", "True", "TRUE", "False", "Null", "NULL", "~", "22:22", "22:30",
    "1:20:30", "010", "0o14", "0x1F", "0b11", "1_000", "+1", "-0", "01.5", "1.", ".5", "1e3", "1.5e3", "1E-3", ".inf",
    "-.inf", ".nan", "2024-01-01", "2024-01-01T00:00:00Z", "1.2.3", "12d", "-x", "--", "=", "tru", "truee", "nul",
]  # fmt: skip


@pytest.mark.reliability
@BOTH
@pytest.mark.parametrize("word", AMBIGUOUS)
def test_f4_what_yaml_would_change_stays_the_text_that_it_is(word: str, *, python: bool) -> None:
    document = parse(f"country: {word}\nmodes: [{word}, 'no']\n", "f.yaml", python=python)
    assert document.data == {"country": word, "modes": [word, "no"]}


@BOTH
@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("0", 0),
        ("-1", -1),
        ("10", 10),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("0.0", 0.0),
        ("-0.0", -0.0),
        ("1.50", 1.5),
        ("-12.25", -12.25),
        ('"true"', "true"),
        ("'10'", "10"),
        ('""', ""),
    ],
)
def test_the_few_words_that_are_no_texts_are_what_they_say(word: str, value: Json, *, python: bool) -> None:
    data = parse(f"a: {word}\n", "f.yaml", python=python).data
    assert data == {"a": value}
    assert isinstance(data, dict)
    assert type(data["a"]) is type(value)


ODD: dict[str, tuple[str | bytes, str]] = {
    "object": ("a: !!python/object/apply:os.system [ls]\n", "1:4 RB114 `!!python/object/apply:os.system` is a tag"),
    "binary tag": ("a: !!binary aGVsbG8=\n", "1:4 RB114 `!!binary` is a tag"),
    "own tag": ("a: !secret x\n", "1:4 RB114 `!secret` is a tag"),
    "tag on a key": ("!!str a: b\n", "1:1 RB114 `!!str` is a tag"),
    "version": ("%YAML 1.1\n---\na: b\n", "1:1 RB115 a line that begins with `%` is a directive"),
    "later version": ("# x\n%YAML 3.0\n---\na: b\n", "2:1 RB115 a line that begins with `%` is a directive"),
    "tag handle": ("%TAG ! tag:example.com,2026:\n---\na: b\n", "1:1 RB115 a line that begins with `%` is"),
    "own directive": ("%FOO bar\n---\na: b\n", "1:1 RB115 a line that begins with `%` is a directive"),
    "two documents": ("a: b\n---\nc: d\n", "2:1 RB115 the file holds a second document"),
    "two ends": ("a: b\n...\n---\nc: d\n", "3:1 RB115 the file holds a second document"),
    "empty": ("", "RB103 the file is empty"),
    "white space": (" \n\n", "RB103 the file is empty"),
    "comments": ("# nothing\n", "RB103 the file holds nothing but comments"),
    "dashes": ("---\n", "RB103 the file holds nothing but comments"),
    "byte order mark": (b"\xef\xbb\xbfa: b\n", "1:1 RB106 the file begins with a byte order mark"),
    "utf-16": ("a: b\n".encode("utf-16"), "RB105 the file is UTF-16 text, not UTF-8"),
    "utf-16 le": ("a: b\n".encode("utf-16-le"), "RB105 the file is UTF-16 text, not UTF-8"),
    "utf-16 be": ("a: b\n".encode("utf-16-be"), "RB105 the file is UTF-16 text, not UTF-8"),
    "latin-1": ("a: b\ncafé: é\n".encode("latin-1"), "2:4 RB105 the byte 0xe9 is not UTF-8"),
    "cut utf-8": (b"a: \xe2\x82", "1:4 RB105 the byte 0xe2 is not UTF-8"),
    "overlong utf-8": (b"a: \xc0\xaf", "1:4 RB105 the byte 0xc0 is not UTF-8"),
    "surrogate in utf-8": (b"a: \xed\xa0\x80", "1:4 RB105 the byte 0xed is not UTF-8"),
    "surrogate in a str": ("a: \ud800", "1:4 RB105 the byte 0xed is not UTF-8"),
    "binary": (bytes(range(256)), "RB105 the file is not text"),
    "nul": ("a: b\0c\n", "1:5 RB106 U+0000 (NUL) is a control character"),
    "tab in front": ("a:\n\tb: c\n", "2:1 RB107 a tab stands where YAML takes only spaces"),
    "tab behind a colon": ("a:\tb\n", "1:3 RB107 a tab stands where YAML takes only spaces"),
    "tab in brackets": ("a: [b,\tc]\n", "1:7 RB107 a tab stands where YAML takes only spaces"),
    "tab in a plain text": ("a: b\tc\n", "1:5 RB107 a tab stands where YAML takes only spaces"),
    "number as a key": ("1: b\n", "1:1 RB117 the key `1` is no text"),
    "list as a key": ("[a]: b\n", "1:1 RB117 a mapping or list is no key"),
    "nothing as a key": ("?\n: b\n", "1:2 RB117 a key is missing"),
    "merge key": ("<<: {a: b}\n", "1:1 RB113 `<<` merges mappings, and a runbook has none of that"),
    "alias as a key": ("*a : b\n", "1:1 RB113 `*a` is an alias, and a runbook has none"),
    "anchor on a key": ("&a b: c\n", "1:1 RB113 `&a` is an anchor, and a runbook has none"),
}


@pytest.mark.reliability
@BOTH
@pytest.mark.parametrize("name", ODD)
def test_f5_every_odd_thing_has_a_clear_error_of_its_own(name: str, *, python: bool) -> None:
    text, first = ODD[name]
    assert told(text, python=python)[0].startswith(first)
    assert all(diagnostic.help for diagnostic in refused(text, python=python))


@BOTH
def test_tabs_are_all_right_where_they_mean_nothing(*, python: bool) -> None:
    text = "a: |\n  x\ty\n  \tz\nb: \"q\tr\"\nc: 's\tt' # u\tv\n#\tw\n"
    data = parse(text, "f.yaml", python=python).data
    assert data == {"a": "x\ty\n\tz\n", "b": "q\tr", "c": "s\tt"}


@BOTH
def test_lines_may_end_as_on_windows_and_the_last_need_not_end(*, python: bool) -> None:
    document = parse("a: |\r\n  x\r\n  y\r\nb: c", "f.yaml", python=python)
    assert document.data == {"a": "x\ny\n", "b": "c"}
    assert document.span(("b",)).column == 4


@pytest.mark.reliability
@BOTH
@pytest.mark.parametrize(
    ("text", "first"),
    [
        (r'a: "\ud800"', "1:5 RB106 the text holds U+D800, which is half a character"),
        (r'a: "x \ud83d\ude00"', "1:7 RB106 the text holds U+D83D, which is half a character"),
        (r'"\udfff": a', "1:2 RB106 the key holds U+DFFF, which is half a character"),
        (r'a: "\U00110000"', "1:5 RB109 there is no character `\\U00110000`"),
        (r'a: "\UFFFFFFFF"', "1:5 RB109 there is no character `\\UFFFFFFFF`"),
        ("a: " + "7" * 5_000, "1:4 RB118 777777777777777777777777777777777777777… is beyond 64 bits"),
        ("a: [9223372036854775808]", "1:5 RB118 9223372036854775808 is beyond 64 bits"),
        ("a: -9223372036854775809", "1:4 RB118 -9223372036854775809 is beyond 64 bits"),
        ("7" * 500 + ": a", "1:1 RB118 777777777777777777777777777777777777777… is beyond 64 bits"),
        ("a: " + "9" * 400 + ".5", "1:4 RB118 999999999999999999999999999999999999999… is beyond what a double holds"),
    ],
)
def test_f6_halves_of_characters_and_endless_numbers_are_refused(text: str, first: str, *, python: bool) -> None:
    assert told(text, python=python)[0] == first


@pytest.mark.reliability
@BOTH
def test_f6_a_sexagesimal_of_20_kb_is_a_text_and_costs_nothing(*, python: bool) -> None:
    text = "1:" * 10_000 + "1"
    assert parse(f"a: {text}", "f.yaml", python=python).data == {"a": text}
    assert milliseconds(lambda: parse(f"a: {text}", "f.yaml")) < 50 * TIMES_A_BUSY_MACHINE


@BOTH
def test_every_number_that_is_out_of_range_is_told(*, python: bool) -> None:
    assert len(refused(f"a: {'9' * 30}\nb: {'9' * 30}\nc: [{'9' * 19}, {'9' * 19}]", python=python)) == 4


HIDING = "\x1b\x08\x07\x7f\x85\x9b\xad\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e"
HIDING += "\u2060\u2064\u2066\u2069\ufeff\uffa0\ufffe\uffff\U000e0001\U000e007f"


@pytest.mark.reliability
@pytest.mark.parametrize("character", HIDING, ids=lambda character: f"U+{ord(character):04X}")
def test_f7_what_an_eye_cannot_see_is_refused_everywhere_and_named(character: str) -> None:
    name = f"U+{ord(character):04X}"
    for text in (f"a{character}: b", f"a: b{character}", f"# {character}\na: b", f"a: |\n  b\n  c{character}d\n"):
        (diagnostic,) = refused(text)
        line = text.split("\n")[0 if character in text.split("\n")[0] else 2]
        assert diagnostic.code.number == "RB106"
        assert name in diagnostic.message
        assert diagnostic.span
        assert diagnostic.span.column == line.index(character) + 1
    for escape in (f'a: "b\\U{ord(character):08x}"', f'"a\\U{ord(character):08x}": b'):
        (diagnostic,) = refused(escape)
        assert name in diagnostic.message


@pytest.mark.reliability
def test_f7_a_carriage_return_cannot_overwrite_the_line_that_is_reviewed() -> None:
    assert told("argv: [rm, -rf, /] #\rargv: [ls]\n") == ["1:21 RB106 U+000D (carriage return) is a control character"]
    assert told(r'a: "x\ry"') == ["1:6 RB106 the text holds U+000D (carriage return), which is a control character"]


def test_line_breaks_and_tabs_may_stand_in_texts_and_not_in_keys() -> None:
    assert parse(r'a: "x\n\ty"', "f.yaml").data == {"a": "x\n\ty"}
    assert told(r'"x\ny": 1') == ["1:3 RB106 the key holds U+000A (line break), which is a control character"]


def test_what_people_write_passes() -> None:
    text = "title: Überlast – größer als 5 % 🎉 ⚠️ 日本語 Ελληνικά עברית\nnote: a\u00a0b\n"
    assert parse(text, "f.yaml").data == {
        "title": "Überlast – größer als 5 % 🎉 ⚠️ 日本語 Ελληνικά עברית",
        "note": "a\u00a0b",
    }


def test_all_that_is_wrong_is_told_at_once_in_file_order() -> None:
    text = 'a: "x" y\nb: 1\nb: 2\nc: *d\ne: {f: g?}\n5: h\ni: [\n'
    assert [line.partition(" ")[2][:5] for line in told(text)] == ["RB108", "RB112", "RB113", "RB108", "RB117", "RB110"]


def test_a_file_full_of_mistakes_ends_in_a_hundred_of_them() -> None:
    assert len(refused("- *a\n" * 5_000)) == 100


def test_what_can_be_shown_of_a_refused_text_comes_with_the_refusal() -> None:
    with pytest.raises(Unread) as refusal:
        parse(b"a: caf\xe9\n", "f.yaml")
    assert refusal.value.text == "a: caf\\xe9\n"


def test_a_document_keeps_its_bytes() -> None:
    raw = "a: é\r\n".encode()
    document = parse(raw, "f.yaml")
    assert isinstance(document, Document)
    assert (document.file, document.raw, document.text) == ("f.yaml", raw, "a: é\r\n")


@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=200), st.text("ab:-?[]{}#&*!|>'\"%@ \t\n\\,0.", max_size=80))
)
def test_whatever_the_bytes_are_they_are_read_or_refused_in_words(text: str | bytes) -> None:
    for python in (False, True):
        shown, found = "", []
        try:
            document = parse(text, "f.yaml", python=python)
        except Unread as unread:
            shown, found = unread.text, list(unread.diagnostics)
        else:
            shown, found = document.text, [*document.warnings()]
            assert document.has(())
        for diagnostic in found:
            assert diagnostic.help
            assert frame(diagnostic, shown, width=40).startswith(diagnostic.severity.value)
            assert one_line(diagnostic).count("\n") == 0
        assert as_json(found).isascii()
