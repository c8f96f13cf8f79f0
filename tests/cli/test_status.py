"""Where a run stands: each visit with its own outcome, and who walks it."""

import json
import sys
from pathlib import Path

import pytest
from tests.drivers.books import END, GOOD, book, change, read
from tests.drivers.desk import Desk, wait_for
from tests.drivers.terminal.pseudo import Terminal

AGAIN = book(
    read("look", "sh", "-c", "[ -e again ]", then="calm", fail="mend"),
    "id: mend\ntitle: Mend\nkind: command\neffect: none\nargv: [touch, again]\nmax_visits: 3\nnext: look\n",
    "id: calm\ntitle: Wait\nkind: wait\nfor: 1h\nnext: done\n",
    end=GOOD,
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_each_visit_has_its_own_outcome(desk: Desk) -> None:
    desk.write("book.yaml", AGAIN)
    process = desk.start("run", "book.yaml", "--run-id", "r1", "--operator", "ana@example.com")
    wait_for(lambda: desk.run().log.exists() and desk.types()[-1:] == ["wait.started"], "it does not come to the wait")
    out = desk.do("status", "r1").out
    assert "look (failed) → mend (passed) → look (passed) → calm (now)" in out
    assert f"walked by  process {process.pid} on " in out
    assert "(ana@example.com)" in out
    process.signal(15)
    process.ended()
    again = desk.start("resume", "r1")
    wait_for(lambda: desk.types()[-1:] == ["run.resumed"], "it does not go on")
    found = json.loads(desk.do("status", "r1", "--format", "json").out)
    again.signal(15)
    again.ended()
    assert found["walked_by"].endswith("(ana@example.com)")
    assert [(at["step"], at["visit"], at["outcome"]) for at in found["path"]] == [
        ("look", 1, "failed"),
        ("mend", 1, "passed"),
        ("look", 2, "passed"),
        ("calm", 1, None),
    ]
    assert found["changes"] == []


def test_a_message_that_nobody_has_sent_is_not_said(desk: Desk) -> None:
    tell = "id: tell\nkind: message\naudience: support\ntext: We look at it\nnext: done\non_fail: call\n"
    call = "id: call\nkind: manual\neffect: none\ninstructions: Call them\nnext: done\n"
    assert desk.walk(book(tell, call, end=GOOD)).status == 3
    assert "said" not in desk.do("status", "r1").out
    desk.write("answers.yaml", "answers: [{step: tell, outcome: failed, evidence: the chat is down}]\n")
    assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 3
    assert ", not sent)" in desk.do("status", "r1").out


def test_a_visit_that_was_left_without_a_start_is_not_said_to_be_now(desk: Desk) -> None:
    desk.write("answers.yaml", "answers: [{step: mend, confirm: no, do: retry}]\n")
    assert desk.walk(book(change("mend", then="done"), end=END), "--answers", "answers.yaml").status == 3
    assert "mend (not started) → mend (now)" in desk.do("status", "r1").out


def test_a_run_that_does_not_end_well_says_what_it_leaves_changed(desk: Desk) -> None:
    desk.write("answers.yaml", "answers: [{step: one, confirm: yes}, {step: two, confirm: yes}]\n")
    steps = book(change("one", then="two"), change("two", then="done", after="exit 1"), end=END)
    ended = desk.walk(steps, "--answers", "answers.yaml")
    assert ended.status == 1
    assert "left changed  two (nobody knows whether it happened): nothing takes it back: a test" in ended.err
    assert "              one: nothing takes it back: a test" in ended.err
    assert "the report has each change and its way back in full" in ended.err
    assert "says what it left changed" in desk.do("resume", "r1").err
    assert "nothing more is written into its log" in desk.do("note", "r1", "too late").err
    assert desk.walk(steps, run="r2").status == 3
    assert "left changed" not in desk.do("abort", "r2", "--reason", "enough").err
    desk.write("answers.yaml", "answers: [{step: one, confirm: yes}]\n")
    assert desk.walk(steps, "--answers", "answers.yaml", run="r3").status == 3
    assert "left changed  one: nothing takes it back: a test" in desk.do("abort", "r3", "--reason", "enough").err


def test_an_escalated_run_says_how_each_change_is_taken_back_by_hand(desk: Desk) -> None:
    """Nobody can take anything back in it any more, so whoever takes over is told exactly what to do."""
    way = "{kind: command, argv: [kubectl, scale, web, --replicas=2]}"
    grow = change("grow", then="done").replace("undo: none\nbecause: a test", f"undo: {way}")
    backup = change("backup", then="grow")
    desk.write("answers.yaml", "answers: [{step: backup, confirm: yes}, {step: grow, confirm: yes}]\n")
    end = END.replace("outcome: resolved", "outcome: escalated")
    ended = desk.walk(book(backup, grow, end=end), "--answers", "answers.yaml")
    assert "left changed  grow: taken back by: kubectl scale web --replicas=2" in ended.err
    assert "              backup: nothing takes it back: a test" in ended.err
    report = desk.do("report", "r1").out
    assert "What takes it back:\n\n```text\nkubectl scale web --replicas=2\n```" in report


def test_a_step_without_an_undo_that_takes_nothing_away_is_no_point_of_no_return(desk: Desk) -> None:
    """A backup has no way back because there is nothing to take back; the words say what the file says."""
    desk.write("answers.yaml", "answers: []\n")
    paused = desk.walk(book(change("backup", then="done"), end=END), "--answers", "answers.yaml")
    assert "no undo  this step: backup: a test" in paused.err
    assert "no return" not in paused.err


def test_who_walked_at_the_end_is_said_of_a_verified_log_too(desk: Desk) -> None:
    steps = book(change("one", then="done"), end=END)
    assert desk.walk(steps, "--operator", "ana@example.com").status == 3
    desk.write("answers.yaml", "answers: [{step: one, confirm: yes}]\n")
    assert desk.do("resume", "r1", "--operator", "ben@example.com", "--answers", "answers.yaml").status == 0
    assert "resolved, operator ana@example.com, at the end ben@example.com\n" in desk.do("verify", "r1").out


def test_on_a_narrow_terminal_what_is_to_be_copied_has_a_line_of_its_own(desk: Desk) -> None:
    desk.walk(book("id: one\ntitle: Do it\nkind: manual\neffect: none\ninstructions: It\nnext: done\n", end=GOOD))
    command = [sys.executable, "-c", "from runbook.cli.main import main; main()", "status", "r1"]
    with Terminal(command, columns=40, env=desk.env) as terminal:
        assert terminal.end() == 0
        lines = terminal.text.splitlines()
    assert "  go on      runbook resume r1" in lines
    began = next(number for number, line in enumerate(lines) if line.startswith("  began"))
    assert lines[began + 1].startswith(" " * 13)  # words are wrapped beside their label
    below = lines[lines.index("  log") + 1 :]
    assert "".join(below).startswith(str(desk.run().log))


def test_a_paused_run_stays_paused_whatever_is_noted_and_the_element_that_is_asked_about_is_named(desk: Desk) -> None:
    each = 'for_each: {in: \'["a", "b"]\'}\nconfirm: {each: true}\n'
    step = f"id: mend\nkind: command\neffect: change\nargv: [echo]\nundo: none\nbecause: x\n{each}next: done\n"
    desk.write("answers.yaml", "answers:\n  - {step: 'mend[0]', confirm: yes}\n")
    assert desk.walk(book(step, end=GOOD), "--answers", "answers.yaml", "--operator", "ana@example.com").status == 3
    for number in range(3):
        assert desk.do("note", "r1", f"note {number} {'x' * 9_000}").status == 0
    assert "paused" in desk.do("runs").out
    out = desk.do("status", "r1").out
    assert out.startswith("r1: paused\n")
    assert "stands at      mend[1]: waits for ana@example.com to confirm it, for " in out
    assert "note 2" in out
    assert "and 1 before that" in out
