"""The action of a repeated step: whatever its elements have in common, each is found again in full."""

from hypothesis import given
from hypothesis import strategies as st

from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.repeated import elements, in_full, joined

VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", "item"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
ACTIONS = st.lists(st.dictionaries(st.sampled_from(["fields", "undo", "nested"]), VALUES, max_size=3), max_size=4)


@given(ACTIONS)
def test_every_element_is_found_again_in_full(parts: list[JsonObject]) -> None:
    actions: list[JsonObject] = [{"kind": "ssh", "version": "1", **part} for part in parts]
    items: list[Json] = [*range(len(parts))]
    action = joined(items, actions, "ssh", "1")
    wanted: list[Json] = [{"item": item, **each} for item, each in zip(items, actions, strict=True)]
    assert canonical([*(elements(action) or [])]) == canonical(wanted)
    each: list[Json] = [{"item": item, **part} for item, part in zip(items, parts, strict=True)]
    assert canonical(in_full(action)) == canonical({"kind": "ssh", "version": "1", "for_each": each})


def test_what_is_the_same_for_all_is_written_once() -> None:
    script = "uptime; " * 200
    actions: list[JsonObject] = [
        {"kind": "ssh", "version": "1", "fields": {"host": f"web{n}", "script": script}} for n in range(100)
    ]
    action = joined([f"web{n}" for n in range(100)], actions, "ssh", "1")
    assert canonical(action).count(script) == 1


def test_what_is_no_action_of_a_repeated_step_has_no_elements() -> None:
    wrong: list[JsonObject] = [{}, {"for_each": 1}, {"for_each": [1]}, {"for_each": [{}]}, {"for_each": [], "same": 1}]
    for action in wrong:
        assert elements(action) is None
        assert in_full(action) is action
