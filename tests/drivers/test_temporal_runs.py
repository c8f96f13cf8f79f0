"""A run that is submitted is the same run: the same log, the same questions, the same promises."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import wait_for
from tests.drivers.engine import Crew
from tests.drivers.terminal.pseudo import Terminal

from runbook.audit.record import Record
from runbook.drivers.temporal.client import NotYet, Stuck
from runbook.drivers.temporal.client import engine as engine_of

WHERE = frozenset(
    {"host", "run", "store", "guards_see", "payloads", "directory", "duration_ms", "waited_ms", "waited_s"}
)
"""What says where, and how long."""
CHOICE = """id: which
title: Which way?
kind: choice
options:
  - {id: on, label: Go on, next: one}
  - {id: out, label: Leave, next: bad}
"""
FORM = """id: form
title: How many?
kind: ask
fields:
  count: {type: integer, prompt: How many}
next: list
"""
LIST = """id: list
title: Look at these
kind: checklist
items:
  - {id: a, title: First}
  - {id: b, title: Second, check: {kind: command, argv: ["true"]}}
next: rest
on_fail: bad
"""
REST = "id: rest\ntitle: Rest\nkind: wait\nfor: 200ms\nnext: look_twice\n"
TWICE = """id: look_twice
title: Look at two things
kind: parallel
steps:
  - {id: a, kind: command, argv: ["true"]}
  - {id: b, kind: command, argv: [echo, b]}
next: done
on_fail: bad
"""
WHOLE = book(read("look", "echo", "seen", then="which"), CHOICE, change("one", then="form"), FORM, LIST, REST, TWICE)
ENTRIES = (
    "step: which, choose: on",
    "step: one, confirm: yes",
    "step: form, fields: {count: 3}",
    "step: list, items: {a: yes}",
)
ONE = book(change("one", then="done"))


def alike(records: list[Record]) -> list[tuple[str, dict[str, Any]]]:
    """Records without what says when, where and how long."""

    def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, str) and value.startswith("{"):
            value = json.loads(value)
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items() if key not in WHERE}
        return value

    return [(record.type, plain(dict(record.fields))) for record in records]


def side_by_side(told: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """The same with what ran side by side put in the order of its addresses."""
    beside = [each for each in told if str(each[1].get("step", "")).startswith("look_twice.")]
    first = told.index(beside[0])
    return [*told[:first], *sorted(beside, key=lambda each: str(each[1]["step"])), *told[first + len(beside) :]]


def test_a_run_that_was_submitted_reads_and_then_waits_for_a_person(crew: Crew) -> None:
    crew.worker()
    assert crew.submit(book(read("look", then="one"), change("one", then="done"))).status == 0
    crew.walked("confirmation.requested")
    assert crew.effects() == []
    waits = crew.answer()
    assert waits.status == 3, waits.err
    assert crew.effects() == []


def test_no_answer_is_a_yes_that_is_not_exactly_one(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(change("one", then="done", more="confirm: {phrase: go}\n")))
    crew.walked("confirmation.requested")
    assert crew.answer("step: one, confirm: Go").status != 0
    assert crew.effects() == []
    assert crew.told("confirmation.given") == []


def test_who_answers_is_the_operator_from_then_on(crew: Crew) -> None:
    crew.worker()
    crew.submit(ONE)
    assert crew.answer("step: one, confirm: yes", operator="ben@example.com").status == 0
    assert [(told["to"], told["by"]) for told in crew.told("run.handed_over")] == [("ben@example.com",) * 2]
    assert [told["by"] for told in crew.told("confirmation.given")] == ["ben@example.com"]
    assert crew.verify() == 0


def test_one_alert_is_one_run(crew: Crew) -> None:
    crew.worker()
    crew.write("book.yaml", ONE)
    first = crew.do("submit", "book.yaml", "--fingerprint", "alert/1")
    again = crew.do("submit", "book.yaml", "--fingerprint", "alert/1")
    assert (first.status, again.status) == (0, 0), first.err + again.err
    assert first.out == again.out
    assert "is walked already" in again.err


def test_each_step_is_performed_at_its_site(crew: Crew) -> None:
    crew.worker(env={"PLACE": "at home"})
    crew.worker("db", env={"PLACE": "at the database"})
    where = [read(step, "sh", "-c", "echo $PLACE", then=then) for step, then in (("here", "there"), ("there", "done"))]
    where[1] += "site: db\n"
    assert crew.submit(book(*where)).status == 0
    crew.walked("run.finished")
    seen = [json.loads(told["obs"])["stdout"] for told in crew.told("step.finished")[:2]]
    assert seen == ["at home\n", "at the database\n"]
    assert crew.verify() == 0


def test_a_step_with_a_site_is_not_walked_at_hand(crew: Crew) -> None:
    done = crew.walk(book(read("look", then="done", more="site: db\n")))
    assert done.status == 2
    assert "RB295" in done.err


def test_a_change_whose_worker_was_killed_is_unknown_and_never_repeated(crew: Crew) -> None:
    home = crew.worker()
    far = crew.worker("far")
    crew.submit(book(change("one", then="done", after="sleep 60", more="site: far\n")), "--lost-after", "2")
    answering = crew.start(*crew.answering("step: one, confirm: yes, settle: passed, evidence: seen"))
    crew.walked("step.started")
    while crew.effects() != ["one"]:
        pass
    far.signal(signal.SIGKILL)
    assert answering.ended().status == 0
    assert crew.effects() == ["one"]
    assert [told["step"] for told in crew.told("step.unknown")] == ["one"]
    assert crew.verify() == 0
    home.signal(signal.SIGTERM)
    assert home.ended().status == 0
    for left in crew.stragglers():
        os.kill(left, signal.SIGKILL)


def test_a_run_goes_on_where_its_worker_was_killed_while_it_waited(crew: Crew) -> None:
    crew.worker().signal(signal.SIGKILL)
    first = crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    first.signal(signal.SIGKILL)
    crew.worker()
    assert crew.answer("step: one, confirm: yes").status == 0
    assert crew.effects() == ["one"]
    assert crew.verify() == 0


PARTS_DOWN = {
    "no engine there": ({"RUNBOOK_ENGINE": "127.0.0.1:9"}, "RB592"),
    "no engine named": ({"RUNBOOK_ENGINE": ""}, "RB599"),
    "no such namespace": ({"RUNBOOK_NAMESPACE": "nowhere"}, "RB592"),
    "no store there": ({"RUNBOOK_STORE": "postgresql://walker@127.0.0.1:9/none"}, "RB578"),
    "no store named": ({"RUNBOOK_STORE": ""}, "RB598"),
}


def test_without_an_engine_or_a_store_each_command_says_so_and_nothing_begins(crew: Crew) -> None:
    crew.worker()
    assert crew.submit(ONE).status == 0
    said = {
        (down, argv[0]): crew.do(*argv, env=env)
        for down, (env, _) in PARTS_DOWN.items()
        for argv in (("submit", "book.yaml", "--run-id", "r2"), ("worker",), ("answer", "r1"))
        if (down, argv[0]) != ("no such namespace", "answer")  # the log of the run says in which it is
    }
    wrong = {key: done for key, done in said.items() if done.status != 2 or PARTS_DOWN[key[0]][1] not in done.err}
    assert wrong == {}
    assert crew.owner("select distinct run from runbook.record") == [("r1",)]
    assert crew.effects() == []


def test_what_goes_through_the_engine_can_be_encrypted(crew: Crew) -> None:
    crew.env["RUNBOOK_PAYLOAD_KEY"] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    worker = crew.worker()
    assert "not encrypted" not in worker.said()
    crew.submit(ONE)
    assert crew.answer("step: one, confirm: yes").status == 0
    assert crew.told("run.started")[0]["payloads"] == "encrypted"
    assert crew.verify() == 0
    bad = crew.do("submit", "book.yaml", env={"RUNBOOK_PAYLOAD_KEY": "short"})
    assert "RB593" in bad.err


OTHER_KEY = {"RUNBOOK_PAYLOAD_KEY": "OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg="}


def stuck(crew: Crew, workflow: str) -> bool:
    """Whether whoever answers is told that a worker has tried to walk a run, and cannot."""
    with engine_of(crew.engine.address, crew.env["RUNBOOK_NAMESPACE"]) as reached:
        try:
            reached.asking(workflow)
        except NotYet as late:
            return isinstance(late, Stuck)
    return False


def test_who_has_no_key_or_another_one_is_told_so(crew: Crew) -> None:
    crew.env["RUNBOOK_PAYLOAD_KEY"] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    worker = crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    for env, said in (({"RUNBOOK_PAYLOAD_KEY": ""}, "is not set here"), (OTHER_KEY, "holds another key here")):
        answered = crew.do(*crew.answering("step: one, confirm: yes"), env=env)
        assert (answered.status, "RB593" in answered.err) == (2, True)
        assert said in " ".join(answered.err.split())
    submitted = crew.do("submit", "book.yaml", "--run-id", "r2", env=OTHER_KEY)
    assert "the worker says: " in submitted.err
    assert "holds another key here" in submitted.err
    assert submitted.status == 3
    lines = worker.said().splitlines()
    assert "Traceback" not in worker.said()
    assert max(map(len, lines)) < 250, lines  # what the library traces is not shown
    assert crew.effects() == []


@pytest.mark.full  # an engine says so after several tries, which come later and later
def test_who_answers_is_told_that_a_worker_has_tried_to_walk_a_run_and_cannot(crew: Crew) -> None:
    crew.worker()
    assert crew.do("submit", crew.write("book.yaml", ONE).name, "--run-id", "r1", env=OTHER_KEY).status == 3
    wait_for(lambda: stuck(crew, "runbook:r1"), "nobody is told that a worker has tried")


SECRET = "hunter2-hunter2"
WITH_TOKEN = "secrets: {token: {env: TOKEN}}\n"


def test_a_secret_is_looked_up_at_the_site_and_goes_nowhere_else(crew: Crew) -> None:
    crew.worker()
    crew.worker("db", env={"TOKEN": SECRET})
    step = change("one", then="done", before='printf "%s" "$GIVEN" | wc -c; echo "$GIVEN"', more="site: db\n")
    assert crew.submit(book(f"{step}env: {{GIVEN: '${{{{ secrets.token }}}}'}}\n", head=WITH_TOKEN)).status == 0
    assert crew.answer("step: one, confirm: yes").status == 0
    assert [told["secret"] for told in crew.told("secret.resolved")] == ["token"]
    (output,) = crew.told("step.output")
    kept = (crew.run().path / str(output["file"])).read_text()
    assert kept.startswith(f"{len(SECRET)}\n[MASKED:")
    assert SECRET not in crew.history("runbook:r1")
    assert SECRET.encode() not in b"".join(record.raw for record in crew.records())
    assert crew.verify() == 0


def test_a_secret_that_the_site_does_not_have_refuses_the_step(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(change("one", then="done") + "env: {GIVEN: '${{ secrets.token }}'}\n", head=WITH_TOKEN))
    assert crew.answer("step: one, do: abort, reason: no token").status == 1
    assert "TOKEN" in str(crew.told("step.refused")[0]["reason"])
    assert crew.effects() == []


def test_a_cooldown_holds_between_a_run_at_hand_and_one_that_is_submitted(crew: Crew) -> None:
    crew.worker()
    text = book(change("one", then="done", more="guards: [{cooldown: 1h, key: k}]\n"), head='lock: "${{ run.id }}"\n')
    crew.write("answers.yaml", "answers: [{step: one, confirm: yes}]\n")
    assert crew.walk(text, "--answers", "answers.yaml", run="hand").status == 0
    assert crew.submit(text).status == 0
    assert crew.answer("step: one, do: abort, reason: too soon").status == 1
    assert "hand" in str(crew.told("step.refused")[0]["reason"])
    assert crew.effects() == ["one"]


def test_changes_of_a_submitted_run_are_taken_back(crew: Crew) -> None:
    crew.worker()
    undo = "undo: {kind: command, argv: [sh, -c, 'echo back >> $EFFECTS']}\n"
    first = change("one", then="two").replace("undo: none\nbecause: a test\n", undo)
    back = "id: back\ntitle: Back\nkind: undo\nnext: done\non_fail: bad\n"
    assert crew.submit(book(first, change("two", after="exit 1", fail="back", then="done"), back)).status == 0
    assert crew.answer(*(f"step: {step}, confirm: yes" for step in ("one", "two", "back", "one.undo"))).status == 0
    assert crew.effects() == ["one", "two", "back"]
    assert crew.verify() == 0


def test_nothing_of_it_is_loaded_by_what_walks_on_one_machine(crew: Crew) -> None:
    crew.write("book.yaml", ONE)
    tell = "import sys; from runbook.cli.main import run; run(sys.argv[1:]); print('MODULES', *sys.modules)"
    crew.write("answers.yaml", "answers: [{step: one, confirm: yes}]\n")
    for command in (["check", "book.yaml"], ["run", "book.yaml", "--answers", "answers.yaml"], ["runs"]):
        argv = [sys.executable, "-c", tell, *command]
        done = subprocess.run(argv, cwd=crew.root, env=crew.env, capture_output=True, text=True, check=True)
        assert {"temporalio", "greenlet", "runbook.drivers.temporal"} & set(done.stdout.split()) == set()


def test_what_a_step_prints_is_shown_to_whoever_answers(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(change("one", then="done", after="echo printed there")))
    crew.walked("confirmation.requested")
    start = "from runbook.cli.main import main; main()"
    argv = [sys.executable, "-c", start, "answer", "r1", "--operator", "ana@example.com"]
    with Terminal(argv, env=crew.env) as terminal:
        terminal.expect("do it now")
        terminal.answer("yes", guarded=True)
        assert terminal.end() == 0
        assert "| printed there" in terminal.text
        assert "not all" not in terminal.text
