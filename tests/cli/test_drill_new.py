"""Scenarios are proposed for ways that nobody has walked: each loads, and those that say nothing else pass."""

from pathlib import Path

import pytest
from tests.drivers.desk import Desk

from runbook.cli.drafted import tried
from runbook.drivers.coverage import edges_to_walk
from runbook.drivers.proposing import propose
from runbook.kinds.registry import KINDS
from runbook.language.loading import load

BOOKS = Path(__file__).resolve().parents[2] / "runbooks"
BOOK = """\
runbook: v1
id: tested
title: Every sort of way
environments: {staging: {base: "https://app.example.com"}}
inputs: {ticket: {type: string, prompt: Which one, pattern: "^INC-[0-9]+$"}}
roles: {leads: [ana@example.com]}
steps:
  - id: look
    kind: http
    url: ${{ environment.base }}
    expect: status == 200 && body.status == "ok" && body.waiting < 10
    next: which
    on_fail: which
  - id: which
    kind: choice
    options:
      - {id: mend, label: Mend it, next: mend}
      - {id: leave, label: Leave it, next: bad}
  - id: mend
    kind: command
    effect: change
    argv: ["true"]
    timeout: 10s
    confirm: {approvals: {count: 1, from: [leads]}}
    guards: [{cooldown: 10m}]
    undo: {kind: command, argv: ["true"]}
    next: again
    on_fail: bad
    on_unknown: bad
  - id: again
    kind: manual
    effect: change
    instructions: Turn it again
    undo: none
    because: it turns by itself
    next: done
    on_fail: bad
  - {id: done, kind: finish, outcome: resolved}
  - {id: bad, kind: finish, outcome: escalated}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk."""
    return Desk(tmp_path)


def test_every_way_of_a_runbook_is_proposed_and_passes_as_it_is(desk: Desk) -> None:
    """Passes, failures, options, an unknown outcome, an undo, a guard that refuses, with an approval on the way."""
    desk.write("book.yaml", BOOK)
    done = desk.do("drill", "--new", "book.yaml", "-o", "scenarios")
    assert done.status == 0, done.text
    tested = desk.do("test", "--min-coverage", "100", ".")
    assert tested.status == 0, tested.text
    again = desk.do("drill", "--new", "book.yaml", "-o", "more")
    assert (again.status, again.out) == (0, "")
    assert "every way is walked by a scenario" in again.err


def test_a_proposal_never_writes_over_a_file_and_goes_to_standard_output_unless_told(desk: Desk) -> None:
    desk.write("book.yaml", BOOK)
    (desk.root / "scenarios").mkdir()
    desk.write("scenarios/look_passed.yaml", "mine: true\n")
    done = desk.do("drill", "--new", "book.yaml", "-o", "scenarios")
    assert done.status == 2
    assert "RB390" in done.err
    assert desk.root.joinpath("scenarios/look_passed.yaml").read_text() == "mine: true\n"
    printed = desk.do("drill", "--new", "book.yaml")
    assert printed.out.startswith("# --- look_passed.yaml\n# Proposed for the way")


def test_what_cannot_be_led_to_is_left_to_a_person_and_says_why(desk: Desk) -> None:
    never = BOOK.replace("next: which\n    on_fail: which", "next: sure\n    on_fail: which").replace(
        "  - id: which\n",
        '  - {id: sure, kind: assert, that: run.mode == "live", next: done, on_fail: which}\n  - id: which\n',
    )
    desk.write("book.yaml", never)
    done = desk.do("drill", "--new", "book.yaml", "-o", "scenarios")
    assert done.status == 1
    text = desk.root.joinpath("scenarios/sure_passed.yaml").read_text()
    assert "# A person has to finish this:" in text
    assert desk.do("check", "scenarios").status == 0


def test_of_a_real_runbook_most_ways_are_led_to(desk: Desk) -> None:
    """Each of a sample of its ways; that it is walked is seen, not believed."""
    del desk
    file = BOOKS / "database_connection.yaml"
    loaded = load(str(file), KINDS)
    assert loaded.runbook is not None
    edges = edges_to_walk(loaded.runbook)[::5]
    walked = 0
    for edge in edges:
        proposed = propose(edge, loaded.runbook, KINDS, text=loaded.text, path="x.yaml")
        rehearsed, problems = tried(proposed.draft, loaded.runbook)
        assert rehearsed is not None, problems
        walked += not proposed.left and not rehearsed.failures and edge in rehearsed.edges
    assert walked >= len(edges) - 1
