"""Nothing changes that was not confirmed, by exactly the right word, typed after the question was there to be read."""

import os
import time
from pathlib import Path

import pytest
from tests.drivers.terminal.conftest import HEAD, Walking

pytestmark = pytest.mark.reliability

CHANGE = """\
  - id: mend
    title: Restart it
    kind: command
    effect: change
    argv: [touch, changed]
    undo: {kind: manual, instructions: Start the former version}
  - {id: done, kind: finish, outcome: resolved}
"""
PHRASE = """\
  - id: drop
    title: Drop the sessions
    kind: command
    effect: irreversible
    because: sessions cannot be made again
    argv: [touch, changed]
  - {id: done, kind: finish, outcome: resolved}
"""
SLOW_THEN_CHANGE = (
    """\
  - id: slow
    title: Something slow
    kind: command
    effect: none
    argv: [sh, -c, "echo going; sleep 1.2"]
"""
    + CHANGE
)


def unchanged(directory: Path) -> bool:
    return not (directory / "changed").exists()


@pytest.mark.parametrize("what", ["closed", "null", "a file of newlines", "a file of answers"])
def test_j1_without_somebody_at_a_terminal_nothing_is_confirmed(walking: Walking, tmp_path: Path, what: str) -> None:
    """Standard input that is no terminal asks nobody, whatever comes out of it; the walk pauses."""
    file = tmp_path / "input"
    file.write_text("\n" * 1000 if what == "a file of newlines" else "yes\nproduction\n")
    stdin = os.open("/dev/null" if what == "null" else file, os.O_RDONLY)
    try:
        terminal = walking.start(CHANGE, stdin=stdin, closed=what == "closed")
        terminal.expect("ENDING paused no answer to the confirmation of `mend`")
    finally:
        os.close(stdin)
    assert unchanged(tmp_path)
    assert walking.started() == []


def test_j1_a_pipe_full_of_yes_confirms_nothing(walking: Walking, tmp_path: Path) -> None:
    """The old trick, for real."""
    reads, writes = os.pipe()
    os.write(writes, b"yes\n" * 1000)
    terminal = walking.start(CHANGE, stdin=reads)
    os.close(reads)
    os.close(writes)
    terminal.expect("ENDING paused")
    assert unchanged(tmp_path)


def test_j1_output_into_a_file_is_no_reason_not_to_ask(walking: Walking, tmp_path: Path) -> None:
    """With standard output elsewhere a person is asked on standard error."""
    with (tmp_path / "out").open("wb") as out:
        terminal = walking.start(CHANGE, stdout=out.fileno())
        terminal.expect("CHANGES SOMETHING", "yes do it now")
        terminal.answer("yes", guarded=True)
        terminal.expect("RESOLVED")
        terminal.end()
    assert b"RESOLVED" not in (tmp_path / "out").read_bytes()
    assert not unchanged(tmp_path)


def test_j2_keys_typed_while_a_command_runs_confirm_nothing(walking: Walking, tmp_path: Path) -> None:
    """What was typed before the question was there is dropped, and said to be."""
    terminal = walking.start(SLOW_THEN_CHANGE)
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("│ going")
    for _ in range(5):
        terminal.send("yes\r")
        time.sleep(0.05)  # typed by a person, not pasted
    terminal.expect("CHANGES SOMETHING", "yes do it now", "Typed too early")
    assert unchanged(tmp_path)
    terminal.answer("yes", guarded=True)
    terminal.expect("RESOLVED")
    assert not unchanged(tmp_path)


def test_j2_keys_that_go_on_into_the_question_confirm_nothing(walking: Walking, tmp_path: Path) -> None:
    """Who is still typing when the question comes up is not heard before the typing has stopped."""
    terminal = walking.start(SLOW_THEN_CHANGE)
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("│ going")
    until = time.monotonic() + 2.2
    while time.monotonic() < until:
        terminal.send("yes\r")
        time.sleep(0.1)  # typed on and on
    terminal.expect("Typed too early")
    time.sleep(0.2)  # whatever was heard would have started by now
    assert unchanged(tmp_path)
    assert walking.started() == ["slow"]


@pytest.mark.parametrize("bracketed", [True, False], ids=["bracketed", "plain"])
def test_j3_a_paste_of_several_lines_answers_one_question_at_most(
    walking: Walking, tmp_path: Path, *, bracketed: bool
) -> None:
    """Only the first line of a paste is taken; the others confirm nothing that comes later."""
    first = CHANGE.replace("id: mend", "id: again").replace("changed", "changed2").partition("  - {id: done")[0]
    terminal = walking.start(first + CHANGE)
    terminal.expect("yes do it now")
    time.sleep(0.45)  # the question is deaf at first
    lines = "yes\ryes\ryes\r" * 3
    terminal.send(f"\x1b[200~{lines}\x1b[201~" if bracketed else lines)
    if bracketed:
        terminal.expect("Only the first line of the paste was taken; 8 more dropped.")
        assert walking.started() == []
        terminal.send("\r")
    else:
        terminal.expect("Only the first line was taken; 8 more dropped.")
    terminal.expect("step 2 of 3", "yes do it now")
    time.sleep(0.5)  # whatever was left of the paste would have been heard by now
    assert (tmp_path / "changed2").exists()
    assert unchanged(tmp_path)
    assert walking.started() == ["again"]


def test_j4_only_the_exact_word_confirms(walking: Walking, tmp_path: Path) -> None:
    """Whatever is not ``yes`` starts nothing, and is asked again."""
    terminal = walking.start(CHANGE)
    terminal.expect("yes do it now")
    for typed, said in {
        "": "Enter alone does nothing",
        " ": "not exactly `yes`",
        "y": "not exactly `yes`",
        "Y": "not exactly `yes`",
        "YES": "capital and small letters count",
        "yes ": "there is a space too many",
        "yes\u200b": "not exactly `yes`",
        "yеs": "U+0435, cyrillic small letter ie",
    }.items():
        terminal.answer(typed, guarded=True)
        terminal.expect(said)
    assert unchanged(tmp_path)
    assert walking.started() == []
    terminal.answer("yes", guarded=True)
    terminal.expect("RESOLVED")


def test_j4_only_the_exact_phrase_confirms(walking: Walking, tmp_path: Path) -> None:
    """A phrase that looks alike is none, and the character that differs is named."""
    terminal = walking.start(PHRASE)
    terminal.expect("CANNOT BE UNDONE", "sessions cannot be made again", "production (typed exactly so)")
    for typed, said in {
        "": "Enter alone does nothing",
        " ": "not exactly `production`",
        "y": "not exactly `production`",
        "Y": "not exactly `production`",
        "yes": "not exactly `production`",
        "yes ": "not exactly `production`",
        "Production": "capital and small letters count",
        "PRODUCTION": "capital and small letters count",
        "production ": "there is a space too many",
        " production": "there is a space too many",
        "рroduction": "U+0440, cyrillic small letter er",
        "ｐroduction": "U+FF50, fullwidth latin small letter p",
        "produc\u00adtion": "U+00AD, soft hyphen",
    }.items():
        terminal.answer(typed, guarded=True)
        terminal.expect(said)
    assert unchanged(tmp_path)
    terminal.answer("production", guarded=True)
    terminal.expect("Why?")
    terminal.answer("")
    terminal.expect("production", "do it now; asks why first")
    terminal.answer("production", guarded=True)
    terminal.expect("Why?")
    terminal.answer("because of INC-7")
    terminal.expect("RESOLVED")
    assert not unchanged(tmp_path)
    assert [record["reason"] for record in walking.records("confirmation.given")] == ["because of INC-7"]


def test_j6_an_action_that_has_become_another_one_is_asked_again(walking: Walking, tmp_path: Path) -> None:
    """A secret that changes while the question is open makes the answer to it stale."""
    secret = HEAD + "secrets:\n  token: {file: token}\n"
    (tmp_path / "token").write_text("former-value")
    using = CHANGE.replace("    undo:", '    env: {TOKEN: "${{ secrets.token }}"}\n    undo:')
    terminal = walking.start(using, head=secret)
    terminal.expect("yes do it now")
    (tmp_path / "token").write_text("another-value")
    terminal.answer("yes", guarded=True)
    terminal.expect("Asked again: a secret has another value now.", "yes do it now")
    assert unchanged(tmp_path)
    terminal.answer("yes", guarded=True)
    terminal.expect("RESOLVED")
    assert not unchanged(tmp_path)


def test_no_is_a_refusal_and_the_operator_is_asked_what_to_do(walking: Walking, tmp_path: Path) -> None:
    """A no starts nothing, skips nothing, and leaves every way open."""
    terminal = walking.start(CHANGE)
    terminal.expect("yes do it now")
    terminal.answer("n", guarded=True)
    terminal.expect("not confirmed, not started", "r try again", "s skip it and go on at `done`")
    terminal.answer("r")
    terminal.expect("visit 2", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("RESOLVED")
    assert not unchanged(tmp_path)


def test_a_gate_is_passed_by_yes_only_and_cannot_be_skipped(walking: Walking) -> None:
    gate = """\
  - id: gate
    title: Is the backup good?
    kind: gate
    question: Has the backup been **restored** somewhere?
    confirm: {reason: required}
  - {id: done, kind: finish, outcome: resolved}
"""
    terminal = walking.start(gate)
    terminal.expect("A GATE: only yes goes on", "Has the backup been restored somewhere?")
    terminal.answer("s", guarded=True)
    terminal.expect("`gate` cannot be skipped: it is a gate")
    terminal.answer("", guarded=True)
    terminal.expect("Enter alone does nothing")
    terminal.answer("no", guarded=True)
    terminal.expect("Why not?")
    terminal.answer("nobody has looked")
    terminal.expect("answered no: nobody has looked", "Platform on-call", "r try again")
    terminal.answer("r")
    terminal.expect("Why try again?")
    terminal.answer("now I have")
    terminal.expect("visit 2", "A GATE")
    terminal.answer("yes", guarded=True)
    terminal.expect("Why?")
    terminal.answer("restored at 02:00")
    terminal.expect("RESOLVED")


def test_nobody_saw_the_result_and_the_operator_says_what_it_was(walking: Walking) -> None:
    """Unknown is an outcome: settled in a word typed out, with evidence, never by Enter."""
    lost = """\
  - id: lost
    title: A change that hangs
    kind: command
    effect: change
    undo: none
    because: a test
    timeout: 300ms
    argv: [sleep, "5"]
  - {id: done, kind: finish, outcome: resolved}
"""
    terminal = walking.start(lost)
    terminal.expect("It has no undo: a test", "yes do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("nobody saw the result", "Platform on-call", "passed it happened", "unknown nobody can tell")
    terminal.answer("", guarded=True)
    terminal.expect("Enter alone does nothing")
    terminal.answer("passed", guarded=True)
    terminal.expect("How do you know?")
    terminal.answer("it stands in the list")
    terminal.expect("settled as passed by ana@example.com", "RESOLVED")
    assert walking.started() == ["lost", "done"]
