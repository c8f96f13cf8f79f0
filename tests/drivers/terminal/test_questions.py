"""What a step wants to know is asked plainly, answered once, and looked at when it is typed."""

import json

import pytest
from tests.drivers.terminal.conftest import HEAD, Walking

FINISH = "  - {id: done, kind: finish, outcome: resolved}\n"
FORM = """\
  - id: form
    title: What do we know?
    kind: ask
    fields:
      since: {type: timestamp, prompt: "Since when?", default: "2026-11-21T09:00:00Z"}
      affected: {type: integer, prompt: "How many users?"}
      region: {enum: [europe, america], prompt: "Which region?"}
      password: {secret: true, prompt: "The password of the break-glass account"}
"""
MANUAL = """\
  - {id: hand, title: Look at it, kind: manual, effect: none, instructions: Look at the console.}
"""
CHECKLIST = """\
  - id: journeys
    title: Walk the main journeys
    kind: checklist
    items:
      - {id: sign_in, title: Sign-in works}
      - {id: page, title: The page answers, check: {kind: command, argv: ["true"]}}
      - {id: list, title: The main list loads}
    next: done
    on_fail: done
"""


@pytest.mark.reliability
def test_d13_a_form_takes_values_of_their_types_and_shows_no_secret(walking: Walking) -> None:
    """Each field is looked at when it is typed; a secret is neither shown nor logged, also not in a later note."""
    terminal = walking.start(FORM + FINISH)
    terminal.expect("1 of 4 Since when?", "Enter takes 2026-11-21T09:00:00Z", ":s skip")
    terminal.answer("")
    terminal.expect("2 of 4 How many users?", "a whole number")
    terminal.answer("twelve")
    terminal.expect("`affected` wants a whole number")
    terminal.answer(":n it began at 9")
    terminal.expect("note by ana@example.com: it began at 9", "2 of 4")
    terminal.answer("12")
    terminal.expect("3 of 4 Which region?", "1 europe", "2 america")
    terminal.answer("2")
    terminal.expect("4 of 4 The password", "it is not shown")
    terminal.answer("hunter2secret")
    terminal.expect(
        "Taken; it is not shown.", "2 affected: 12", "4 password: (not shown)", "Enter these are the values"
    )
    terminal.answer("2")
    terminal.expect("2 of 4 How many users?")
    terminal.answer("13")
    terminal.expect("2 affected: 13", "Enter these are the values")
    terminal.answer("n the password is hunter2secret")  # not known yet: it is kept when the form is
    terminal.expect("note by")
    terminal.answer("")
    terminal.expect("RESOLVED")
    answers = [json.loads(record["answer"]) for record in walking.records("answer.given")]
    assert answers == [{"fields": {"since": "2026-11-21T09:00:00Z", "affected": 13, "region": "america"}}]
    shown = terminal.raw.replace("the password is hunter2secret", "")
    assert "hunter2secret" not in shown.replace("note by ana@example.com: the password is hunter2secret", "")
    assert "hunter2secret" not in json.dumps(walking.records("answer.given", "step.finished", "question.asked"))


@pytest.mark.reliability
def test_d13_a_secret_that_is_known_is_masked_in_a_note(walking: Walking) -> None:
    """A secret is asked for without echo when a step needs it; pasted into a note it does not reach the log."""
    using = """\
  - id: use
    title: Use it
    kind: command
    effect: none
    argv: [sh, -c, "echo $TOKEN"]
    env: {TOKEN: "${{ secrets.token }}"}
"""
    terminal = walking.start(using + FINISH, head=HEAD + 'secrets:\n  token: {prompt: "The token, please"}\n')
    terminal.expect("The token, please", "It is not shown")
    terminal.answer("hunter2secret")
    terminal.expect("run it")
    terminal.answer("n I used hunter2secret for it")
    terminal.expect("note by ana@example.com: I used [MASKED:token] for it")
    terminal.answer("")
    terminal.expect("│ [MASKED:token]", "RESOLVED")
    assert "hunter2secret" not in walking.log.read_text()
    assert terminal.raw.count("hunter2secret") <= len("n I used hunter2secret for it")  # the line that was typed


def test_a_secret_that_is_not_typed_starts_nothing_and_pauses(walking: Walking) -> None:
    using = """\
  - id: use
    title: Use it
    kind: command
    effect: none
    argv: [sh, -c, "echo $TOKEN"]
    env: {TOKEN: "${{ secrets.token }}"}
"""
    terminal = walking.start(using + FINISH, head=HEAD + 'secrets:\n  token: {prompt: "The token, please"}\n')
    terminal.expect("The token, please", "›")
    terminal.send("\x04")
    terminal.expect("ENDING paused Ctrl-D at a question")
    assert walking.started() == []


def test_an_input_that_is_missing_is_asked_for(walking: Walking) -> None:
    head = HEAD + 'inputs:\n  ticket: {prompt: "Which incident?", pattern: "^INC-[0-9]+$"}\n'
    terminal = walking.start(FINISH, head=head)
    terminal.expect("1 of 1 Which incident?", "^INC-[0-9]+$")
    terminal.answer("seven")
    terminal.expect("`ticket` wants a text that matches")
    terminal.answer("INC-7")
    terminal.expect("ticket INC-7", "RESOLVED")
    assert json.loads(walking.records("run.started")[0]["inputs"]) == {"ticket": "INC-7"}


def test_a_look_of_a_checklist_that_is_tried_again_says_so(walking: Walking) -> None:
    again = CHECKLIST.replace('["true"]', '["false"], retry: {attempts: 2, delay: 1ms}')
    terminal = walking.start(again + FINISH)
    terminal.expect("✗ page: failed", "page: started, attempt 2", "✗ page: failed", "1 of 2")


def test_a_checklist_is_answered_item_by_item_with_notes_and_looked_over(walking: Walking) -> None:
    """Items that a machine looked at are shown with what it saw; an answer can be given again."""
    terminal = walking.start(CHECKLIST + FINISH)
    terminal.expect("page: passed", "2 ITEMS TO LOOK AT", "1 of 2 Sign-in works", "u not verified; it stays open")
    terminal.answer("")
    terminal.expect("Type y, n or u")
    terminal.answer("y")
    terminal.expect("2 of 2 The main list loads")
    terminal.answer("n blank page")
    terminal.expect(
        "1 Sign-in works: yes",
        "2 The main list loads: no (blank page)",
        "The page answers: yes, looked at by the machine",
        "Enter these are the answers",
    )
    terminal.answer("1")
    terminal.expect("1 of 2 Sign-in works")
    terminal.answer(":n the browser was a private window")
    terminal.expect("note by ana@example.com", "1 of 2")
    terminal.answer("u")
    terminal.expect("1 Sign-in works: not verified", "2 The main list loads: no (blank page)")
    terminal.answer("")
    terminal.expect("The main list loads: no", "RESOLVED")
    answers = [json.loads(record["answer"]) for record in walking.records("answer.given")]
    assert answers == [
        {"items": {"sign_in": "not_verified", "list": "no", "page": "yes"}, "notes": {"list": "blank page"}}
    ]


def test_a_choice_is_taken_by_number_or_id_and_by_nothing_else(walking: Walking) -> None:
    choice = """\
  - id: which
    title: What changed last?
    kind: choice
    options:
      - {id: deployment, label: There was a deployment, next: done}
      - {id: nothing, label: Nothing that we know of, help: "Look at the **dashboard** first."}
    next: which_else
  - {id: which_else, kind: choice, title: "And else?", next: done, options: [{id: a, label: First}]}
"""
    terminal = walking.start(choice + FINISH)
    terminal.expect("1 There was a deployment", "2 Nothing that we know of", "Look at the dashboard first.")
    terminal.answer("")
    terminal.expect("Enter alone does nothing here. Type `1` or `2`.")
    terminal.answer("3")
    terminal.expect("`3` is no key here.")
    terminal.answer("nothing")
    terminal.expect("passed · chosen nothing: Nothing that we know of", "And else?", ":a abort")
    terminal.answer("a")
    terminal.expect("chosen a: First", "RESOLVED")


def test_what_is_done_by_hand_is_done_or_failed_with_its_evidence(walking: Walking) -> None:
    manual = """\
  - id: by_hand
    title: Set what is missing
    kind: manual
    effect: change
    instructions: |
      Missing: A
      Misspelt: <name>

      - run `kubectl rollout undo deployment/<name>`
    evidence: required
    undo: {kind: manual, instructions: Put the former values back}
  - id: look
    title: Look
    kind: manual
    effect: none
    instructions: Look at the **error tracker**.
    next: done
    on_fail: done
"""
    terminal = walking.start(manual + FINISH)
    terminal.expect("Missing: A Misspelt: <name> - run kubectl rollout undo deployment/<name>", "To take it back:")
    terminal.answer("yes", guarded=True)
    terminal.expect("Do it now, then say how it went.", "d it is done", "f it failed")
    assert "s skip" not in terminal.text.rpartition("Do it now")[2]
    terminal.answer("s")
    terminal.expect("`by_hand` cannot be skipped: first it must be known what became of it")
    terminal.answer("d")
    terminal.expect("What shows it?")
    terminal.answer("")
    terminal.expect("d it is done")
    terminal.answer("d")
    terminal.expect("What shows it?")
    terminal.answer("https://example.com/change/7")
    terminal.expect("step 2 of 3", "BY HAND", "Look at the error tracker.", "s skip")
    terminal.answer("f")
    terminal.expect("What happened?")
    terminal.answer("it does not open")
    terminal.expect("not done: it does not open", "RESOLVED")


def test_a_message_stands_there_to_be_copied(walking: Walking) -> None:
    """Its lines are exactly those of the file, at the left edge, and nothing is wrapped."""
    message = """\
  - id: tell
    title: Tell them
    kind: message
    audience: support
    text: |
      Sign-in fails since 03:12 UTC, for everybody who has not signed in before, in every region that we serve.
      Next word at 03:30.
"""
    terminal = walking.start(message + FINISH, columns=40)
    terminal.expect("COPY THIS AND SEND IT TO support", "d it is sent")
    assert "\nSign-in fails since 03:12 UTC, for everybody who has not signed in before, in every region that" in (
        terminal.raw.replace("\r\n", "\n")
    )
    terminal.answer("d")
    terminal.expect("RESOLVED")


def test_a_text_that_is_asked_for_has_keys_and_a_way_back(walking: Walking) -> None:
    """Failed was typed by mistake; a pause is a pause and no text; a letter alone is no text either."""
    terminal = walking.start(MANUAL + FINISH)
    terminal.expect("d it is done")
    terminal.answer("f")
    terminal.expect("It failed. What happened?", "Enter nothing to add", ":b back", ":p pause")
    terminal.answer("p")
    terminal.expect("`p` alone is no text. The key here is `:p`.", ":b back")
    terminal.answer(":b")
    terminal.expect("d it is done", "f it failed")
    assert walking.records("answer.given") == []
    terminal.answer("f")
    terminal.expect("It failed. What happened?")
    terminal.answer(":n the console is slow")
    terminal.expect("note by ana@example.com: the console is slow", "d it is done")
    terminal.answer("f")
    terminal.expect("It failed. What happened?")
    terminal.answer(":p")
    terminal.expect("ENDING paused the operator paused it")
    assert walking.records("answer.given") == []


def test_an_item_is_answered_by_a_word_too_and_its_no_may_say_why(walking: Walking) -> None:
    terminal = walking.start(CHECKLIST + FINISH)
    terminal.expect("1 of 2 Sign-in works", "y yes", "n no; `n TEXT` says why", ":n note")
    terminal.answer("yes")
    terminal.expect("2 of 2")
    terminal.answer("perhaps")
    terminal.expect("`perhaps` is no answer here. Type y, n or u")
    terminal.answer("no a blank page")
    terminal.expect("no (a blank page)")
