"""The keys that are there at every question: each says what it does, asks why, and does nothing on one word alone."""

import time

import pytest
from tests.drivers.terminal.conftest import HEAD, Walking

STEPS = """\
  - {id: look, title: Look at it, kind: command, effect: none, argv: [sh, -c, "echo seen"]}
  - {id: gate, title: "Is it good?", kind: gate, question: "Is it?"}
  - id: mend
    title: Mend it
    kind: command
    effect: change
    argv: ["true"]
    undo: {kind: manual, instructions: Break it again}
  - {id: later, title: Say it, kind: command, effect: none, argv: [echo, "${{ steps.look.stdout }}"]}
  - {id: done, kind: finish, outcome: resolved, needs: [look]}
"""


def test_every_key_says_what_it_does(walking: Walking) -> None:
    terminal = walking.start(STEPS)
    terminal.expect("Enter run it", "s skip", "g go to", "n note", "p pause", "a abort", "? help")
    terminal.answer("?")
    terminal.expect("pass over this step; asks why", "nothing is lost", "Ctrl-Z", "Keys are sent with Enter")
    terminal.answer("c")
    terminal.expect("Platform on-call", "pager: platform-oncall")
    terminal.answer("u")
    terminal.expect("Nothing is taken back from here: this run has changed nothing")
    terminal.answer("z")
    terminal.expect("`z` is no key here. Type Enter, or another key of the list.")
    terminal.answer("p")
    terminal.expect("ENDING paused the operator paused it")
    assert walking.started() == []


def test_a_skip_says_what_leans_on_the_step_and_asks_why(walking: Walking) -> None:
    terminal = walking.start(STEPS)
    terminal.expect("run it")
    terminal.answer("s")
    terminal.expect("goes on at `gate`", "`later` reads its stdout", "`done` needs it to have passed", "Why skip it?")
    terminal.answer("")
    terminal.expect("run it")
    terminal.answer("skip")
    terminal.expect("Why skip it?")
    terminal.answer("seen already")
    terminal.expect("skipped · seen already", "step 2 of 5", "– look › gate")
    assert [r["reason"] for r in walking.records("deviation.recorded")] == ["seen already"]


@pytest.mark.reliability
def test_j11_a_jump_lists_the_steps_and_says_why_one_is_refused(walking: Walking) -> None:
    """A gate is not passed by a jump, an unmet need refuses it, and a step that may be next is."""
    terminal = walking.start(STEPS)
    terminal.expect("run it")
    terminal.answer("g")
    terminal.expect(
        "1 look you are here", "3 mend Mend it not now: a gate before it", "5 done Done not now: `look` has not run"
    )
    terminal.answer("3")
    terminal.expect("Not there now: the gate `gate` stands on every path to it and was not passed")
    terminal.answer("g")
    terminal.expect("Go to which step?")
    terminal.answer("done")
    terminal.expect("Not there now: `look` has not run")
    terminal.answer("g")
    terminal.expect("Go to which step?")
    terminal.answer("gatee")
    terminal.expect("There is no step `gatee`; did you mean `gate`?", "Go to which step?")
    terminal.answer("gate")
    terminal.expect("Why go to `gate`?")
    terminal.answer("looked at it elsewhere")
    terminal.expect("deviation recorded: jump to gate", "step 2 of 5", "A GATE")


def test_an_abort_asks_why_and_asks_again(walking: Walking) -> None:
    terminal = walking.start(STEPS)
    terminal.expect("run it")
    terminal.answer("a")
    terminal.expect("it cannot be resumed", "Why abort it?")
    terminal.answer("wrong runbook")
    terminal.expect("Type `abort`")
    terminal.answer("yes", guarded=True)
    terminal.expect("Not aborted.")
    terminal.answer("a")
    terminal.expect("Why abort it?")
    terminal.answer("wrong runbook")
    terminal.expect("Type `abort`")
    terminal.answer("abort", guarded=True)
    terminal.expect("ABORTED", "Platform on-call", "ENDING finished aborted")


def test_notes_have_kinds(walking: Walking) -> None:
    terminal = walking.start(STEPS)
    terminal.expect("run it")
    terminal.answer("n the pods restart")
    terminal.expect("note by ana@example.com: the pods restart")
    for key, kind in (("d", "decision"), ("h", "hypothesis"), ("communication", "communication"), ("", "note")):
        terminal.answer("n")
        terminal.expect("Enter a note · d a decision · h a hypothesis · c a communication")
        terminal.answer(key)
        terminal.expect(f"The {kind}:")
        terminal.answer(f"a {kind} of mine")
        terminal.expect(f"{kind} by ana@example.com: a {kind} of mine")
    kinds = [record["kind"] for record in walking.records("note.added")]
    assert kinds == ["note", "decision", "hypothesis", "communication", "note"]


def test_a_reminder_leaves_the_line_that_is_being_typed(walking: Walking) -> None:
    terminal = walking.start(STEPS, head=HEAD + "reminders:\n  - {after: 1s, say: Post a status update}\n")
    terminal.expect("run it")
    terminal.send("n half a li")
    terminal.expect("REMINDER: Post a status update", within=5)
    terminal.expect("› n half a li")
    terminal.send("ne\r")
    terminal.expect("note by ana@example.com: half a line")
    assert terminal.text.count("Post a status update") == 1


def test_a_wait_counts_down_and_takes_its_keys(walking: Walking) -> None:
    wait = """\
  - {id: settle, title: Let the caches fill, kind: wait, for: 2m}
  - id: healthy
    title: Wait for it
    kind: wait
    until: {kind: command, argv: [sh, -c, "echo still cold; test -e there"], expect: exit_code == 0}
    every: 30s
    timeout: 2m
  - {id: done, kind: finish, outcome: resolved}
"""
    terminal = walking.start(wait)
    terminal.expect("wait 2 min", "x stop waiting and go on; asks why", "1:59 left ›")
    assert "check now" not in terminal.text
    terminal.expect("1:58 left ›")
    terminal.answer("n still warm")
    terminal.expect("note by ana@example.com: still warm")
    terminal.answer("x")
    terminal.expect("Why stop waiting?")
    terminal.answer("")
    terminal.expect("left ›")
    terminal.answer("x")
    terminal.expect("Why stop waiting?")
    terminal.answer("warm enough")
    terminal.expect("the wait was stopped by the operator", "step 2 of 3", "the machine looks (until): sh -c")
    terminal.expect("passes if exit_code == 0", "│ still cold", "look 1: not yet", "c check now")
    terminal.expect("looks in 0:29 · gives up in 1:59 ›")
    terminal.answer("c")
    while len(walking.records("wait.checked")) < 2:
        assert terminal.process.poll() is None
        time.sleep(0.01)  # the other process does it
    time.sleep(0.2)  # what comes in the same breath as the line before is no answer
    (walking.log.parent / "there").touch()
    terminal.answer("c")
    terminal.expect("look 3: it passes", "RESOLVED")
    assert terminal.text.count("│ still cold") == 1  # a long wait stays short
    acts = [(record["do"], record.get("reason")) for record in walking.records("operator.acted")]
    assert acts == [("stop_waiting", "warm enough"), ("check_now", None), ("check_now", None)]


def test_a_failed_step_shows_whom_to_call_and_what_can_be_done(walking: Walking) -> None:
    failing = """\
  - {id: look, title: Look, kind: command, effect: none, argv: [sh, -c, "exit 3"], retry: {attempts: 2, delay: 30s}}
  - {id: done, kind: finish, outcome: resolved}
"""
    terminal = walking.start(failing)
    terminal.expect("up to 2 attempts", "run it")
    terminal.answer("")
    terminal.expect("failed · exit status 3", "attempt 2 in 30 s", "c try again now", "0:29 left ›")
    terminal.answer("c")
    terminal.expect("started, attempt 2", "failed", "THE FILE NAMES NO WAY ON FROM HERE", "pager: platform-oncall")
    terminal.expect("r try again: a new visit", "s skip it and go on at `done`", "a abort: the run is over for good")
    terminal.answer("r")
    terminal.expect("Why try again?")
    terminal.answer("")
    terminal.expect("r try again")
    terminal.answer("s")
    terminal.expect("Why skip it?")
    terminal.answer("known")
    terminal.expect("RESOLVED")


def test_a_note_is_asked_for_by_its_kind_and_a_key_is_no_note(walking: Walking) -> None:
    terminal = walking.start(STEPS)
    terminal.expect("run it")
    terminal.answer("n")
    terminal.expect("What is it?", "Enter a note · d a decision · h a hypothesis · c a communication · :b back")
    terminal.answer("p")
    terminal.expect("`p` alone is no text. The key here is `:p`.", "What is it?")
    terminal.answer("h")
    terminal.expect("The hypothesis:", "Enter goes back")
    terminal.answer("")
    terminal.expect("What is it?")
    terminal.answer("d")
    terminal.expect("The decision:")
    terminal.answer("roll back at three")
    terminal.expect("decision by ana@example.com: roll back at three", "run it")
    terminal.answer("n")
    terminal.expect("What is it?")
    terminal.answer(":b")
    terminal.expect("run it")
    assert [(r["kind"], r["text"]) for r in walking.records("note.added")] == [("decision", "roll back at three")]


def test_trying_again_says_so_where_the_file_allows_no_more_visits(walking: Walking) -> None:
    step = (
        "  - {id: mend, kind: command, effect: change, argv: [echo, x], undo: none, because: a test, max_visits: 1}\n"
    )
    terminal = walking.start(step + "  - {id: done, kind: finish, outcome: resolved}\n")
    terminal.expect("yes do it now")
    terminal.answer("no", guarded=True)
    terminal.expect("r try again: that is one visit more than the file allows (1), so it fails without a start")
