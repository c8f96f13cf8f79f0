"""Words that other readers of YAML change: an input keeps them as text, or refuses them where it wants another type."""

from pathlib import Path

import pytest
from tests.drivers.books import END
from tests.drivers.desk import Desk

pytestmark = pytest.mark.reliability
HEAD = "runbook: v1\nid: tested\ntitle: Tested\n"
STEP = """\
steps:
  - {id: look, kind: command, effect: none, argv: [printf, "%s\\n", "${{ inputs.x }}"], next: done, on_fail: bad}
"""
WORDS = ["no", "on", "y", "22:22", "010", "1_000", "2024-01-01", "~", "0x1F", "0o14", "+1"]


@pytest.mark.parametrize("word", [*WORDS, "1e3"])
def test_f4_a_country_a_mode_or_a_version_stays_the_text_that_was_written(tmp_path: Path, word: str) -> None:
    desk = Desk(tmp_path)
    inputs = f"inputs: {{x: {{type: string, default: {word}}}}}\n"
    assert desk.walk(f"{HEAD}{inputs}{STEP}{END}").status == 0
    assert (desk.run().output / "look#1.1.stdout").read_text() == f"{word}\n"


@pytest.mark.parametrize("type_", ["integer", "number", "boolean"])
@pytest.mark.parametrize("word", WORDS)
def test_f4_a_port_that_is_none_is_refused_in_the_file_and_at_the_command_line(
    tmp_path: Path, word: str, type_: str
) -> None:
    desk = Desk(tmp_path)
    desk.write("book.yaml", f"{HEAD}inputs: {{x: {{type: {type_}, default: {word}}}}}\n{STEP}{END}")
    checked = desk.do("check", "book.yaml")
    assert (checked.status, "RB135" in checked.text) == (1, True), checked
    given = desk.walk(f"{HEAD}inputs: {{x: {{type: {type_}}}}}\n{STEP}{END}", "-i", f"x={word}")
    assert (given.status, "RB142" in given.text) == (2, True), given


@pytest.mark.parametrize(
    ("key", "word"),
    [("timeout", "1e3"), ("timeout", "22:22"), ("max_visits", "010"), ("max_visits", "1_000"), ("idempotent", "on")],
)
def test_f4_a_field_of_a_step_that_is_no_text_says_what_it_wants(tmp_path: Path, key: str, word: str) -> None:
    desk = Desk(tmp_path)
    desk.write(
        "book.yaml", f"{HEAD}{STEP.replace('${{ inputs.x }}', 'x').replace('next:', f'{key}: {word}, next:')}{END}"
    )
    checked = desk.do("check", "book.yaml")
    assert checked.status == 1
    assert f"`{word}` is" in checked.text
