"""The page of Markdown: what it says of a real run, and that nothing hostile in that run acts on any forge."""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.report.pages import assert_harmless, blocks, headings, rows
from tests.report.walked import SECRET, TICKET, Hostile, rehearsed, report, runbook, walked

from runbook.model.canonical import JsonObject
from runbook.report.results import named

HERE = Path(__file__).parent
TOOK = re.compile(r" \([0-9a-z ]+\)$")
GOLDEN = HERE / "drill" / "outage.md"
JUMPS = """\
runbook: v1
id: jumps
title: Jumps
steps:
  - {id: one, title: The first, kind: command, effect: none, argv: ["true"]}
  - {id: two, title: The second, kind: command, effect: none, argv: [test, -e, flag]}
  - {id: three, title: The third, kind: gate, question: "Really?"}
  - {id: four, title: The fourth, kind: command, effect: change, undo: none, because: it is nothing, argv: ["true"]}
  - {id: over, kind: finish, outcome: resolved}
"""
JUMPED = """\
answers:
  - {step: two, do: retry, reason: once more}
  - {step: two, do: go_to, to: three, reason: we know better}
  - {step: three, confirm: no, reason: not yet, do: retry}
  - {step: three, confirm: yes}
  - {step: four, confirm: no, reason: too late}
"""
SECTIONS = [
    "## Still open",
    "## Timeline",
    "## What was changed, and is left so",
    "## Decisions",
    "## Deviations from the runbook",
    "## Handed over",
    "## Communication",
    "## Hypotheses",
    "## Notes",
    "## Checklists",
    "### Look at everything",
    "## Steps",
    "## The run",
    "## The log",
]


@pytest.mark.reliability
def test_h3_hostile_texts_stay_texts(hostile: Hostile) -> None:
    title = "# Incident report · LIVE · The *shop* is down | @everyone ![x](http://img.example.com/t.png)"
    assert headings(hostile.page) == [title, *SECTIONS]
    assert_harmless(hostile.page)
    assert_harmless(hostile.paused)


@pytest.mark.reliability
def test_h3_an_output_is_shown_character_by_character(hostile: Hostile) -> None:
    seen = next(block for block in blocks(hostile.page) if "[MASKED:token]" in block)
    for line in ["```", "````", "| a | b |", "![](http://x.example.com/y.png)", "@channel <!-- hidden", "</details>"]:
        assert f"\n  {line}\n" in seen
    assert "\n  ␛]0;owned␇ ␛[31mred␛[0m\n" in seen


@pytest.mark.reliability
def test_d1_a_secret_is_in_the_report_by_name_only(hostile: Hostile) -> None:
    for text in (hostile.page, hostile.paused, hostile.json):
        assert SECRET not in text
        assert "[MASKED:token]" in text
    assert "- Secret `token`, read for `look`\n" in hostile.page


def test_the_first_screen_says_how_it_ended_and_what_is_left(hostile: Hostile) -> None:
    screen = hostile.page.split("## Timeline")[0]
    assert "It is \\*over\\*, `@channel`.\\\n" in screen
    assert "| Outcome | **mitigated** |\n" in screen
    assert "| Where | `production` |\n" in screen
    assert "| Operator | `ana@example.com`, then `ben@example.com` (from " in screen
    assert "| Changed | Mend it |\n| Deviations | 1, see below |\n" in screen
    assert (
        "`look` (failed) → `ask` → `mend` → `sure` → `list` (failed) → `tell` → `pause` → `extra` (skipped)" in screen
    )
    assert "- [ ] The second thing: no\n- [ ] The third thing: not verified\n" in screen


def test_the_timeline_has_a_line_for_what_matters(hostile: Hostile) -> None:
    head, *lines = rows(hostile.page, "Timeline")
    assert head == ["UTC", "Elapsed", "What happened"]
    said = [TOOK.sub("", line[-1]) for line in lines]
    assert said[0] == "The run begins in production, walked by ana@example.com"
    assert said[-1] == "The run ends: mitigated"
    for expected in [
        "Reminder: Tell @channel <b>now</b>",
        "What now?: Mend it | now @team, says ana@example.com",
        "Mend it: confirmed by ana@example.com, typing “production”: the | pipe ``` and @channel",
        "Mend it: passed, says ana@example.com: seen at http://graphs.example.com/x?y=1 <b>",
        "Sure?: yes, says ana@example.com: because",
        "The run pauses (ana@example.com): no answer to the question of list",
        "Hypothesis by eve@example.com: I think it is the cache | <!-- @channel second line",
        "ben@example.com is the operator from now on: resumed by another operator",
        "Look at everything: ✗ failed: 1 yes, 1 no (The second thing), 1 not verified (The third thing)",
        "Tell them: sent to @everyone, says ben@example.com",
        "Something more: ✗ failed: exit status 1",
        "Something more: ben@example.com skips it: not needed | @all",
    ]:
        assert expected in said
    assert any(line.startswith("Mend it: ✗ unknown: sleep did not end within 200 ms") for line in said)


def test_decisions_are_told_with_who_and_why(hostile: Hostile) -> None:
    head, *lines = rows(hostile.page, "Decisions")
    assert head == ["UTC", "Who", "About", "Decided", "Why"]
    ana = "ana@example.com"
    assert [line[1:] for line in lines] == [
        [ana, "What now?", "Mend it | now @team", ""],
        [ana, "Confirm: Mend it", "yes, typing “production”", "the | pipe ``` and @channel"],
        [ana, "What became of: Mend it", "passed", "seen at http://graphs.example.com/x?y=1 <b>"],
        [ana, f"Is {TICKET} really over?", "yes", "because"],
        ["eve@example.com", "", "We wait until 10:00", ""],
    ]


def test_deviations_and_notes_are_told_with_who_and_why(hostile: Hostile) -> None:
    deviations, hypotheses, notes = (
        [line[1:] for line in rows(hostile.page, name)[1:]]
        for name in ("Deviations from the runbook", "Hypotheses", "Notes")
    )
    assert deviations == [["ben@example.com", "Something more", "skipped it", "not needed | @all"]]
    assert hypotheses == [["eve@example.com", "I think it is the cache | <!-- @channel second line"]]
    assert notes == [["eve@example.com", "plain"]]


def test_what_was_known_at_a_hand_over_is_told_in_its_own_words(hostile: Hostile) -> None:
    known = hostile.page.split("Known then:\n")[1].split("\n\n")[0]
    assert "  - said: " in known
    assert " Told the CEO (`eve@example.com`)\n" in known
    assert "\\\\" not in known  # what is escaped twice shows its escapes


def test_the_values_of_a_form_are_written_as_a_runbook_writes_them() -> None:
    values: JsonObject = {"color": "青", "tags": ["a b", "ü"], "sure": True, "count": 3}
    assert named(values) == 'color = 青, tags = ["a b", "ü"], sure = true, count = 3'


def test_every_way_off_the_path_is_told(tmp_path: Path) -> None:
    options = ("--start-at", "two", "--reason", "the first is known", "--operator", "ana")
    walked(tmp_path, JUMPS, JUMPED, *options, status=3)
    page = runbook("report", "r1", cwd=tmp_path).stdout
    assert [line[1:] for line in rows(page, "Deviations from the runbook")[1:]] == [
        ["ana", "The second", "began here", "the first is known"],
        ["ana", "The second", "tried again after a failure", "once more"],
        ["ana", "The second", "went to three", "we know better"],
        ["ana", "The third", "tried again after a failure", "not yet"],
    ]
    assert [line[1:] for line in rows(page, "Decisions")[1:]] == [
        ["ana", "Really?", "no", "not yet"],
        ["ana", "Really?", "yes", ""],
        ["ana", "Confirm: The fourth", "no", "too late"],
    ]
    assert "- [ ] The fourth: may not start: too late\n" in page
    assert "Never done `" in page


def test_a_change_is_told_exactly_with_what_takes_it_back(hostile: Hostile) -> None:
    part = hostile.page.split("## What was changed")[1].split("\n## ")[0]
    assert "<b>Mend it</b>: changed, began at 2" in part
    assert blocks(part) == ["sleep 5\n", "by hand\nRun `undo` and tell @ops\n"]


def test_an_output_that_is_kept_is_named(hostile: Hostile) -> None:
    assert "- stdout in full: 172 bytes in `output/look#1.1.stdout`; secrets masked in it: `token`\n" in hostile.page
    assert "- Masked: `stdout`\n" in hostile.page


def test_the_log_is_named_with_the_line_that_holds_it_to_its_head(hostile: Hostile) -> None:
    line = blocks(hostile.page)[-1].strip()
    assert line.startswith("runbook verify r1 --anchor 5")
    assert runbook(*line.split()[1:], cwd=hostile.folder).returncode == 0


def test_times_are_shown_in_another_zone_too(hostile: Hostile) -> None:
    page = report(hostile.folder, "--zone", "Asia/Kolkata")
    head, first, *_ = rows(page, "Timeline")
    assert head == ["UTC", "Asia/Kolkata", "Elapsed", "What happened"]
    utc, local = (datetime.fromisoformat(first[column]) for column in (0, 1))
    assert local - utc == timedelta(hours=5, minutes=30)


def test_the_page_of_a_drill_is_this_one(tmp_path: Path) -> None:
    rehearsed(tmp_path, HERE / "drill" / "outage.yaml")
    page = re.sub(r"\b[0-9a-f]{12,64}\b", "…", report(tmp_path).split("## The run")[0])
    if os.environ.get("RUNBOOK_GOLDEN"):
        GOLDEN.write_text(page)
    assert page == GOLDEN.read_text(), "RUNBOOK_GOLDEN=1 writes it anew: read the difference"
