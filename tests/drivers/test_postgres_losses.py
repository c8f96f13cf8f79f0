"""What is lost in the middle of a run that is kept in PostgreSQL: its process, session, database or machine."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, Process, answers, count, wait_for
from tests.drivers.persons import ANA, BEN, Persons
from tests.drivers.stored import PASSWORD, StoredDesk, database
from tests.world.postgres import PASSWORD as OWNER_PASSWORD
from tests.world.postgres import Postgres

ARGV = ("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "r1")
OWNERS = OWNER_PASSWORD.replace(":", "\\:")
"""The owner's password, as it stands in a file of passwords."""
RESUME = ("resume", "r1", "--answers", "answers.yaml")
HOLD = "touch $EFFECTS.here; while [ ! -e $EFFECTS.go ]; do sleep 0.02; done"
"""Says that the step runs, and waits until it is let go."""


@pytest.fixture
def desk(postgres: Postgres, tmp_path: Path) -> Iterator[StoredDesk]:
    at = StoredDesk(tmp_path, postgres, database(postgres))
    at.write("answers.yaml", answers("step: one, confirm: yes", "step: two, confirm: yes"))
    yield at
    at.close()
    at.root.joinpath("effects.go").touch()
    at.settled()


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


def in_words(text: str) -> str:
    return " ".join(text.split())


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
        for part in ("RB522", "the connection to the database was lost", "runbook resume r1"):
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


def test_with_the_database_out_of_reach_nothing_begins(desk: StoredDesk) -> None:
    desk.write("book.yaml", book(change("one", then="two"), change("two", then="done")))
    desk.env["RUNBOOK_STORE"] = "postgresql://walker@127.0.0.1:1/nowhere"
    for argv in (ARGV, RESUME, ("runs",), ("status", "r1"), ("watch", "r1"), ("note", "r1", "x"), ("verify", "r1")):
        done = desk.do(*argv)
        assert done.status == 2, done.text
        assert "RB578" in done.err
        assert "refused the connection" in in_words(done.err)
    assert desk.effects() == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://walker@127.0.0.1:{port}/postgres", "RB580"),
        ("postgresql://walker@127.0.0.1:{port}/missing", "RB578"),
        ("postgresql://walker:wrong-guess@127.0.0.1:{port}/{database}", "RB578"),
        ("postgresql://walker:wrong@guess@127.0.0.1:{port}/{database}", "RB577"),
        ("postgresql://walker@127.0.0.1:{port}/{database}?no_such=wrong-guess", "RB577"),
        ("mysql://walker:wrong-guess@127.0.0.1/x", "RB577"),
    ],
)
def test_a_store_that_is_none_is_said_to_be_so_and_no_password_is_shown(desk: StoredDesk, url: str, code: str) -> None:
    desk.env["RUNBOOK_STORE"] = url.format(port=desk.server.port, database=desk.database)
    done = desk.do("runs")
    assert (done.status, code in done.err) == (2, True), done.err
    assert "guess" not in done.text


def test_a_store_is_made_by_whoever_may_and_walked_in_by_its_writers_alone(desk: StoredDesk) -> None:
    desk.server.do(f"create database {desk.database}_new")
    url = f"{desk.url}_new"
    refused = desk.do("state", "init", "--store", url)
    assert (refused.status, "RB582" in refused.err) == (2, True), refused.text
    assert "RB580" in desk.do("runs", "--store", url).err
    owner = url.replace("walker@", "app@")
    passwords = desk.root / ".pgpass"
    passwords.write_text(passwords.read_text() + f"127.0.0.1:{desk.server.port}:*:app:{OWNERS}\n")
    made = desk.do("state", "init", "--store", owner)
    assert made.status == 0, made.err
    assert desk.do("state", "init", "--store", owner).status == 0
    desk.write("book.yaml", book(read("look", then="done")))
    walked = desk.do("run", "book.yaml", "--store", owner, "--run-id", "r1")
    assert (walked.status, "RB583" in walked.err) == (0, True)
    walked = desk.do("run", "book.yaml", "--store", url, "--run-id", "r2")
    assert (walked.status, "RB583" in walked.err) == (0, False)
    assert f"runbook report r2 --store {url}" in walked.err
    desk.server.do("create role reader login password 'only-reads'")
    passwords.write_text(passwords.read_text() + f"127.0.0.1:{desk.server.port}:*:reader:only-reads\n")
    assert "RB582" in desk.do("runs", "--store", url.replace("walker@", "reader@")).err


def test_a_password_is_in_no_message_no_log_and_no_child(desk: StoredDesk) -> None:
    inside = desk.url.replace("@", f":{PASSWORD}@", 1)
    desk.env["RUNBOOK_STORE"] = inside
    del desk.env["PGPASSFILE"]
    text = book(read("look", "env", then="done"))
    done = desk.walk(text)
    assert done.status == 0, done.err
    listed = desk.do("runs")
    assert listed.status == 0
    for told in (done.text, listed.text, desk.run().log.read_text()):
        assert PASSWORD not in told
    kept = b"".join(path.read_bytes() for path in desk.run().output.iterdir())
    assert b"RUNBOOK_STORE=postgresql://walker@" in kept
    assert PASSWORD.encode() not in kept
    typed = desk.do("runs", "--store", inside)
    assert (typed.status, "RB577" in typed.err) == (2, True)
    assert PASSWORD not in typed.text


def test_a_file_and_a_bundle_are_verified_without_a_store(desk: StoredDesk) -> None:
    assert desk.walk(book(read("look", then="done"))).status == 0
    assert desk.do("bundle", "r1", "-o", "r1.tar.gz").status == 0
    log = str(desk.run().log)
    desk.env["RUNBOOK_STORE"] = "postgresql://walker@127.0.0.1:1/nowhere"
    assert [desk.do("verify", file).status for file in ("r1.tar.gz", log)] == [0, 0]
    assert desk.do("runs", "--state-dir", str(desk.state)).status == 0


def test_without_psycopg_it_is_said_what_to_install(tmp_path: Path) -> None:
    source = (
        "import sys; sys.modules['psycopg'] = None; from runbook.cli.main import run; "
        "sys.exit(run(['runs', '--store', 'postgresql://h/d']))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "RB576" in done.stderr
    assert "runbook-walk[postgres]" in done.stderr


TAMPERED = {
    "a record was changed": "update runbook.record set line = set_byte(line, 150, get_byte(line, 150) # 1)"
    " where seq = 3",
    "a record was taken out": "delete from runbook.record where seq = 4",
    "the first was taken out": "delete from runbook.record where seq = 0",
    "two were swapped": "update runbook.record a set line = b.line from runbook.record b"
    " where a.seq in (4, 5) and b.seq = 9 - a.seq",
    "something was added": "insert into runbook.record (run, seq, line, type, mono)"
    " select run, max(seq) + 1, '{}', 'note.added', 9999999 from runbook.record group by run",
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_the_owner_changes_in_the_rows_is_seen_by_whoever_verifies(desk: StoredDesk, how: str) -> None:
    assert desk.walk(book(change("one", then="done")), "--answers", "one.yaml" if _one(desk) else "").status == 0
    desk.rewrite(TAMPERED[how])
    verified = desk.do("verify", "r1")
    assert verified.status == 1, verified.text
    assert str(desk.store.root) not in verified.text
    assert desk.do("report", "r1").status == 1


def _one(desk: Desk) -> Path:
    return desk.write("one.yaml", answers("step: one, confirm: yes"))


def test_a_log_that_was_cut_is_seen_with_a_head_that_was_noted(desk: StoredDesk) -> None:
    _one(desk)
    done = desk.walk(book(change("one", then="done")), "--answers", "one.yaml")
    head = re.search(r"--anchor (\S+)", done.err)
    assert head is not None
    desk.rewrite("delete from runbook.record where seq >= %s", int(head[1].partition(":")[0]) - 1)
    assert desk.do("verify", "r1").status == 3
    assert desk.do("verify", "r1", "--anchor", head[1]).status == 1


def test_a_runbook_and_an_output_that_were_changed_are_seen(desk: StoredDesk) -> None:
    text = book(read("look", "echo", "seen", then="done"))
    assert [desk.walk(text, run=run).status for run in ("r1", "r2")] == [0, 0]
    desk.rewrite("update runbook.output set data = 'unseen' where run = 'r1'")
    desk.rewrite("alter table runbook.file drop constraint file_check")
    desk.rewrite("update runbook.file set data = data || '#'::bytea where run = 'r2'")
    assert [desk.verify("r1"), desk.verify("r2")] == [1, 6]


def test_names_that_lead_out_of_the_copy_are_not_followed(desk: StoredDesk) -> None:
    assert desk.walk(book(read("look", "echo", "seen", then="done"))).status == 0
    for table in ("file", "output"):
        for (name,) in desk.owner(
            "select conname from pg_constraint where conrelid = %s::regclass and contype = 'c'", f"runbook.{table}"
        ):
            desk.rewrite(f"alter table runbook.{table} drop constraint {name}")
    desk.rewrite("insert into runbook.file (run, name, data) values ('r1', '../../../out', 'x')")
    desk.rewrite("insert into runbook.output (run, name, start, data) values ('r1', '../../../../out', 0, 'x')")
    desk.run()
    assert desk.verify() == 0
    assert not [*desk.root.rglob("out")]


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
