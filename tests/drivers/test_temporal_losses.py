"""What is lost of a submitted run when a part of it dies: nothing, and nothing is done twice."""

import random
import signal
import sys
import time

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import count, wait_for
from tests.drivers.engine import Crew
from tests.drivers.terminal.pseudo import Terminal

ONE = book(change("one", then="done"))
YES = "step: one, confirm: yes"


def test_a_worker_that_was_frozen_before_a_change_begins_nothing_when_it_wakes_up(crew: Crew) -> None:
    crew.worker()
    far = crew.worker("far")
    crew.submit(book(change("one", then="done", more="site: far\n")), "--lost-after", "2")
    crew.walked("confirmation.requested")
    # The table of claims is held, so that the worker stands before its claim; then its session with the database ends.
    with crew.holding("runbook.attempt"):
        answering = crew.start(*crew.answering(f"{YES}, do: abort, reason: enough"))
        wait_for(lambda: crew.server.running("insert into runbook.attempt"), "nothing is claimed")
        far.signal(signal.SIGSTOP)
        for session in crew.server.running("insert into runbook.attempt"):
            crew.server.do("select pg_terminate_backend(%s, 10000)", session)
    assert answering.ended().status == 1
    ended = crew.told("step.finished")[0]
    assert (ended["step"], ended["outcome"], ended["changed"]) == ("one", "failed", "no")
    assert "had not begun" in str(ended["reason"])
    assert crew.told("step.unknown") == []
    far.signal(signal.SIGCONT)
    time.sleep(1)  # it would begin now
    assert crew.effects() == []
    assert crew.verify() == 0


def test_a_worker_that_was_frozen_in_its_claim_begins_nothing_when_it_wakes_up(crew: Crew) -> None:
    crew.worker()
    far = crew.worker("far")
    crew.submit(book(change("one", then="done", more="site: far\n")), "--lost-after", "2")
    crew.walked("confirmation.requested")
    with crew.holding("runbook.attempt"):
        answering = crew.start(*crew.answering(YES))
        wait_for(lambda: crew.server.running("insert into runbook.attempt"), "nothing is claimed")
        far.signal(signal.SIGSTOP)
    assert answering.ended().status == 3
    assert "may have begun" in str(crew.told("step.unknown")[0]["reason"])
    far.signal(signal.SIGCONT)
    time.sleep(1)  # it would begin now: it holds the claim
    assert crew.effects() == []
    assert crew.verify() == 3  # whole, and not over


def test_where_the_database_is_lost_no_further_step_begins_and_it_goes_on_when_it_is_back(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(change("one", then="two"), change("two", then="done")))
    crew.walked("confirmation.requested")
    crew.server.stop("QUIT")
    try:
        said = crew.do(*crew.answering(YES))
        assert said.status == 2
        assert "RB578" in said.err
        assert crew.effects() == []
    finally:
        crew.server.start()
    assert crew.do(*crew.answering(YES, "step: two, confirm: yes")).status == 0
    assert crew.effects() == ["one", "two"]
    assert crew.verify() == 0


def test_where_the_engine_is_killed_the_run_goes_on_when_it_is_back(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(change("one", then="rest"), "id: rest\ntitle: Rest\nkind: wait\nfor: 2s\nnext: done\n"))
    crew.walked("confirmation.requested")
    crew.engine.kill()
    try:
        said = crew.do(*crew.answering(YES))
        assert said.status == 2
        assert "RB592" in said.err
    finally:
        crew.engine.start()
    assert crew.do(*crew.answering(YES)).status == 0
    assert crew.effects() == ["one"]
    assert crew.verify() == 0


def test_a_cancelled_run_is_aborted(crew: Crew) -> None:
    crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    crew.cancel("runbook:r1")
    crew.walked("run.finished")
    assert crew.told("run.finished")[0]["finish"] == "aborted"
    assert crew.verify() == 0


UNDO = "undo: {kind: command, argv: [sh, -c, 'echo back >> $EFFECTS']}\n"


def test_a_cancelled_run_that_has_changed_something_pauses_and_offers_to_take_it_back(crew: Crew) -> None:
    first = change("one", then="rest").replace("undo: none\nbecause: a test\n", UNDO)
    rest = "id: rest\ntitle: Rest\nkind: wait\nfor: 2s\nnext: look\n"
    crew.worker()
    crew.submit(book(first, rest, read("look", then="two"), change("two", then="done")))
    answering = crew.start(*crew.answering(YES))
    crew.walked("wait.started")
    crew.cancel("runbook:r1")
    crew.walked("run.paused")
    assert answering.ended().status == 3
    acted = crew.told("operator.acted")[0]
    assert (acted["do"], acted["by"], acted["source"]) == ("pause", "temporal", "inbox")
    assert "taken back first" in str(crew.told("run.paused")[0]["reason"])
    time.sleep(2)  # the wait would be over, and the next step begun
    assert crew.types()[-1] == "run.paused"
    back = ("step: two, confirm: no, reason: cancelled, do: undo", "step: one.undo, confirm: yes")
    ended = crew.do(*crew.answering(*back, "step: two, do: abort, reason: cancelled"))
    assert ended.status == 1, ended.err
    assert crew.effects() == ["one", "back"]
    assert crew.told("run.finished")[0]["finish"] == "aborted"
    assert crew.verify() == 0


def test_a_run_whose_lock_is_held_is_refused_and_leaves_nothing(crew: Crew) -> None:
    worker = crew.worker()
    crew.submit(ONE)
    again = crew.submit(ONE, run="r2")
    assert again.status == 2
    assert "RB594" in again.err
    assert "run r1 of ana@example.com" in " ".join(again.err.split())
    assert crew.owner("select 1 from runbook.record where run = 'r2'") == []
    assert crew.do("abort", "r1", "--reason", "enough").status == 0
    crew.walked("run.finished")
    assert crew.submit(ONE, run="r2").status == 0  # what was refused has left its id free
    assert "Warning" not in worker.said()


@pytest.mark.parametrize("paused", [False, True], ids=["asking", "paused"])
def test_a_run_that_was_terminated_is_not_answered_for_and_is_gone_on_with_by_hand(crew: Crew, paused: bool) -> None:
    crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    who = "ben@example.com" if paused else "ana@example.com"
    if paused:
        crew.do("handover", "r1", "--to", who, "--operator", "ana@example.com")
        crew.walked("run.handed_over")
    crew.terminate("runbook:r1")
    assert "as far as its log says" in crew.do("status", "r1").out
    answered = crew.do(*crew.answering(YES, operator=who))
    assert answered.status == 3
    assert "the engine does not walk it any more" in answered.err
    assert "runbook resume r1" in answered.err
    again = crew.submit(ONE)
    assert (again.status, "RB594" in again.err) == (2, True)
    other = crew.submit(ONE, run="r2")
    assert "`runbook resume r1` goes on with it if it was ended" in " ".join(other.err.split())
    assert crew.effects() == []
    assert crew.do("resume", "r1", "--answers", "answers.yaml", "--operator", who).status == 0
    assert crew.effects() == ["one"]
    assert crew.verify() == 0


def test_who_resumes_takes_the_run_from_the_engine(crew: Crew) -> None:
    crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    shown = crew.do("status", "r1")
    assert "on an engine" in shown.out
    assert "runbook answer r1" in shown.out
    crew.write("answers.yaml", f"answers:\n  - {{{YES}}}\n")
    assert crew.do("resume", "r1", "--answers", "answers.yaml").status == 0
    assert crew.effects() == ["one"]
    gone = crew.do(*crew.answering(YES))
    assert gone.status == 0  # it is over
    assert crew.verify() == 0


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_begun(crew: Crew) -> None:
    worker = crew.worker()
    crew.submit(book(change("one", then="done", before="sleep 2")))
    answering = crew.start(*crew.answering(YES))
    crew.walked("step.started")
    worker.signal(signal.SIGTERM)
    assert worker.ended().status == 0
    assert crew.effects() == ["one"]
    crew.worker()
    assert answering.ended().status == 0
    assert crew.told("step.unknown") == []
    assert crew.verify() == 0


def test_ctrl_c_stops_what_a_worker_performs_and_it_does_not_begin_again_by_itself(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(read("look", "sleep", "60", then="more", fail=""), read("more", then="done")))
    crew.walked("step.started")
    answering = crew.start(*crew.answering())
    wait_for(lambda: "answers for" in answering.said(), "nobody answers")
    answering.signal(signal.SIGINT)
    assert answering.ended().status == 3
    crew.walked("step.cancelled")
    assert [told["do"] for told in crew.told("operator.acted")] == ["interrupt"]
    assert crew.types()[-1] == "step.cancelled"
    assert crew.verify() == 3


@pytest.mark.full
@pytest.mark.reliability
@pytest.mark.parametrize("seed", range(20))
def test_c1_of_a_worker_that_is_killed_at_any_moment_no_effect_is_seen_twice(crew: Crew, seed: int) -> None:
    moments = random.Random(seed)
    worker, names = crew.worker(), ("a", "b", "c")
    ways = zip(names, ("b", "c", "done"), strict=True)
    steps = [change(name, then=then, before="sleep 0.2", after="sleep 0.2") for name, then in ways]
    crew.submit(book(*steps), "--lost-after", "2")
    answering = crew.start(
        *crew.answering(*(f"step: {n}, confirm: yes, settle: passed, evidence: seen" for n in names))
    )
    for _ in range(3):
        time.sleep(moments.uniform(0.3, 3))  # at any moment
        worker.signal(signal.SIGKILL)
        worker = crew.worker()
    assert answering.ended(60).status in {0, 1}
    assert all(effects == 1 for effects in count(crew.effects()).values())
    assert crew.verify() == 0


@pytest.mark.full
def test_a_worker_that_dies_while_it_stores_holds_a_run_up_for_half_a_minute_at_most(crew: Crew) -> None:
    crew.worker()
    crew.submit(book("id: form\nkind: ask\nfields: {count: {type: integer}}\nnext: one\n", change("one", then="done")))
    crew.walked("question.asked")
    with crew.holding("runbook.record"):
        answering = crew.start(*crew.answering("step: form, fields: {count: 3}", YES))
        wait_for(lambda: crew.server.running("insert into runbook.record"), "nothing is stored")
        crew.workers[0].signal(signal.SIGKILL)
    crew.worker()
    assert answering.ended(30).status == 0
    assert crew.verify() == 0


def test_a_worker_says_in_a_line_that_the_database_is_lost(crew: Crew) -> None:
    worker = crew.worker()
    crew.submit(ONE)
    crew.walked("confirmation.requested")
    crew.server.stop("QUIT")
    try:
        crew.cancel("runbook:r1")  # there is something to store then
        wait_for(lambda: "worker: runbook:r1, " in worker.said(), "it does not say it")
        assert "Traceback" not in worker.said()
    finally:
        crew.server.start()
    crew.walked("run.finished")
    assert crew.verify() == 0


def test_whoever_answers_is_told_that_no_worker_is_at_the_site_of_a_step(crew: Crew) -> None:
    crew.worker()
    crew.submit(book(read("look", then="done", more="site: far\n")))
    crew.walked("run.started")
    start = "from runbook.cli.main import main; main()"
    with Terminal([sys.executable, "-c", start, "answer", "r1"], columns=200, env=crew.env) as terminal:
        terminal.expect("no worker has taken it up at `far` yet: `runbook worker --site far` does", within=30)
        crew.worker("far")
        assert terminal.end() == 0
