"""A document becomes a draft and a report; nothing of a draft runs, and nothing is written over."""

import json
from pathlib import Path

import pytest
from tests.drivers.desk import Desk

DOCUMENT = "# Mend it\n\n1. Look:\n\n   ```sh\n   touch {mark}\n   ```\n2. Wait.\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk."""
    return Desk(tmp_path)


def test_a_draft_goes_to_standard_output_and_the_report_to_the_other(desk: Desk) -> None:
    (desk.root / "mend.md").write_text(DOCUMENT)
    done = desk.do("import", "mend.md")
    assert done.status == 0
    assert "\ntitle: Mend it\n" in done.out
    assert done.err.splitlines() == [
        "mend.md:1: heading → title",
        "mend.md:3: paragraph → title of the step below",
        "mend.md:5: sh code → command step `look`; decide: effect",
        "mend.md:8: item of an ordered list → manual step `wait`; decide: effect",
        "3 steps, 3 things to decide; `runbook check DRAFT` shows where",
    ]


def test_programs_are_told_the_same_and_a_file_gets_the_draft(desk: Desk) -> None:
    (desk.root / "mend.md").write_text(DOCUMENT)
    told = json.loads(desk.do("import", "mend.md", "--format", "json").out)
    written = json.loads(desk.do("import", "mend.md", "--format", "json", "-o", "books/mend.yaml").out)
    assert (desk.root / "books" / "mend.yaml").read_text() == told.pop("draft")
    assert written == {**told, "output": "books/mend.yaml"}
    assert told["became"][2] == {
        "line": 5,
        "end_line": 7,
        "what": "sh code",
        "became": "command step",
        "step": "look",
        "decide": "effect",
    }


def test_nothing_of_a_draft_runs_before_it_is_decided(desk: Desk) -> None:
    mark = desk.root / "mark"
    (desk.root / "mend.md").write_text(DOCUMENT.format(mark=mark))
    assert desk.do("import", "mend.md", "-o", "mend.yaml").status == 0
    assert desk.do("check", "mend.yaml").status == 1
    (desk.root / "answers.yaml").write_text("answers: [{step: wait, outcome: done}]\n")
    for options in ([], ["--dry-run"], ["--answers", "answers.yaml"]):
        assert desk.do("run", "mend.yaml", *options).status == 2
    assert not mark.exists()


def test_a_file_that_is_there_is_left_as_it_is(desk: Desk) -> None:
    (desk.root / "mend.md").write_text(DOCUMENT)
    (desk.root / "mend.yaml").write_text("mine\n")
    done = desk.do("import", "mend.md", "-o", "mend.yaml")
    assert (done.status, "RB390" in done.err) == (2, True)
    assert (desk.root / "mend.yaml").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "RB381"),
        (b"\n---\n***\n", "RB381"),
        (b"# x\n" * 300_000, "RB380"),
        (b"1. do it\n" * 20_000, "RB384"),
        ("# Grün\n".encode("utf-16"), "RB105"),
        ("# Grün\n".encode("latin-1"), "RB105"),
        (b"\x7fELF\x00\xc0\xff", "RB105"),
        (b"# mine\n\nscenario: v1\nrunbook: a.yaml\n", "RB383"),
    ],
)
def test_what_is_no_document_is_refused_with_its_reason(content: bytes, code: str, desk: Desk) -> None:
    (desk.root / "page.md").write_bytes(content)
    done = desk.do("import", "page.md")
    assert done.status == 2
    assert code in done.err
    assert done.out == ""
