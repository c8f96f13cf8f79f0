"""What is lost in the middle of a run that is kept in PostgreSQL: its process, session, database or machine."""

import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, Process, answers, count, in_words, wait_for
from tests.drivers.persons import ANA, BEN, Persons
from tests.drivers.stored import PASSWORD, StoredDesk, stored_desk
from tests.world.postgres import Postgres

ARGV = ("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r1")
RESUME = ("resume", "r1", "--answers", "answers.yaml")
HOLD = "touch $EFFECTS.here; while [ ! -e $EFFECTS.go ]; do sleep 0.02; done"
"""Says that the step runs, and waits until it is let go."""


@pytest.fixture
def desk(postgres: Postgres, tmp_path: Path) -> Iterator[StoredDesk]:
    with stored_desk(tmp_path, postgres) as at:
        at.write("answers.yaml", answers("step: one, confirm: yes", "step: two, confirm: yes"))
        yield at
        let_go(at)


def until_held(desk: Desk) -> None:
    wait_for(desk.root.joinpath("effects.here").exists, "the step does not run")


def let_go(desk: Desk) -> None:
    desk.root.joinpath("effects.go").touch()


def held_in_one(desk: StoredDesk) -> Process:
    """A walk that is in its first change, which has had its effect."""
    desk.write("book.yaml", book(change("one", then="two", after=HOLD), change("two", then="done")))
    walking = desk.start(*ARGV)
    until_held(desk)
    return walking


def elsewhere(desk: StoredDesk, *entries: str) -> StoredDesk:
    """Another machine, with answers of its own; effects are the world's."""
    other = desk.another("elsewhere")
    other.env["EFFECTS"] = str(desk.effects_file)
    other.write("answers.yaml", answers(*entries))
    return other


def cut_off(desk: StoredDesk) -> None:
    """End the session of whoever writes the run."""
    found = desk.owner(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objsubid = 1"
        " and pid <> pg_backend_pid() and database = (select oid from pg_database where datname = current_database())"
    )
    assert found


def test_a_killed_walk_is_gone_on_with_on_another_machine_and_nothing_is_done_twice(desk: StoredDesk) -> None:
    walking = held_in_one(desk)
    walking.signal(signal.SIGKILL)
    walking.ended()
    let_go(desk)
    other = elsewhere(desk, "step: one, settle: passed, evidence: seen", "step: two, confirm: yes")
    resumed = other.do(*RESUME)
    assert resumed.status == 0, resumed.err
    assert desk.effects() == ["one", "two"]
    assert [told["outcome"] for told in desk.told("step.settled")] == ["passed"]
    assert len(desk.told("run.resumed")) == 1
    assert (desk.verify(), other.verify()) == (0, 0)
    other.close()


@pytest.mark.parametrize("step", ["wait", "question"])
def test_a_walk_that_is_killed_while_it_waits_goes_on_elsewhere(desk: StoredDesk, step: str) -> None:
    first = "id: rest\nkind: wait\nfor: 1h\nnext: one\n" if step == "wait" else read("rest", "sleep", "5", then="one")
    desk.write("book.yaml", book(first, change("one", then="done")))
    desk.write("answers.yaml", answers("step: one, confirm: yes"))
    walking = desk.start(*ARGV)
    wanted = "wait.started" if step == "wait" else "step.started"
    wait_for(lambda: wanted in _types(desk), "it does not wait")
    walking.signal(signal.SIGKILL)
    walking.ended()
    desk.cleared()
    other = elsewhere(desk, "step: one, confirm: yes")
    assert other.do("note", "r1", "we go on").status == 0
    assert other.do("abort", "r1", "--reason", "enough").status == 0
    assert desk.effects() == []
    assert desk.verify() == 0
    other.close()


def _types(desk: StoredDesk) -> list[str]:
    return desk.types()


def test_an_approval_reaches_a_run_whose_machine_is_gone(desk: StoredDesk, tmp_path: Path) -> None:
    persons = Persons(tmp_path / "keys").list(ANA, BEN)
    keys = {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.env |= keys
    desk.write("answers.yaml", answers("step: one, confirm: yes"))
    asked = change("one", then="done", more="confirm: {approvals: {count: 1, from: [platform]}}\n")
    desk.write("book.yaml", book(asked, head=f"roles: {{platform: [{ANA}, {BEN}]}}\n"))
    paused = desk.do(*ARGV, "--operator", ANA)
    assert paused.status == 3
    command = re.search(r"runbook approve ([0-9a-f]{32}) --store (\S+)", paused.err)
    assert command is not None, paused.err
    assert PASSWORD not in paused.text
    other = elsewhere(desk, "step: one, confirm: yes")
    other.env |= keys
    refused = other.do("approve", command[1], "--key", str(persons.key("ben")))
    assert "RB332" in refused.err  # it was found, and nobody is there to read it
    assert "RB330" in other.do("approve", "0" * 32, "--key", str(persons.key("ben"))).err
    persons.approve(other.run(), BEN)
    assert other.do(*RESUME).status == 0
    assert desk.effects() == ["one"]
    assert other.verify() == 0
    other.close()


def test_a_writer_that_lost_its_session_does_nothing_more_and_the_next_one_goes_on(desk: StoredDesk) -> None:
    walking = held_in_one(desk)
    refused = desk.do(*RESUME)
    assert refused.status == 2
    assert f"process {walking.pid}" in in_words(refused.err)
    cut_off(desk)
    other = elsewhere(desk, "step: one, settle: passed, evidence: seen", "step: two, confirm: yes")
    resumed = other.do(*RESUME)
    assert resumed.status == 0, resumed.err
    before = desk.run().log.read_bytes()
    let_go(desk)
    lost = walking.ended()
    assert lost.status == 74, lost.text
    assert "the connection to the database was lost" in in_words(lost.err)
    assert "runbook resume r1" in in_words(lost.err)
    assert desk.effects() == ["one", "two"]
    assert desk.run().log.read_bytes() == before
    assert desk.verify() == 0
    other.close()


def test_a_frozen_walk_that_wakes_up_late_writes_and_does_nothing(desk: StoredDesk) -> None:
    walking = held_in_one(desk)
    walking.signal(signal.SIGSTOP)
    let_go(desk)
    cut_off(desk)
    other = elsewhere(desk, "step: one, settle: passed, evidence: seen", "step: two, confirm: yes")
    assert other.do(*RESUME).status == 0
    before = desk.run().log.read_bytes()
    walking.signal(signal.SIGCONT)
    assert walking.ended().status == 74
    assert desk.effects() == ["one", "two"]
    assert desk.run().log.read_bytes() == before
    other.close()


def test_when_the_database_dies_in_a_step_no_further_one_starts_and_the_run_can_be_gone_on_with(
    desk: StoredDesk,
) -> None:
    walking = held_in_one(desk)
    desk.server.stop("QUIT")
    try:
        let_go(desk)
        lost = walking.ended()
        assert lost.status == 74, lost.text
        for part in ("RB522", "the connection to the database was lost", f"`runbook resume r1 --store {desk.url}`"):
            assert part in in_words(lost.err), lost.err
        assert desk.effects() == ["one"]
    finally:
        desk.server.start()
    desk.again()
    desk.write("answers.yaml", answers("step: one, settle: passed, evidence: seen", "step: two, confirm: yes"))
    resumed = desk.do(*RESUME)
    assert resumed.status == 0, resumed.err
    assert desk.effects() == ["one", "two"]
    assert desk.verify() == 0


def test_when_the_session_is_lost_in_a_wait_nobody_waits_for_its_end(desk: StoredDesk) -> None:
    desk.write("book.yaml", book("id: rest\nkind: wait\nfor: 1h\nnext: one\n", change("one", then="done")))
    desk.write("answers.yaml", answers("step: one, confirm: yes"))
    walking = desk.start(*ARGV)
    wait_for(lambda: "wait.started" in desk.types(), "it does not wait")
    cut_off(desk)
    lost = walking.ended()
    assert lost.status == 74, lost.text
    assert "runbook resume r1" in in_words(lost.err)
    assert desk.verify() == 3


@pytest.mark.full
def test_a_database_that_stops_answering_is_not_waited_for_for_ever(desk: StoredDesk) -> None:
    """The session is frozen, as by a machine that hangs: no answer, and no end of the connection."""
    walking = held_in_one(desk)
    (backend,) = (pid for (pid,) in desk.owner("select pid from pg_locks where locktype = 'advisory' and objsubid = 1"))
    assert isinstance(backend, int)
    os.kill(backend, signal.SIGSTOP)
    try:
        let_go(desk)
        lost = walking.ended(90)
    finally:
        os.kill(backend, signal.SIGCONT)
    assert lost.status == 74, lost.text
    assert desk.effects() == ["one"]


@pytest.mark.reliability
@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.full)])
@pytest.mark.parametrize("what", ["process", "session", "database"])
def test_c1_c2_kills_at_random_moments_lose_nothing_and_do_nothing_twice(
    desk: StoredDesk, what: str, kills: int
) -> None:
    names = [f"step{number}" for number in range(6)]
    following = [*names[1:], "done"]
    desk.write("book.yaml", book(*(change(a, then=b) for a, b in zip(names, following, strict=True)), head=ALONE))
    chance = random.Random(f"{what} {kills}")
    for number in range(kills):
        run, effects = f"r{number}", desk.root / f"effects{number}"
        desk.env["EFFECTS"] = str(effects)
        desk.write("answers.yaml", answers(*(f"step: {name}, confirm: yes" for name in names)))
        walking = desk.start("run", "book.yaml", "--answers", "answers.yaml", "--run-id", run)
        threading.Event().wait(chance.uniform(0.05, 1.2))  # the moment is what is drawn
        _hit(desk, walking, what)
        ended = walking.ended()
        assert ended.status in {0, 2, 74, -9}, ended.text
        desk.settled()
        desk.again()
        if desk.run(run).log.stat().st_size:
            done = [line.strip() for line in effects.read_text().splitlines()] if effects.exists() else []
            assert max(count(done).values(), default=0) <= 1
            assert set(done) <= set(desk.intents(run))
            assert desk.verify(run) in {0, 3}
        if not desk.run(run).log.stat().st_size or desk.types(run)[-1] == "run.finished":
            continue
        settled = [f"step: {name}, settle: {'passed' if name in done else 'failed'}, evidence: seen" for name in names]
        yes = [f"step: {name}, confirm: yes" for name in names]
        desk.write("answers.yaml", answers(*(settled if _unsettled(desk, run) else []), *yes))
        resumed = desk.do("resume", run, "--answers", "answers.yaml")
        assert resumed.status in {0, 1, 3}, resumed.text
        assert max(count(effects.read_text().splitlines() if effects.exists() else []).values(), default=0) <= 1
        assert desk.verify(run) in {0, 3}


ALONE = 'lock: "${{ run.id }}"\n'


def _unsettled(desk: StoredDesk, run: str) -> bool:
    """Whether a change was begun of which nobody has seen the end."""
    return len(desk.told("step.started", run)) > len(desk.told("step.finished", run))


def _hit(desk: StoredDesk, walking: Process, what: str) -> None:
    match what:
        case "process":
            walking.signal(signal.SIGKILL)
        case "session":
            desk.owner(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid()"
            )
        case _:
            desk.server.stop("QUIT")
            time.sleep(0.05)  # it is away for a moment
            desk.server.start()
