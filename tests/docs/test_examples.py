"""What the documentation shows is so: files are right, commands run, and say what the page says they say."""

from pathlib import Path

import pytest
import yaml
from tests.docs.pages import PAGES, ROOT, Block, before, blocks
from tests.docs.reader import Reader

from runbook.kinds.registry import KINDS
from runbook.language.loading import load
from runbook.model.diagnostics import Diagnostic

WHOLE = ("runbook: v1", "scenario: v1")


def runs(block: Block) -> bool:
    """Whether a block is made of commands that can be run here."""
    return block.language == "sh" and "not run" not in block.said


def is_whole(block: Block) -> bool:
    """Whether a block is a whole file of ours."""
    lines = [line for line in block.text.splitlines() if line and not line.startswith("#")]
    return block.language in {"yaml", "yml"} and bool(lines) and lines[0].startswith(WHOLE)


def followed(page: Path) -> list[Block]:
    """The blocks of a page that a reader follows."""
    return [block for block in blocks(page) if "file" in block.said or runs(block)]


@pytest.mark.parametrize("page", [page for page in PAGES if followed(page)], ids=lambda page: page.stem)
def test_a_page_can_be_followed_to_the_letter(page: Path, tmp_path: Path) -> None:
    section = 0
    library = any("runbooks/" in block.text + block.said.get("first", "") for block in followed(page))
    with Reader(directory=tmp_path, library=library) as reader:
        for block in [*before(page), *blocks(page)]:
            if "file" in block.said:
                reader.write(block)
            elif runs(block):
                reader.run(block)
                section = block.section
            elif block.language == "sh":
                section = 0
            elif is_output(block, section):
                reader.compare(block)


def is_output(block: Block, section: int) -> bool:
    """Whether a block shows what commands said, the last of which stand in this section."""
    shown = section == block.section or "shown by" in block.said
    return not block.language and shown and "not run" not in block.said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_shown_of_a_file_can_be_read(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language not in {"yaml", "yml"} or "not run" in block.said:
            continue
        assert not is_whole(block) or "file" in block.said or not found_in(block, tmp_path), str(block)
        for each in yaml.safe_load_all(block.text):
            assert isinstance(each, dict | list), str(block)


def found_in(block: Block, directory: Path) -> list[Diagnostic]:
    """What the checker finds in a whole file that no command of the page checks."""
    path = directory / "shown.yaml"
    path.write_text(block.text)
    return list(load(str(path), KINDS).diagnostics)


def test_a_page_shows_an_output_only_of_what_can_be_run() -> None:
    """A comment that says nothing, or says it of nothing, would let an example rot."""
    wrong = [
        str(block)
        for page in PAGES
        for block in blocks(page)
        if ("not run" in block.said and len(block.said["not run"]) < 8)
        or ({"typed", "background", "first"} & block.said.keys() and not runs(block))
    ]
    assert wrong == []
