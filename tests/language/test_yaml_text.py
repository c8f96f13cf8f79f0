"""Whatever is written as YAML is read back as the same data, and it reads as a person would write it."""

from hypothesis import given
from hypothesis import strategies as st

from runbook.language.characters import hidden_in
from runbook.language.places import Path
from runbook.language.source import parse
from runbook.language.yaml_text import visible, yaml_text
from runbook.model.canonical import Json

TEXTS = st.one_of(
    st.text(st.sampled_from("ab:#-'\"{}[]|>&*!%@`\\?,~ \n\t\r\x00\u200b\u202e\u00a0é日🚨$0.1"), max_size=30),
    st.text(max_size=20),
    st.sampled_from(
        ["yes", "No", "null", "1e3", "012", "- a", "a: b", "a #b", "a:", "key: |\n  x\n", "\n\n", " x\ny", "x\n\n"]
    ),
).map(visible)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.one_of(TEXTS, st.booleans(), st.integers(-(10**9), 10**9), st.just([]), st.just({})),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcdef"), inner, max_size=3)),
    max_leaves=12,
)


@given(
    data=st.dictionaries(st.sampled_from(["id", "steps", "title"]), VALUES, min_size=1),
    comment=st.text(max_size=20),
)
def test_data_is_read_back_as_it_was(data: dict[str, Json], comment: str) -> None:
    places: list[Path] = [(), *((key,) for key in data), *((key, 0) for key in data), *((key, 1, "a") for key in data)]
    text = yaml_text(data, {place: [comment] for place in places})
    assert parse(text, "x").data == data


def test_it_is_written_as_a_person_would() -> None:
    steps: list[Json] = [
        {"id": "look", "title": "Don't panic: look", "script": "ls\n\n  cd x \n", "env": {"A": "b c", "N": 1}},
        {"id": "done", "instructions": "One line"},
    ]
    text = yaml_text({"runbook": "v1", "tags": ["a", "no"], "steps": steps}, {("steps", 0, "script"): ["decide: it"]})
    assert text == (
        'runbook: v1\ntags: [a, no]\n\nsteps:\n  - id: look\n    title: "Don\'t panic: look"\n    # decide: it\n'
        "    script: |\n      ls\n\n        cd x \n    env: {A: b c, N: 1}\n\n"
        "  - {id: done, instructions: One line}\n"
    )


def test_what_hides_something_is_made_visible() -> None:
    assert visible("a\u202eb\u200b\x00\r") == "a‹U+202E›b‹U+200B›‹U+0000›‹U+000D›"
    assert hidden_in(visible("\u2028\x85\x1b[0m")) is None
