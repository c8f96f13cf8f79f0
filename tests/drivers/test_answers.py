"""An answers file is judged before the walk as far as it can be, and nothing in it is passed over in silence."""

from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers
from tests.drivers.sitting import Entries, Sitting, answering, loaded, rehearsed

from runbook.drivers.foresight import look_over
from runbook.drivers.session import Stop
from runbook.kinds.registry import KINDS
from runbook.language.loading import load_answers
from runbook.model.diagnostics import Diagnostic, Refused
from runbook.world.clock import SimulatedClock

WITH = ("--answers", "answers.yaml")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk of its own for each test."""
    return Desk(tmp_path)


FORM = """\
id: form
kind: ask
fields:
  count: {type: integer}
  since: {type: timestamp, default: "2026-11-21T09:00:00Z"}
  ticket: {pattern: "INC-[0-9]+", required: false}
  region: {enum: [europe, america], default: europe}
  host: {enum: steps.look.lines, default: one}
  token: {secret: true, required: false}
"""
LIST = """\
id: list
kind: checklist
items:
  - {id: seen, title: Somebody saw it}
  - {id: works, title: It works}
  - {id: there, title: It is there, check: {kind: command, argv: [probe]}}
"""
WAY = """\
id: way
kind: choice
options:
  - {id: ahead, label: Go ahead}
  - {id: back, label: Go back, next: bad}
"""
BY_ITSELF = """\
id: by_itself
kind: choice
options:
  - {id: many, label: Many, when: size(steps.look.lines) > 3}
  - {id: few, label: Few, otherwise: true}
"""
SURE = "id: sure\nkind: gate\nquestion: Sure?\nconfirm: {phrase: do it, reason: required}\n"
PLAIN = "id: plain\nkind: gate\nquestion: Sure?\n"
HAND = "id: hand\nkind: manual\neffect: none\ninstructions: Look\nevidence: required\n"
SAY = "id: say\nkind: message\ntext: It is over\n"
LOST = change("lost", then="grave", more="probe: {kind: command, argv: ['true']}\non_unknown: bad\n")
GRAVE = change("grave", then="done").replace("effect: change", "effect: irreversible")
LOOK = "id: look\nkind: command\neffect: none\nargv: [hosts]\noutput: lines\n"
BOOK = book(
    LOOK,
    FORM,
    LIST,
    WAY,
    BY_ITSELF,
    SURE,
    PLAIN,
    HAND,
    SAY,
    change("one", then="lost"),
    LOST,
    GRAVE,
    head="on_fail: bad\n",
)


def judged(root: Path, *entries: str, text: str = BOOK) -> list[Diagnostic]:
    """What is wrong with these entries."""
    path = root / "answers.yaml"
    path.write_text(answers(*entries))
    found = load_answers(str(path))
    assert found.answers is not None, [str(diagnostic) for diagnostic in found.diagnostics]
    return look_over(found.answers, loaded(root, text), KINDS)


RIGHT = [
    "step: form, fields: {count: 7}",
    "step: form, fields: {count: '7', since: 2026-11-21T09:00:00+01:00, ticket: INC-7, region: america, token: abcd}",
    # What an expression allows is known only then.
    "step: form, fields: {count: 7, host: anything}",
    "step: list, items: {seen: yes, works: not_verified}, notes: {there: it was there, seen: yes}, reason: because",
    "step: list.seen, confirm: no",
    "step: list.works, confirm: not_verified, reason: nobody could",
    "step: way, choose: back, reason: it is late",
    "step: sure, confirm: do it, reason: because",
    "step: sure, confirm: no",
    "step: plain, confirm: yes",
    "step: hand, outcome: done, evidence: it says so",
    "step: hand, outcome: failed, reason: no access",
    "step: say, outcome: done",
    "step: one, confirm: yes, settle: passed, evidence: the counter moved",
    "step: one, confirm: yes, do: retry",
    "step: one, do: skip, reason: because",
    "step: one, do: go_to, to: bad, reason: because",
    "step: look, do: abort, reason: because",
    "step: grave, confirm: grave, reason: because",
]
WRONG = [
    ("step: nowhere, confirm: yes", "there is no step `nowhere` in `tested`"),
    ("step: frm, fields: {count: 7}", "there is no step `frm` in `tested`"),
    ("step: list.sen, confirm: yes", "there is no step `list.sen` in `tested`"),
    ("step: one.undo, confirm: yes", "there is no step `one.undo` in `tested`"),
    ("step: one.probe, confirm: yes", "there is no step `one.probe` in `tested`"),
    ("step: 'list[0]', confirm: yes", "there is no step `list[0]` in `tested`"),
    ("step: other/one, confirm: yes", "there is no step `other/one` in `tested`"),
    ("step: lost.probe, confirm: yes", "a machine looks at `lost.probe`, and nothing is asked there"),
    ("step: list.there, confirm: yes", "a machine looks at `list.there`, and nothing is asked there"),
    ("step: list.seen, confirm: maybe", "the item `list.seen` is answered in no way that it takes"),
    ("step: list.seen, reason: x", "the item `list.seen` is answered in no way that it takes"),
    ("step: list.seen, confirm: yes, items: {seen: yes}", "`items` is no answer to the item `list.seen`"),
    ("step: form, fields: {}", "the answer for `form` does not fit: `count` is not given"),
    ("step: form, fields: {count: many}", "the answer for `form` does not fit: `count` wants a whole number"),
    ("step: form, fields: {count: 1.5}", "the answer for `form` does not fit: `count` wants a whole number"),
    ("step: form, fields: {count: 1, cuont: 1}", "`form` has no field `cuont`"),
    (
        "step: form, fields: {count: 1, since: 03:12}",
        "the answer for `form` does not fit: `since` wants a time with its zone, such as 2026-11-21T09:00:00Z",
    ),
    (
        "step: form, fields: {count: 1, ticket: INC-x}",
        "the answer for `form` does not fit: `ticket` wants a text that matches INC-[0-9]+",
    ),
    (
        "step: form, fields: {count: 1, region: africa}",
        "the answer for `form` does not fit: `region` wants one of europe, america",
    ),
    (
        "step: form, fields: {count: 1, token: abc}",
        "the answer for `form` does not fit: the secret `token` has fewer than 4 characters (line 2)",
    ),
    ("step: list, items: {sen: yes}", "`list` has no item `sen`"),
    ("step: list, items: {there: no}", "a machine looks at the item `there` of `list`, and answers it"),
    ("step: list, items: {seen: yes, works: yes}, notes: {sen: x}", "`list` has no item `sen`"),
    ("step: way, choose: ahaed", "`way` has no option `ahaed`"),
    ("step: by_itself, choose: many", "`by_itself` never asks for `choose`"),
    ("step: sure, confirm: yes, reason: because", "`sure` wants its phrase typed, and `yes` is given"),
    ("step: sure, confirm: do it", "`sure` is confirmed with a reason only, and none is given"),
    ("step: sure, do: skip, reason: because", "`sure` is a gate and cannot be skipped"),
    ("step: done, do: skip, reason: because", "`done` is the end of the run and cannot be skipped"),
    ("step: hand, outcome: done", "`hand` is done with evidence only, and none is given"),
    ("step: hand, outcome: done, evidence: '  '", "`hand` is done with evidence only, and none is given"),
    ("step: hand, confirm: yes, outcome: failed", "`hand` never asks for `confirm`"),
    ("step: look, outcome: done", "`look` never asks for `outcome`"),
    ("step: look, settle: passed", "`look` never asks for `settle`"),
    # Its own edge leads on from there.
    ("step: lost, settle: passed", "`lost` never asks for `settle`"),
    ("step: grave, confirm: yes, reason: because", "`grave` wants its phrase typed, and `yes` is given"),
    ("step: grave, confirm: grave", "`grave` is confirmed with a reason only, and none is given"),
    ("step: one, do: undo", "`do: undo` at `one` has nothing to take back: no step of `tested` has an `undo`"),
    ("step: one, do: skip", "`do: skip` at `one` is done with a reason only"),
    ("step: one, do: abort, reason: ' '", "`do: abort` at `one` is done with a reason only"),
    ("step: one, do: go_to, reason: x", "`do: go_to` at `one` leads and says no step to go to"),
    ("step: one, do: go_to, to: dnoe, reason: x", "`do: go_to` at `one` leads to `dnoe`, which is no step"),
    ("step: one, to: done", "`to` at `one` says where to go, and nothing goes there"),
    ("step: one, reason: because", "the answer for `one` says nothing"),
]


@pytest.mark.parametrize("entry", RIGHT)
def test_an_answer_that_may_fit_is_let_through(entry: str, tmp_path: Path) -> None:
    assert judged(tmp_path, entry) == []


@pytest.mark.reliability
@pytest.mark.parametrize(("entry", "message"), WRONG)
def test_j5_a_misfit_is_told_before_the_walk_at_its_place(entry: str, message: str, tmp_path: Path) -> None:
    (found,) = judged(tmp_path, entry)
    assert found.message == message
    assert found.help
    assert (found.span is None) == message.endswith("(line 2)")
    assert found.span is None or found.span.line == 2
    assert found.code.number == ("RB300" if "there is no step" in message else "RB301")


@pytest.mark.reliability
def test_j5_all_misfits_are_told_at_once_each_where_it_stands_and_nothing_begins(desk: Desk) -> None:
    desk.write(
        "answers.yaml",
        answers(
            "step: form, fields: {count: many, color: red}",
            "step: way, choose: left",
            "step: one, confirm: 'yes', do: skip",
            "step: grave, confirm: 'yes'",
        ),
    )
    done = desk.walk(BOOK, *WITH)
    assert done.status == 2
    places = [line.strip() for line in done.err.splitlines() if line.strip().startswith("--> ")]
    assert places == [
        "--> answers.yaml:2:34",
        "--> answers.yaml:2:47",
        "--> answers.yaml:3:25",
        "--> answers.yaml:4:37",
        "--> answers.yaml:5:28",
        "--> answers.yaml:5:28",
    ], done.err
    assert not desk.run().path.exists()


@pytest.mark.reliability
def test_j5_an_answer_that_was_never_used_is_reported_at_the_end(desk: Desk) -> None:
    desk.write(
        "answers.yaml",
        answers(
            "step: list, items: {seen: 'yes', works: 'yes'}", "step: list.seen, confirm: 'no'", "step: bad, do: retry"
        ),
    )
    text = book(LIST.replace("[probe]", "['true']") + "next: done\non_fail: bad\n")
    done = desk.walk(text, *WITH)
    assert done.status == 0
    assert done.err.count("warning[RB302]") == 2
    assert "the answer for `list.seen` was never used\n --> answers.yaml:3:12" in done.err
    assert "the answer for `bad` was never used\n --> answers.yaml:4:12" in done.err


def test_the_items_of_a_checklist_may_be_answered_one_by_one_and_visit_by_visit(tmp_path: Path) -> None:
    text = book(
        LIST + "next: done\non_fail: again\nretry: {attempts: 2, delay: 1s}\nmax_visits: 2\n",
        read("again", then="list"),
    )
    given = answers(
        "step: list.seen, confirm: 'yes'",
        "step: list.works, confirm: 'no', reason: it is red",
        "step: list.seen, confirm: not_verified, reason: dark",
    )
    clock = SimulatedClock()
    operator = answering(tmp_path, given, clock)
    world: Entries = {"list.there": [{"exit_code": 0}], "again": [{"exit_code": 0}]}
    sitting = Sitting(loaded(tmp_path, text), operator, clock=clock, world=world)
    assert sitting.go().reason == "no answer to the question of `works` in `list`"
    # The first visit has one entry for each item, also when its attempt is repeated; the second lacks one.
    said = [str(fields["answer"]) for fields in sitting.told("answer.given")]
    assert said == ['{"items":{"seen":"yes","there":"yes","works":"no"},"notes":{"works":"it is red"}}'] * 2


def test_an_entry_of_the_checklist_goes_before_those_of_its_items(tmp_path: Path) -> None:
    given = answers("step: list, items: {works: 'yes'}", "step: list.seen, confirm: not_verified, reason: dark")
    clock = SimulatedClock()
    operator = answering(tmp_path, given, clock)
    text = book(LIST + "next: done\non_fail: bad\n")
    sitting = Sitting(loaded(tmp_path, text), operator, clock=clock, world={"list.there": [{"exit_code": 0}]})
    assert sitting.go().stop is Stop.FINISHED
    (said,) = sitting.told("answer.given")
    assert said["answer"] == '{"items":{"seen":"not_verified","there":"yes","works":"yes"},"notes":{"seen":"dark"}}'
    assert operator.unused() == []


def test_items_without_an_answer_pause_and_are_named(tmp_path: Path) -> None:
    clock = SimulatedClock()
    operator = answering(tmp_path, answers("step: list.seen, confirm: 'yes'"), clock)
    text = book(LIST + "next: done\non_fail: bad\n")
    sitting = Sitting(loaded(tmp_path, text), operator, clock=clock, world={"list.there": [{"exit_code": 0}]})
    assert sitting.go().reason == "no answer to the question of `works` in `list`"


def test_a_reason_and_an_evidence_that_nothing_demands_stand_on_record(tmp_path: Path) -> None:
    given = answers("step: way, choose: ahead, reason: it is late", "step: hand, outcome: failed, reason: no access")
    clock = SimulatedClock()
    text = book(WAY, HAND + "next: done\non_fail: bad\n")
    sitting = Sitting(loaded(tmp_path, text), answering(tmp_path, given, clock), clock=clock)
    sitting.go()
    said = [fields["answer"] for fields in sitting.told("answer.given")]
    assert said == [
        '{"choose":"ahead","reason":"it is late"}',
        '{"evidence":"no access","outcome":"failed","reason":"no access"}',
    ]
    assert sitting.told("step.finished", "hand")[0]["reason"] == "not done: no access"


def test_no_is_no_even_where_it_is_the_phrase(tmp_path: Path) -> None:
    clock = SimulatedClock()
    operator = answering(tmp_path, answers("step: one, confirm: 'no'"), clock)
    text = book(change("one", then="done", more="confirm: {phrase: 'no'}\n"))
    sitting = Sitting(loaded(tmp_path, text), operator, clock=clock)
    sitting.go()
    assert "confirmation.refused" in sitting.types
    assert "step.started" not in sitting.types


def test_what_depends_on_an_expression_is_judged_at_its_step(tmp_path: Path) -> None:
    given = answers("step: form, fields: {count: 7, host: three}")
    clock = SimulatedClock()
    text = book(LOOK, FORM + "next: done\n", head="on_fail: bad\n")
    world: Entries = {"look": [{"exit_code": 0, "stdout": "one\ntwo\n", "lines": ["one", "two"]}]}
    sitting = Sitting(loaded(tmp_path, text), answering(tmp_path, given, clock), clock=clock, world=world)
    ending = sitting.go()
    assert ending.stop is Stop.PAUSED
    assert ending.reason == (
        "no answer to the question of `form`; the one that there is does not fit: `host` wants one of one, two"
    )


def test_the_answers_of_a_scenario_are_judged_as_those_of_a_file_are(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="`hand` is done with evidence only"):
        rehearsed(tmp_path, book(HAND + "next: done\non_fail: bad\n"), "answers: [{step: hand, outcome: done}]\n")


REPEATED = book(
    "id: each\ntitle: Each\nkind: command\neffect: change\nargv: [stop, '${{ item }}']\nnext: one\n"
    "for_each: {in: '[1, 2]'}\nundo: {kind: command, argv: [start, '${{ item }}'], confirm: {phrase: start it}}\n",
    "id: one\ntitle: One\nkind: command\neffect: change\nargv: [one]\nnext: done\n"
    "confirm: {phrase: one}\nundo: {kind: manual, instructions: Back}\n",
    end="  - {id: done, kind: finish, outcome: resolved}\n",
)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("step: one.undo, confirm: yes, outcome: done", None),
        ("step: one, do: undo", None),
        ("step: 'each[1]', settle: passed, evidence: seen", None),
        ("step: 'each[1].undo', confirm: start it", None),
        ("step: one.undo, do: undo", "`do: undo` is not possible at `one.undo`, which is a part of another step"),
        ("step: 'each[0]', do: go_to, to: one, reason: x", "`do: go_to` is not possible at `each[0]`, which is a part"),
        ("step: 'one[0]', settle: passed", "there is no step `one[0]` in `tested`"),
        ("step: 'each[0]', confirm: yes", "`each[0]` never asks for `confirm`"),
        ("step: 'each[0].undo', confirm: yes", "`each[0].undo` wants its phrase typed, and `yes` is given"),
        ("step: each.undo, confirm: start it", "`each` is taken back element by element, and `each.undo` is never"),
        ("step: 'each[0].probe', confirm: yes", "there is no step `each[0].probe` in `tested`"),
    ],
)
def test_j5_answers_for_undos_and_elements_are_judged_before_the_walk(
    tmp_path: Path, entry: str, message: str | None
) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(f"answers: [{{{entry}}}]\n")
    answers = load_answers(str(path)).answers
    assert answers is not None
    found = look_over(answers, loaded(tmp_path, REPEATED), KINDS)
    assert [one.message[: len(message or "")] for one in found] == ([] if message is None else [message])
