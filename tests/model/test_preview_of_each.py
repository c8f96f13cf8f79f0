"""The preview of a repeated step says once what is the same for all, and loses nothing of what is done."""

from hypothesis import given
from hypothesis import strategies as st

from runbook.model.canonical import Json
from runbook.model.kind import Preview, preview_of_each

LINES = st.lists(st.sampled_from(["a", "b", "with HOST=1"]), max_size=5)
PREVIEWS = st.lists(st.builds(lambda line, detail: (line, detail), st.sampled_from(["x", "y"]), LINES), max_size=4)


def test_a_statement_stands_once_and_behind_each_element_what_differs() -> None:
    items: list[Json] = ["web-1", {"n": 2}]
    statement = "update t\n  set n = 1\nwhere id = :id"
    previews = [Preview(line="on db, the statement:", detail=f"{statement}\nwith :id = {n}\nin /srv") for n in (1, 2)]
    assert preview_of_each(items, previews) == Preview(
        line="for each of 2: on db, the statement:",
        detail="""\
    update t
      set n = 1
    where id = :id
    …
    in /srv
[0] web-1: with :id = 1
[1] {"n":2}: with :id = 2""",
    )


def test_a_script_stands_once_where_only_the_machine_is_another_one() -> None:
    previews = [Preview(line=f"on {host}: sh, the script:", detail="one\ntwo") for host in ("web-1", "web-2")]
    detail = """\
the same for each:
    one
    two
[0] web-1: on web-1: sh, the script:
[1] web-2: on web-2: sh, the script:"""
    assert preview_of_each(["web-1", "web-2"], previews) == Preview(line="for each of 2:", detail=detail)


def test_a_single_element_is_shown_whole() -> None:
    found = preview_of_each(["web-1"], [Preview(line="sh, the script:", detail="one")])
    assert found == Preview(line="for each of 1:", detail="[0] web-1: sh, the script:\n    one")


@given(PREVIEWS)
def test_every_element_can_be_put_together_again(given_: list[tuple[str, list[str]]]) -> None:
    previews = [Preview(line=line, detail="\n".join(detail)) for line, detail in given_]
    shown = preview_of_each(["item"] * len(previews), previews)
    line = shown.line.partition(": ")[2]
    parts: list[list[str]] = []
    same: list[str] = []
    for said in shown.detail.splitlines():
        if said.startswith("["):
            parts.append([said.partition(": ")[2]] if ": " in said else [])
        elif said != "the same for each:":
            (parts[-1] if parts else same).append(said[4:])
    assert len(parts) == len(previews)
    for preview, part in zip(previews, parts, strict=True):
        own, first = (part, line) if line else (part[1:], (part or [""])[0])
        at = same.index("…") if "…" in same else None
        whole = [*same[:at], *own, *same[at + 1 :]] if at is not None else None
        options = [whole] if whole is not None else [[*same, *own], [*own, *same]]
        assert first == preview.line
        assert preview.detail.splitlines() in options
