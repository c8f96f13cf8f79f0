"""Whatever the document: nothing of it is lost, its draft waits for decisions only, and decided it is clean."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from tests.language.markdown.documents import DOCUMENTS
from tests.language.markdown.kept import lost

from runbook.kinds.registry import KINDS
from runbook.language.loading import load
from runbook.language.markdown.draft import draft_of
from runbook.language.source import parse
from runbook.language.typed import elements, mapping
from runbook.language.yaml_text import yaml_text

WHERE = "RUNBOOK_MARKDOWN"
"""Names a directory with documents, all of which are imported."""
INHERITED = frozenset({"RB262", "RB276"})
"""A password in the text of a command, and a secret among its arguments."""


def problems(text: str, file: Path) -> list[str]:
    """What the checker says of a draft but for what is to be decided, and of it once that is.

    What the commands of a document do wrong with secrets, those of its draft do too, and the checker says so.
    """
    file.write_text(text)
    said = [f"{found.code.number}: {found.message}" for found in load(str(file), KINDS).diagnostics]
    wrong = [one for one in said if not (one.startswith("RB121") and one.endswith("has no `effect`"))]
    file.write_text(decided(text))
    left = [found for found in load(str(file), KINDS).diagnostics if found.code.number not in INHERITED]
    return wrong + [f"decided: {found.code.number}: {found.message}" for found in left]


def decided(text: str) -> str:
    """A draft in which every step is said to change something, and to have no way back."""
    said = {"effect": "change", "undo": "none", "because": "it is decided so in a test"}
    data = dict(mapping(parse(text, "draft").data))
    steps = [
        {**mapping(step), **(said if mapping(step).get("kind") in {"manual", "command"} else {})}
        for step in elements(data["steps"])
    ]
    return yaml_text({**data, "steps": [*steps]}, {})


def undecided(text: str) -> list[Mapping[str, object]]:
    """The steps of a draft that would do something without a decision."""
    steps = [mapping(step) for step in elements(mapping(parse(text, "draft").data)["steps"])]
    harmless = {"checklist", "choice", "finish"}
    return [step for step in steps if "effect" in step or step["kind"] not in {"manual", "command"} | harmless]


@given(document=DOCUMENTS)
@example(document="- not a [x] box\n- [ ] a box\n")
def test_every_document_becomes_a_draft_that_has_all_of_it(
    document: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assume(any(char.isalnum() for char in document))
    draft = draft_of(document, "some_document")
    assert lost(document, draft.text) == []
    assert undecided(draft.text) == []
    assert problems(draft.text, tmp_path_factory.getbasetemp() / "draft.yaml") == []


@pytest.mark.full
@pytest.mark.skipif(WHERE not in os.environ, reason=f"${WHERE} names no directory with Markdown documents")
def test_all_documents_of_a_directory_are_imported_without_loss(tmp_path: Path) -> None:
    files = sorted(Path(os.environ[WHERE]).rglob("*.md"))
    wrong = {}
    for file in files:
        document = file.read_text()
        draft = draft_of(document, file.stem)
        found = [*lost(document, draft.text), *problems(draft.text, tmp_path / "draft.yaml")]
        if found or undecided(draft.text):
            wrong[str(file)] = found
    assert wrong == {}
    assert files
