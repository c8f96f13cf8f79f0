"""What a step asks a person: every kind of question, answered by a file, kept in a real log, judged again from it."""

import json
import signal
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, Done, answers, wait_for

from runbook.model.canonical import JsonObject

WITH = ("--answers", "answers.yaml")
ENDS = "next: done\non_fail: bad\n"
HOSTS = "id: look\nkind: command\neffect: none\nargv: [printf, 'one\\ntwo\\n']\noutput: lines\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk of its own for each test."""
    return Desk(tmp_path)


def asked(desk: Desk, *steps: str, given: tuple[str, ...] = (), head: str = "", status: int = 0) -> Done:
    """Walk these steps with these answers; the log must be sound, whatever came of it."""
    desk.write("answers.yaml", answers(*given))
    done = desk.walk(book(*steps, head=head), *(WITH if given else ()))
    assert done.status == status, done
    assert desk.verify() == (3 if status == 3 else 0)
    return done


def observed(desk: Desk, step: str) -> JsonObject:
    """What the last attempt of a step observed."""
    found: JsonObject = json.loads([str(f["obs"]) for f in desk.told("step.finished") if f["step"] == step][-1])
    return found


def reason(desk: Desk, step: str) -> str:
    """Why the last attempt of a step came out as it did."""
    return [str(f["reason"]) for f in desk.told("step.finished") if f["step"] == step][-1]


# Forms

EVERY = """\
id: form
kind: ask
fields:
  text: {}
  whole: {type: integer}
  part: {type: number}
  flag: {type: boolean}
  page: {type: url}
  pause: {type: duration}
  since: {type: timestamp}
  names: {type: list}
  left: {required: false}
  usual: {type: integer, default: 3}
"""
TYPED = """\
id: typed
kind: assert
that: >-
  steps.form.text == "a b" && steps.form.whole + 1 == 8 && steps.form.part < 2.0 && steps.form.flag
  && steps.form.page.startsWith("https") && steps.form.pause == duration("90s")
  && steps.form.since < timestamp("2026-11-21T09:00:00Z") && steps.form.names.size() == 2 && steps.form.usual == 3
"""


@pytest.mark.parametrize(
    "fields",
    [
        "text: a b, whole: 7, part: 1.5, flag: true, names: [x, y]",
        'text: a b, whole: "7", part: "1.5", flag: "true", names: "x, y"',
    ],
)
def test_a_field_of_every_type_is_taken_as_json_and_as_text_and_has_its_type_later(fields: str, desk: Desk) -> None:
    rest = "page: 'https://example.com/x', pause: 90s, since: '2026-11-21T09:00:00+01:00'"
    given = f"step: form, fields: {{{fields}, {rest}}}"
    asked(desk, EVERY, TYPED + ENDS, given=(given,), head="on_fail: bad\n")
    assert observed(desk, "form") == {
        "text": "a b",
        "whole": 7,
        "part": 1.5,
        "flag": True,
        "page": "https://example.com/x",
        "pause": "90s",
        "since": "2026-11-21T09:00:00+01:00",
        "names": ["x", "y"],
        "usual": 3,
    }


def test_a_field_takes_only_what_an_expression_allows_at_that_time(desk: Desk) -> None:
    form = "id: form\nkind: ask\nfields: {host: {enum: steps.look.lines}}\n" + ENDS
    done = asked(desk, HOSTS, form, given=("step: form, fields: {host: three}",), status=3)
    assert "does not fit: `host` wants one of one, two" in done.err
    assert "answer.given" not in desk.types()
    desk.write("answers.yaml", answers("step: form, fields: {host: two}"))
    assert desk.do("resume", "r1", *WITH).status == 0
    assert desk.verify() == 0
    assert observed(desk, "form") == {"host": "two"}


def test_a_form_without_an_answer_pauses_and_one_with_defaults_may_be_left_as_it_is(desk: Desk) -> None:
    form = "id: form\nkind: ask\nfields: {count: {type: integer, default: 3}}\n" + ENDS
    asked(desk, form, status=3)
    desk.write("answers.yaml", answers("step: form, fields: {}"))
    assert desk.do("resume", "r1", *WITH).status == 0
    assert observed(desk, "form") == {"count": 3}
    assert desk.verify() == 0


SECRET = "correct-horse-battery"
TOKEN = "id: form\nkind: ask\nfields: {token: {secret: true, pattern: '[a-z-]+'}, name: {}}\n"


def test_a_secret_field_reaches_the_program_and_nothing_else(desk: Desk) -> None:
    use = change(
        "one", more="env: {TOKEN: '${{ secrets.token }}'}\n", before='printf %s "$TOKEN" > seen; echo "$TOKEN"'
    )
    given = (f"step: form, fields: {{token: {SECRET}, name: ana}}, reason: it is {SECRET}", "step: one, confirm: 'yes'")
    done = asked(desk, TOKEN, use + "next: done\n" if "next" not in use else use, given=given, head="on_fail: bad\n")
    assert (desk.root / "seen").read_text() == SECRET
    assert SECRET.encode() not in desk.every_byte()
    assert SECRET not in done.text
    assert observed(desk, "form") == {"name": "ana"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("name: ana", "`token` is not given"),
        ("token: UNFIT-VALUE, name: ana", "`token` wants a text that matches [a-z-]+"),
        ("token: abc, name: ana", "the secret `token` has fewer than 4 characters"),
    ],
)
def test_a_secret_that_is_missing_or_unfit_is_refused_without_its_value(fields: str, problem: str, desk: Desk) -> None:
    desk.write("answers.yaml", answers(f"step: form, fields: {{{fields}}}"))
    done = desk.walk(book(TOKEN + ENDS), *WITH)
    assert done.status == 2
    assert problem in " ".join(done.err.split())
    for value in ("UNFIT-VALUE", "abc"):
        assert value not in done.err


def test_a_line_that_holds_a_secret_is_named_and_not_shown_wherever_it_is_spoken_of(desk: Desk) -> None:
    desk.write("answers.yaml", answers(f"step: form, fields: {{token: {SECRET}, name: ana, color: red}}"))
    done = desk.walk(book(TOKEN + ENDS), *WITH)
    assert "`form` has no field `color` (line 2)" in done.err
    assert SECRET not in done.err
    desk.write("answers.yaml", answers(*[f"step: form, fields: {{token: {SECRET}, name: ana}}"] * 2))
    done = desk.walk(book(TOKEN + ENDS), *WITH)
    assert "the answer for `form` was never used (line 3)" in done.err
    assert SECRET not in done.err


def test_a_secret_that_was_typed_is_gone_after_a_resume_and_says_where_it_comes_from(desk: Desk) -> None:
    use = change("one", then="done", more="env: {TOKEN: '${{ secrets.token }}'}\n")
    asked(
        desk,
        TOKEN,
        use,
        given=(f"step: form, fields: {{token: {SECRET}, name: ana}}",),
        head="on_fail: bad\n",
        status=3,
    )
    again = ("step: one, confirm: 'yes', do: go_to, to: form, reason: it is gone", "step: one, confirm: 'yes'")
    desk.write("answers.yaml", answers(*again, f"step: form, fields: {{token: {SECRET}, name: ben}}"))
    assert desk.do("resume", "r1", *WITH).status == 0
    (refused,) = desk.told("step.refused")
    assert (refused["by"], "go back to the step that makes it" in str(refused["reason"])) == ("secret", True)
    assert desk.verify() == 0
    assert SECRET.encode() not in desk.every_byte()


# Choices

SIZED = """\
id: sized
kind: choice
options:
  - {id: none, label: None, when: size(steps.look.lines) == 0, next: bad}
  - {id: few, label: Few, when: size(steps.look.lines) < 3}
  - {id: many, label: Many, otherwise: true, next: bad}
next: done
on_fail: bad
"""


@pytest.mark.parametrize(("count", "chosen", "status"), [(2, "few", 0), (4, "many", 1)])
def test_a_machine_takes_the_first_option_that_is_true_else_the_other(
    count: int, chosen: str, status: int, desk: Desk
) -> None:
    look = read("look", "seq", str(count), then="sized", more="output: lines\n")
    asked(desk, look, SIZED, status=status)
    assert observed(desk, "sized") == {"chosen": chosen}
    assert "question.asked" not in desk.types()


def test_a_choice_with_nothing_to_take_fails_and_says_so(desk: Desk) -> None:
    lines = SIZED.splitlines(keepends=True)
    look = read("look", "seq", "4", then="sized", more="output: lines\n")
    asked(desk, look, "".join(lines[:5] + lines[6:]), status=1)
    assert reason(desk, "sized") == "no option is true, and none is `otherwise`"
    assert [f["via"] for f in desk.told("step.entered")] == ["start", "passed", "failed"]


OPEN = """\
id: open
kind: choice
options:
  - {id: always, label: Always}
  - {id: few, label: Few, when: size(steps.look.lines) < 3}
  - {id: many, label: Many, when: size(steps.look.lines) >= 3}
  - {id: other, label: Another, otherwise: true}
next: done
on_fail: bad
"""


def test_a_person_chooses_among_the_options_that_are_true_and_no_other(desk: Desk) -> None:
    for given in ("many", "other"):
        done = asked(desk, HOSTS, OPEN, given=(f"step: open, choose: {given}",), status=3)
        assert "does not fit: choose one of always, few" in done.err
        desk.do("abort", "r1", "--reason", "again")
        desk.run().path.rename(desk.root / given)
    asked(desk, HOSTS, OPEN, given=("step: open, choose: few",))
    (question,) = desk.told("question.asked")
    assert [option["id"] for option in json.loads(str(question["question"]))["options"]] == ["always", "few"]


# Checklists

LIST = """\
id: list
kind: checklist
items:
  - {id: seen, title: Somebody saw it}
  - {id: there, title: It is there, check: {kind: command, argv: [test, -e, there]}}
"""
WORDS = "answers: {yes: well, no: broken, not_verified: nobody looked}\n"


@pytest.mark.parametrize(
    ("said", "more", "there", "why"),
    [
        ("yes", "", True, ""),
        ("not_verified", "", True, ""),
        ("not_verified", "require: all\n", True, "Somebody saw it: not verified"),
        ("not_verified", "require: all\n" + WORDS, True, "Somebody saw it: nobody looked"),
        ("no", "", True, "Somebody saw it: no"),
        ("no", WORDS, False, "Somebody saw it, It is there: broken"),
        ("yes", "", False, "It is there: no"),
    ],
)
def test_a_checklist_comes_out_as_its_answers_and_checks_say(
    said: str, more: str, there: bool, why: str, desk: Desk
) -> None:
    if there:
        desk.write("there", "")
    given = f"step: list, items: {{seen: {said}}}, notes: {{there: at last}}"
    asked(desk, LIST + more + ENDS, given=(given,), status=1 if why else 0)
    assert reason(desk, "list") == why
    items = {"seen": said, "there": "yes" if there else "no"}
    assert observed(desk, "list") == {
        "items": items,
        "open": ["seen"] if said == "not_verified" else [],
        "failed": [name for name, answer in items.items() if answer == "no"],
        "notes": {"there": "at last"},
    }
    (question,) = desk.told("question.asked")
    labels = ["well", "broken", "nobody looked"] if WORDS in more else ["yes", "no", "not verified"]
    assert json.loads(str(question["question"]))["labels"] == labels


def test_a_checklist_of_checks_asks_nobody(desk: Desk) -> None:
    asked(desk, LIST.replace("  - {id: seen, title: Somebody saw it}\n", "") + ENDS, status=1)
    assert observed(desk, "list")["failed"] == ["there"]
    assert "question.asked" not in desk.types()


@pytest.mark.parametrize("alone", [True, False])
def test_a_check_that_somebody_stopped_has_said_nothing_and_the_log_is_sound(alone: bool, desk: Desk) -> None:
    text = LIST.replace("[test, -e, there]", "[sh, -c, 'touch begun; [ -e there ] || sleep 30']")
    text = text.replace("  - {id: seen, title: Somebody saw it}\n", "") if alone else text
    desk.write("book.yaml", book(text + ENDS))
    desk.write("answers.yaml", answers("step: list, items: {seen: 'yes'}" if not alone else "step: bad, do: retry"))
    process = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    wait_for((desk.root / "begun").exists, "it does not begin")
    process.signal(signal.SIGINT)
    assert process.ended().status == 3
    assert desk.verify() == 3, desk.do("verify", "r1").text
    desk.write("there", "")
    assert desk.do("resume", "r1", *WITH).status in {0, 3}
    assert desk.verify() in {0, 3}, desk.do("verify", "r1").text


# Gates, and what is done by hand


def test_a_gate_wants_its_phrase_and_its_reason_and_keeps_who_said_it(desk: Desk) -> None:
    gate = "id: sure\nkind: gate\nquestion: Sure?\nconfirm: {phrase: do it, reason: required}\n" + ENDS
    asked(desk, gate, given=("step: sure, confirm: do it, reason: the backup is there",))
    seen = observed(desk, "sure")
    assert (seen["confirmed"], seen["reason"]) == (True, "the backup is there")
    assert seen["by"] == desk.told("run.started")[0]["operator"]


def test_a_wrong_phrase_is_no_yes(desk: Desk) -> None:
    gate = "id: sure\nkind: gate\nquestion: Sure?\nconfirm: {phrase: do it}\n" + ENDS
    assert asked(desk, gate, given=("step: sure, confirm: Do it",), status=3).err.count("does not fit") == 1


@pytest.mark.parametrize(
    ("evidence", "given", "status", "kept"),
    [
        ("required", "outcome: done, evidence: the graph", 0, "the graph"),
        ("required", "outcome: failed", 1, ""),
        ("optional", "outcome: done", 0, ""),
        ("optional", "outcome: done, evidence: the graph", 0, "the graph"),
        ("none", "outcome: done", 0, ""),
    ],
)
def test_what_is_done_by_hand_wants_the_evidence_that_the_file_demands(
    evidence: str, given: str, status: int, kept: str, desk: Desk
) -> None:
    hand = f"id: hand\nkind: manual\neffect: none\ninstructions: Look\nevidence: {evidence}\n" + ENDS
    asked(desk, hand, given=(f"step: hand, {given}",), status=status)
    assert observed(desk, "hand") == {"done": status == 0, "evidence": kept}


def test_a_change_by_hand_is_confirmed_first_and_its_failure_may_have_changed_something(desk: Desk) -> None:
    hand = (
        "id: hand\nkind: manual\neffect: change\ninstructions: Set it\n"
        "undo: {kind: manual, instructions: Put it back}\n" + ENDS
    )
    asked(desk, hand, given=("step: hand, confirm: 'yes', outcome: failed, evidence: the page was gone",), status=1)
    (end,) = [f for f in desk.told("step.finished") if f["step"] == "hand"]
    assert (end["outcome"], end["changed"], end["reason"]) == ("failed", "maybe", "not done: the page was gone")
    types = desk.types()
    assert types.index("confirmation.given") < types.index("step.started") < types.index("question.asked")


def test_a_message_by_hand_is_said_to_be_sent_or_not(desk: Desk) -> None:
    say = "id: say\nkind: message\naudience: support\ntext: Sign-in fails\n" + ENDS
    asked(desk, say, given=("step: say, outcome: done",))
    assert observed(desk, "say") == {"sent": True, "text": "Sign-in fails"}
