"""What an editor with the YAML language server offers, shows and underlines in our files, by our schemas alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.editors.corpus import ROOT, SCHEMAS, Sample, samples
from tests.editors.language_server import JSON, Editor, editing, missing

from runbook.kinds.registry import KINDS
from runbook.language.envelope import STEP
from runbook.language.schema import reference_text
from runbook.language.typed import mapping

PLACES = {schema.as_uri(): [f"/{name}/*.yaml"] for name, schema in SCHEMAS.items()}
OVERLOOKED = {"RB120-comma-in-a-text.yaml": "it does not see a key of a flow mapping that has no colon"}
"""Wrong files of which this server says nothing, with the reason; the checker does."""
ELSEWHERE = {"env": {"from"}}
"""Fields of which this server shows what is said of one of their forms."""
HEAD = "runbook: v1\nid: book\nsteps:\n  - id: look\n    kind: "
BOOK = Path("/runbook/book.yaml")


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    why = missing()
    if why is not None:
        pytest.skip(why)
    with editing(PLACES) as found:
        yield found


def test_every_kind_is_offered_with_what_it_is(editor: Editor) -> None:
    offered = {item["label"]: item["documentation"]["value"] for item in editor.offers(BOOK, f"{HEAD}|\n")}
    assert [*offered] == [*KINDS]
    assert {name: reference_text(kind) in offered[name] for name, kind in KINDS.items()} == dict.fromkeys(KINDS, True)


def test_a_kind_is_offered_its_own_fields_and_those_of_every_step_and_no_others(editor: Editor) -> None:
    for name, kind in KINDS.items():
        offered = {item["label"] for item in editor.offers(BOOK, f"{HEAD}{name}\n    |\n")}
        own = set(mapping(kind.SCHEMA["properties"]))
        assert offered - {f"{name} step"} == (own | STEP.keys()) - {"id", "kind"}, name


def test_a_kind_and_each_of_its_fields_say_what_they_are_under_the_mouse(editor: Editor) -> None:
    for name, kind in KINDS.items():
        assert plain(reference_text(kind)) in plain(editor.hover(BOOK, f"{HEAD}{name[:1]}|{name[1:]}\n")), name
        for key, piece in mapping(kind.SCHEMA["properties"]).items():
            if key in ELSEWHERE.get(name, ()):
                continue
            said = editor.hover(BOOK, f"{HEAD}{name}\n    {key[:1]}|{key[1:]}:\n")
            assert plain(str(mapping(piece)["description"])) in plain(said), (name, key)


def test_the_fields_of_a_step_inside_a_step_are_offered_too(editor: Editor) -> None:
    inside = f"{HEAD}wait\n    every: 10s\n    timeout: 5m\n    until:\n      kind: |\n"
    kinds = {item["label"] for item in editor.offers(BOOK, inside)}
    assert {"http", "sql", "command"} <= kinds
    assert not {"manual", "wait", "finish"} & kinds
    fields = {item["label"] for item in editor.offers(BOOK, inside.replace("|", "http\n      |"))}
    assert {"url", "method", "expect", "timeout"} <= fields
    assert not {"next", "on_fail", "instructions"} & fields


def test_right_files_are_not_underlined(editor: Editor, right: Mapping[str, Sample]) -> None:
    """All but most scenarios, which are many and of one shape; where YAML is read otherwise we say so ourselves."""
    names = [name for name, sample in right.items() if sample.schema == "runbook"]
    names += [name for name, sample in right.items() if sample.schema != "runbook"][::25]
    chosen = [name for name in names if right[name].same_in_yaml]
    files = []
    for name in chosen:
        sample = right[name]
        text = "\n".join(line for line in sample.text.split("\n") if "$schema" not in line)
        files.append((place(name, sample), text))
    for name, complaints in zip(chosen, editor.complaints_of(*files), strict=True):
        assert messages(complaints) == [], name


def test_wrong_files_are_underlined_where_the_schema_is_not_kept(editor: Editor, wrong: Mapping[str, Sample]) -> None:
    """Where YAML itself is read otherwise, or is none, it may be underlined for that."""
    chosen = {
        name: sample for name, sample in wrong.items() if sample.same_in_yaml and Path(name).name not in OVERLOOKED
    }
    files = [(place(name, sample), sample.text) for name, sample in chosen.items()]
    for (name, sample), complaints in zip(chosen.items(), editor.complaints_of(*files), strict=True):
        assert bool(complaints) is not sample.valid, (name, messages(complaints))


def test_a_mistake_is_one_line_under_what_is_wrong(editor: Editor) -> None:
    text = f"{HEAD}http\n    url: https://example.com\n    metod: GET\n"
    (said,) = editor.complaints(BOOK, text)
    assert said["message"] == "Property metod is not allowed."
    assert (said["range"]["start"]["line"], said["range"]["start"]["character"]) == (6, 4)
    (unknown,) = editor.complaints(BOOK, f"{HEAD}htpp\n    url: x\n")
    assert '"http"' in unknown["message"]


def place(name: str, sample: Sample) -> Path:
    """Where a file is for the editor, which knows its schema by that."""
    return Path(f"/{sample.schema}") / Path(name).name


def messages(complaints: list[JSON]) -> list[str]:
    """What is said of what is underlined."""
    return [str(each["message"]) for each in complaints]


def plain(text: str) -> str:
    """A text without the signs of Markdown and of lines, which the server escapes as it likes."""
    return "".join(character for character in text if character.isalnum())


@pytest.fixture(scope="module")
def right() -> Mapping[str, Sample]:
    return samples(ROOT / "runbooks", ROOT / "tests" / "right", ROOT / "examples" / "demo")


@pytest.fixture(scope="module")
def wrong() -> Mapping[str, Sample]:
    return samples(ROOT / "tests" / "wrong")
