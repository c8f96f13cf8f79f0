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
from runbook.language.safety import OPEN_PASSWORD
from runbook.language.source import parse
from runbook.language.typed import elements, mapping
from runbook.language.yaml_text import yaml_text

WHERE = "RUNBOOK_MARKDOWN"
"""Names a directory with documents, all of which are imported."""


def problems(text: str, file: Path) -> list[str]:
    """What the checker says of a draft but for what is to be decided, and of it once that is.

    A password that stands in the document stands in the draft, and the checker says so: that is the author's to decide.
    """
    file.write_text(text)
    said = [f"{found.code.number}: {found.message}" for found in load(str(file), KINDS).diagnostics]
    wrong = [one for one in said if not (one.startswith("RB121") and one.endswith("has no `effect`"))]
    file.write_text(decided(text))
    left = [found for found in load(str(file), KINDS).diagnostics if found.code is not OPEN_PASSWORD]
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
@example(document="1. - [ ] a\n")
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
