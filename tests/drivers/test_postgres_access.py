"""A store in PostgreSQL for whoever may not, cannot or should not: out of reach, without rights, tampered with."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.drivers.books import book, change, read
from tests.drivers.desk import Desk, answers, in_words
from tests.drivers.persons import BEN
from tests.drivers.stored import PASSWORD, StoredDesk, stored_desk
from tests.world.postgres import PASSWORD as OWNER_PASSWORD
from tests.world.postgres import Postgres

from runbook.audit.inbox import put
from runbook.audit.postgres.link import Link
from runbook.audit.postgres.store import PostgresStore
from runbook.model.canonical import canonical

ARGV = ("run", "book.yaml", "--run-id", "r1")
OWNERS = OWNER_PASSWORD.replace(":", "\\:")
"""The owner's password, as it stands in a file of passwords."""


@pytest.fixture
def desk(postgres: Postgres, tmp_path: Path) -> Iterator[StoredDesk]:
    with stored_desk(tmp_path, postgres) as at:
        yield at


def test_with_the_database_out_of_reach_nothing_begins(desk: StoredDesk) -> None:
    desk.write("book.yaml", book(change("one", then="two"), change("two", then="done")))
    desk.env["RUNBOOK_STORE"] = "postgresql://walker@127.0.0.1:1/nowhere"
    for argv in (
        ARGV,
        ("resume", "r1"),
        ("runs",),
        ("status", "r1"),
        ("watch", "r1"),
        ("note", "r1", "x"),
        ("verify", "r1"),
    ):
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


def test_a_standby_shows_the_runs_and_takes_none(desk: StoredDesk) -> None:
    assert desk.walk(book(read("look", then="done"))).status == 0
    with desk.server.standby() as other:
        desk.env["RUNBOOK_STORE"] = desk.url.replace(f":{desk.server.port}/", f":{other.port}/")
        passwords = desk.root / ".pgpass"
        passwords.write_text(passwords.read_text().replace(str(desk.server.port), "*"))
        assert "r1" in desk.do("runs").out
        assert desk.do("verify", "r1").status == 0
        done = desk.do("run", "book.yaml", "--run-id", "r2")
        assert (done.status, "RB582" in done.err) == (2, True), done.err
        assert "the database is a standby, which takes no records" in in_words(done.err)
        assert "r2" not in desk.do("runs").out


def test_a_database_that_is_set_to_be_read_only_takes_no_run(desk: StoredDesk) -> None:
    desk.write("book.yaml", book(change("one", then="two"), change("two", then="done")))
    desk.owner(f"alter database {desk.database} set default_transaction_read_only = on")
    done = desk.do(*ARGV)
    assert (done.status, "RB582" in done.err) == (2, True), done.err
    assert "the database takes no writes now" in in_words(done.err)
    assert desk.effects() == []


def test_where_the_database_refuses_a_lock_nothing_begins_and_no_directory_is_spoken_of(desk: StoredDesk) -> None:
    desk.write("book.yaml", book(change("one", then="done")))
    desk.owner("revoke insert on runbook.claim from runbook_writer")
    done = desk.do(*ARGV)
    assert (done.status, "RB578" in done.err) == (2, True)
    assert "a member of runbook_writer" in in_words(done.err)
    assert "directory" not in done.err
    assert desk.effects() == []


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
def test_k4_what_others_put_into_an_inbox_is_recorded_once_with_whose_it_is_or_refused(desk: StoredDesk) -> None:
    desk.write("answers.yaml", "answers: []\n")
    text = book(change("one", then="done"))
    assert desk.walk(text, "--answers", "answers.yaml").status == 3
    with closing(Link(desk.server.url_of(desk.database))) as owner:
        others = PostgresStore(desk.root / "others", owner)
        put(others.run("r1"), "note", {"by": BEN, "text": "from the owner"})
        for data in (b"garbage", b'{"delivery": 1}', canonical({"run": "r2"}).encode()):
            owner.rows("insert into runbook.inbox (run, number, data) values ('r1', 0, %s)", data)
        with pytest.raises(OSError, match="inbox_data_check"):
            owner.rows("insert into runbook.inbox (run, number, data) values ('r1', 0, %s)", b"x" * 40_000)
    put(desk.run(), "note", {"by": BEN, "text": "from a walker"})
    for _ in range(2):
        assert desk.do("resume", "r1", "--answers", "answers.yaml").status == 3
    assert [(told["by"], told["text"]) for told in desk.told("note.added")] == [
        (f"{BEN} (database role app)", "from the owner"),
        (BEN, "from a walker"),
    ]
    refused = [str(told["text"]) for told in desk.told("warning")]
    assert len(refused) == 3
    assert all("refused in the inbox" in text for text in refused)
    assert desk.verify() == 3


def test_what_steps_printed_is_read_by_those_who_need_it_alone(desk: StoredDesk) -> None:
    """The others are asked by a role that may not read it, of a run that is paused and then of one that is over."""
    desk.write("book.yaml", book(read("look", "echo", "printed there", then="one"), change("one", then="done")))
    assert desk.do(*ARGV, "--answers", str(desk.write("none.yaml", "answers: []\n"))).status == 3
    desk.owner("revoke select on runbook.output from runbook_writer")
    for argv in (
        ("status", "r1"),
        ("runs",),
        ("note", "r1", "seen"),
        ("handover", "r1", "--to", BEN, "--reason", "shift ends"),
        ("abort", "r1", "--reason", "enough"),
        ("watch", "r1"),
    ):
        done = desk.do(*argv)
        assert "permission denied" not in in_words(done.err), argv
        assert done.status == (argv[0] == "watch"), done.text  # that says that the run was aborted
    for command in ("report", "verify", "bundle"):
        done = desk.do(command, "r1")
        assert done.status == 2, done.text
        assert "RB578" in done.err, done.err
    desk.owner("grant select on runbook.output to runbook_writer")
    assert desk.verify() == 0
