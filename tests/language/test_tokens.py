"""What an expression mentions is read from its text, whatever the text is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.language.tokens import position, read


def chains(source: str) -> list[str]:
    return [".".join(mention.parts) for mention in read(source).mentions]


@pytest.mark.parametrize(
    ("source", "mentions"),
    [
        ("steps.check.status == 200 && body.status == 'ok'", ["steps.check.status", "body.status"]),
        ("steps . check . status", ["steps.check.status"]),
        (".steps.check.status", ["steps.check.status"]),
        ("steps.vars.missing.join(', ')", ["steps.vars.missing"]),
        ("size(lines) + f(steps.a.b)[0].c", ["lines", "steps.a.b"]),
        ("'steps.a.b' + \"steps.c.d\" + r'steps.e.f\\' + x", ["x"]),
        ("'''steps.a.b\n''' + x // steps.c.d", ["x"]),
        ("x.y['z'].w", ["x.y"]),
        ("'a' in steps.vars.missing", ["steps.vars.missing"]),
        ("true ? null : false", []),
        ("1.5e3 + .5 + 0x1F + 3u", []),
        ("body.`content-type`.x", ["body.content-type.x"]),
    ],
)
def test_a_chain_of_names_is_one_mention(source: str, mentions: list[str]) -> None:
    assert chains(source) == mentions


def test_the_variable_of_a_macro_is_no_mention() -> None:
    reading = read("rows.filter(row, row.n > limit).map(x, x.id)")
    assert [".".join(mention.parts) for mention in reading.mentions] == ["rows", "limit"]
    assert [piece.text for piece in reading.bound] == ["row", "x"]
    assert reading.builds_lists
    assert not read("rows.all(row, row.n > 1)").builds_lists


def test_every_part_of_a_mention_has_its_place() -> None:
    (mention,) = read("!  steps .check.status").mentions
    assert mention.starts == (3, 10, 16)
    assert mention.ends == (8, 15, 22)


def test_the_longest_declared_name_is_the_one_that_counts() -> None:
    (mention,) = read("steps.a.tls.days_left").mentions
    assert mention.longest({"steps.a.tls": 1, "steps.a.tls.days_left": 1}) == "steps.a.tls.days_left"
    assert mention.longest({"steps.a": 1}) == "steps.a"
    assert mention.longest({"a.tls": 1}) is None


@pytest.mark.parametrize(
    ("source", "ranges"),
    [
        ("m.map(k, k)", ["m"]),
        ("f(x)[0].c.map(k, k)", ["f(x)[0].c"]),
        ("a ? b.c.filter(x, x) : d", ["b.c"]),
        ("-m['k'].map(x, x)[0]", ["m['k']"]),
        ("{'a': 1}.map(k, k)", ["{'a': 1}"]),
        ("(a + b).map(x, x)", ["(a + b)"]),
        ("[1, 2].map(x, x)", []),
        ("s.split(',').map(x, x).filter(y, y)", []),
        ("m.all(k, k)", []),
        (".map(x, x)", []),
    ],
)
def test_what_map_and_filter_run_over_is_found_unless_it_is_a_list_by_its_text(source: str, ranges: list[str]) -> None:
    assert [piece.text for piece in read(source).ranges] == ranges


def test_only_a_name_alone_in_has_is_asked_for() -> None:
    assert [".".join(m.parts) for m in read("has(a.b) && has(c.d.e) && has(f.g['h'])").asked] == ["a.b", "c.d.e"]


def test_constants_that_can_be_tried_are_found() -> None:
    texts = [piece.text for piece in read("t < duration('1d') && s.matches('[') && int(x) == int('7')").constants]
    assert texts == ["duration('1d')", "''.matches('[')", "int('7')"]


@given(st.text(alphabet="ab.()[]{}'\"\\/ \n,+-?:`1r", max_size=40))
def test_any_text_has_a_reading(source: str) -> None:
    reading = read(source)
    for mention in reading.mentions:
        for part, start, end in zip(mention.parts, mention.starts, mention.ends, strict=True):
            assert source[start:end].strip("`") == part
    for piece in reading.ranges:
        assert source[piece.start : piece.end] == piece.text


def test_places_count_code_points_from_one() -> None:
    assert position("ab\n😀x", 4) == (2, 2)
    assert position("", 0) == (1, 1)
