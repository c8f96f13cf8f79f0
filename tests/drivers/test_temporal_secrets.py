"""Secrets that are typed or made in a run that an engine walks: no history, no log and no output holds one."""

import json
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_approve import Elsewhere
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers, wait_for
from tests.drivers.engine import Crew
from tests.drivers.persons import Persons
from tests.drivers.test_temporal_runs import alike

from runbook.drivers.temporal.here import Runs
from runbook.drivers.temporal.payloads import Reply
from runbook.drivers.temporal.replies import unsealed
from runbook.drivers.temporal.sealing import seal
from runbook.model.canonical import canonical
from runbook.model.inputs import input_of
from runbook.model.question import AskForm

SECRET = "hunter2-hunter2"
MADE = "made-for-this-run"
FORM = """id: form
title: Which token?
kind: ask
fields:
  token: {secret: true, prompt: Which token, pattern: "hunter.*"}
  why: {prompt: Why}
next: make
"""
ABOUT = {"TO_MAKE": json.dumps({"key": "made-for-"}), "SHOWN": f"{SECRET} and {MADE}"}
"""What stands where steps are performed; a runbook that held it would be in the history with it."""
MAKES = read(
    "make", "printenv", "TO_MAKE", then="use", more="output: json\nsave_secret: {key: 'json.key + inputs.tail'}\n"
)
USES = change("use", then="print", before='printf "%s" "$GIVEN:$KEY" | wc -c; echo "$GIVEN $KEY"') + (
    "env: {GIVEN: '${{ secrets.token }}', KEY: '${{ secrets.key }}'}\n"
)
PRINTS = read("print", "printenv", "SHOWN", then="done")


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list("ana@example.com")


def found(crew: Crew, *secrets: str) -> list[str]:
    """Where one of these stands: in the history, the log, the outputs, or the files of the engine."""
    kept = {
        "history": crew.history("runbook:r1").encode(),
        "records": b"\n".join(record.raw for record in crew.records()),
        "outputs": b"\n".join(path.read_bytes() for path in (crew.run().path / "output").iterdir()),
        "engine": b"".join(path.read_bytes() for path in crew.engine.files()),
    }
    return [name for name, data in kept.items() if any(each.encode() in data for each in secrets)]


def without_paths(told: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """What happened, without where something was covered: what is said at a terminal is covered there."""
    return [(type_, {k: v for k, v in fields.items() if k != "masked"}) for type_, fields in told[1:]]


@pytest.mark.parametrize("options", [(), ("--history-events", "20")], ids=["one history", "several"])
def test_what_is_typed_and_made_is_used_at_every_site_and_stands_nowhere(
    crew: Crew, tmp_path: Path, options: tuple[str, ...]
) -> None:
    crew.worker(env=ABOUT)
    crew.worker("db")
    text = book(FORM, MAKES, USES + "site: db\n", PRINTS, head="inputs: {tail: {default: this-run}}\n")
    submitted = crew.submit(text, *options)
    assert submitted.status == 0, submitted.err
    entries = (f"step: form, fields: {{token: {SECRET}, why: because of {SECRET}}}", "step: use, confirm: yes")
    answered = crew.answer(*entries)
    assert answered.status == 0, answered.err
    assert crew.effects() == ["use"]
    assert (crew.executions("runbook:r1") > 1) is bool(options)
    assert found(crew, SECRET, MADE) == []
    outputs = [(crew.run().path / str(told["file"])).read_text() for told in crew.told("step.output")]
    assert outputs[1].splitlines() == [str(len(SECRET + ":" + MADE)), "[MASKED:token] [MASKED:key]"]
    assert outputs[2] == "[MASKED:token] and [MASKED:key]\n"
    assert crew.verify() == 0
    if options:
        return  # a confirmation that was waited for was asked for again: no log at hand is like it
    (tmp_path / "hand").mkdir()
    hand = Desk(tmp_path / "hand")
    hand.env |= ABOUT
    hand.write("answers.yaml", answers(*entries))
    walked = hand.walk(text.replace("    site: db\n", ""), "--answers", "answers.yaml", "--operator", "ana@example.com")
    assert walked.status == 0
    assert without_paths(alike(crew.records())) == without_paths(alike(hand.records()))


ASKS = "secrets: {token: {prompt: Which token}}\n"
NEEDS = change("use", then="done", before='printf "%s" "$GIVEN" | wc -c') + "env: {GIVEN: '${{ secrets.token }}'}\n"


def test_a_secret_that_is_typed_is_asked_for_again_where_its_worker_is_gone(crew: Crew, persons: Persons) -> None:
    first = crew.worker()
    crew.submit(book(NEEDS, head=ASKS))
    left = crew.answer("step: use, confirm: yes")
    assert left.status == 3, left.err
    assert "the secret `token` must be typed" in " ".join(left.err.split())
    with ExitStack() as stack:
        operator = Elsewhere(crew, persons, stack).terminal("ana", "answer", "r1", "--operator", "ana@example.com")
        operator.expect("Which token")
        operator.answer(SECRET)
        crew.walked("confirmation.requested")
        operator.expect("CHANGES SOMETHING")
        first.signal(signal.SIGKILL)
        crew.worker()
        operator.answer("yes", guarded=True)
        crew.walked("confirmation.given")
        wait_for(lambda: operator.text.count("Which token") == 2, "it is not asked for again")
        operator.answer(SECRET)
        crew.walked("confirmation.requested", count=2)
        operator.expect("a secret has another value now")
        operator.answer("yes", guarded=True)
        operator.expect("run r1 is over: resolved")
        assert operator.end() == 0
        assert SECRET not in operator.text
    assert crew.effects() == ["use"]
    assert found(crew, SECRET) == []
    assert crew.verify() == 0


@pytest.mark.full
def test_workers_with_the_same_key_agree_what_a_secret_is(crew: Crew) -> None:
    crew.env |= {"RUNBOOK_PAYLOAD_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "TOKEN": SECRET}
    first = crew.worker()
    crew.submit(book(NEEDS, head="secrets: {token: {env: TOKEN}}\n"))
    crew.walked("confirmation.requested")
    first.signal(signal.SIGKILL)
    crew.worker()
    assert crew.answer("step: use, confirm: yes").status == 0
    assert len(crew.told("confirmation.requested")) == 1
    assert crew.verify() == 0


def test_what_a_step_prints_is_kept_nowhere_if_the_secret_in_it_cannot_be_used(crew: Crew, tmp_path: Path) -> None:
    crew.worker(env={"SHORT": "abc"})
    text = book(read("make", "printenv", "SHORT", then="done", more="save_secret: {key: 'stdout.split(\"c\")[0]'}\n"))
    crew.submit(text)
    crew.walked("run.finished")
    (tmp_path / "hand").mkdir()
    hand = Desk(tmp_path / "hand")
    hand.env["SHORT"] = "abc"
    hand.write("answers.yaml", "answers: []\n")
    hand.walk(text, "--answers", "answers.yaml", "--operator", "ana@example.com")
    assert "`save_secret`" in str(crew.told("step.finished")[0]["reason"])
    assert alike(crew.records())[1:] == alike(hand.records())[1:]
    assert crew.verify() == 0


def test_a_secret_that_is_not_sealed_is_refused_before_it_is_in_a_history() -> None:
    form = AskForm(fields=(input_of("token", {"secret": True}), input_of("why", {})))
    for fields, problem in (({"token": SECRET}, True), ({"token": "sealed:eA==", "why": "x"}, False), ({}, False)):
        reply = Reply(
            run="r1", id=1, says="answer", body=canonical({"fields": {**fields}}), by="ana", source="terminal"
        )
        assert (unsealed(form, reply) is not None) == problem


def test_what_is_sealed_is_of_use_to_one_worker_as_long_as_it_walks_that_run_and_to_nobody_else() -> None:
    runs, others = Runs("a", None), Runs("b", None)
    known = runs.of("r1", ())
    sealed = {"token": seal(known.holder.key, "r1", "token", SECRET)}
    assert SECRET not in sealed["token"]
    assert len(sealed["token"]) == len(seal(known.holder.key, "r1", "token", "x"))
    assert known.open({"other": sealed["token"]}) == ["other"]
    assert others.of("r1", ()).open(sealed) == ["token"]
    passed = known.pass_on(sealed, others.of("r1", ()).holder.key)
    assert others.of("r1", ()).open(passed) == []
    assert known.look(["token"], sealed).commitments != others.of("r1", ()).look(["token"], passed).commitments
    runs.forget("r1")
    assert runs.of("r1", ()).open(sealed) == ["token"]


def test_commitments_under_a_common_key_are_the_same_for_one_run_and_no_other() -> None:
    known = [Runs(queue, b"k" * 32).of(run, ()) for queue, run in (("a", "r1"), ("b", "r1"), ("a", "r2"))]
    for each in known:
        each.keep("token", SECRET)
    one, same, other = (each.look(["token"], {}).commitments["token"] for each in known)
    assert one == same != other


FIRST_LINE = """save_secret: {key: 'stdout.split("\\n")[0]'}\n"""


@pytest.mark.full
def test_a_secret_that_was_made_is_gone_with_its_worker_and_made_again(crew: Crew) -> None:
    crew.worker()
    first = crew.worker("db", env=ABOUT)
    makes = read("make", "printenv", "SHOWN", then="use", more=f"site: db\n{FIRST_LINE}")
    uses = change("use", then="done", before='printf "%s" "$KEY" | wc -c', more="site: db\n")
    submitted = crew.submit(book(makes, uses + "env: {KEY: '${{ secrets.key }}'}\n"))
    assert submitted.status == 0, submitted.err
    crew.walked("confirmation.requested")
    first.signal(signal.SIGKILL)
    crew.worker("db", env=ABOUT)
    again = "step: use, confirm: yes, do: go_to, to: make, reason: its worker is gone"
    assert crew.answer(again, "step: use, confirm: yes").status == 0
    assert "the secret `key` is gone" in str(crew.told("step.refused")[0]["reason"])
    assert crew.effects() == ["use"]
    assert found(crew, SECRET, MADE) == []
    assert crew.verify() == 0
