"""SQL steps on a real PostgreSQL server that is not reached, is stopped, or is lost on the way."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from tests.drivers.desk import wait_for
from tests.world.databases import Hand, cancelled_after, threads, titles
from tests.world.postgres import ENCODED, PASSWORD, Postgres

from runbook.model.io import Cancelled, Lost, NotSent, TimedOut

SLEEP = "select pg_sleep(60)"
SLOW_CHANGE = "insert into threads select 100 + g, pg_sleep(60)::text from generate_series(1, 2) g"


@pytest.fixture
def hand(postgres: Postgres, tmp_path: Path) -> Hand:
    return threads(postgres, tmp_path)


def test_the_server_stops_what_takes_too_long(hand: Hand, postgres: Postgres) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match="not done within 1 s"):
        hand.statement(SLEEP, limit=1_000).run()
    with pytest.raises(NotSent, match="not done within 1 s, and the database has rolled it back"):
        hand.statement(SLOW_CHANGE, limit=1_000, changes=True).run()
    assert time.monotonic() - began < 6
    wait_for(lambda: not postgres.running("pg_sleep"), "the server goes on")
    assert titles(postgres) == ["one", "two"]


@pytest.mark.reliability
def test_g5_a_person_has_the_server_stop_it(hand: Hand, postgres: Postgres) -> None:
    read = hand.statement(SLEEP)
    with (
        meanwhile(postgres, "pg_sleep", lambda _: read.cancel(1)),
        pytest.raises(Cancelled, match="stopped by a person"),
    ):
        read.run()
    wait_for(lambda: not postgres.running("pg_sleep"), "the server goes on with the read")
    change = hand.statement(SLOW_CHANGE, changes=True)
    said = "stopped by a person, and the database has rolled it back"
    with meanwhile(postgres, "pg_sleep", lambda _: change.cancel(1)), pytest.raises(NotSent, match=said):
        change.run()
    wait_for(lambda: not postgres.running("pg_sleep"), "the server goes on")
    assert titles(postgres) == ["one", "two"]


def test_somebody_else_may_stop_it(hand: Hand, postgres: Postgres) -> None:
    stop = meanwhile(postgres, "pg_sleep", lambda pid: postgres.do("select pg_cancel_backend(%s)", pid))
    with stop, pytest.raises(NotSent, match="somebody else had the database stop the statement"):
        hand.change(SLOW_CHANGE)


def test_a_lock_is_waited_for_and_then_the_statement_is_refused(hand: Hand, postgres: Postgres) -> None:
    with closing(psycopg.connect(postgres.url)) as other:
        other.execute("lock table threads")
        with pytest.raises(NotSent, match=r"lock timeout \(55P03\)") as caught:
            hand.statement("update threads set title = 'x'", changes=True, limit=400).run()
        assert "pg_blocking_pids" in caught.value.help
    assert titles(postgres) == ["one", "two"]


@contextmanager
def meanwhile(postgres: Postgres, part: str, act: Callable[[int], object]) -> Iterator[None]:
    """Do something to the server's process that carries out a statement, once it does."""

    def watch() -> None:
        until = time.monotonic() + 20
        while not (found := postgres.running(part)):
            assert time.monotonic() < until
            time.sleep(0.01)  # the statement is on its way
        act(found[0])

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


@pytest.mark.reliability
@pytest.mark.parametrize("how", ["terminated", "killed", "stopped"])
@pytest.mark.parametrize("changes", [False, True])
def test_c2_a_connection_that_is_lost_in_the_middle_is_lost(
    hand: Hand, postgres: Postgres, how: str, changes: bool
) -> None:
    acts: dict[str, Callable[[int], object]] = {
        "terminated": lambda pid: postgres.do("select pg_terminate_backend(%s)", pid),
        "killed": lambda pid: os.kill(pid, signal.SIGKILL),
        "stopped": lambda _: postgres.stop("QUIT"),
    }
    with (
        meanwhile(postgres, "pg_sleep", acts[how]),
        pytest.raises(Lost, match="the connection to the database was lost"),
    ):
        hand.statement(SLOW_CHANGE if changes else SLEEP, changes=changes).run()
    if how == "stopped":
        with pytest.raises(NotSent, match="refused the connection"):
            hand.read("select 1")
        postgres.start()
    postgres.ready()
    assert titles(postgres) == ["one", "two"]


class Between:
    """A way to the server that can be cut without anybody being told: nothing more goes through."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._cut = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let nothing more through."""
        self._cut = True

    def close(self) -> None:
        """Close everything."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, far = self._server.accept()[0], socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if not self._cut:
                    other.sendall(data)
            if not self._cut:
                other.shutdown(socket.SHUT_WR)


@pytest.mark.reliability
def test_c2_a_network_that_goes_silent_leaves_a_change_timed_out_and_not_failed(hand: Hand, postgres: Postgres) -> None:
    with closing(Between(postgres.port)) as between:
        hand.url = postgres.url.replace(str(postgres.port), str(between.port))
        assert hand.read("select 1").row_count == 1
        began = time.monotonic()
        with (
            meanwhile(postgres, "pg_sleep", lambda _: between.cut()),
            pytest.raises(TimedOut, match="nor when it was told"),
        ):
            hand.statement(SLOW_CHANGE, changes=True, limit=1_500).run()
        assert time.monotonic() - began < 8
    # The server has kept the limits by itself, and leaves no lock behind.
    begun = "select 1 from pg_stat_activity where application_name like 'runbook/%%' and xact_start is not null"
    wait_for(lambda: not postgres.do(begun), "the server's own clock does not run out")
    postgres.do("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'runbook/%%'")
    assert titles(postgres) == ["one", "two"]


def test_a_server_that_never_answers_is_not_waited_for_beyond_the_limit(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hand = Hand(f"postgresql://app:{ENCODED}@127.0.0.1:{silent.getsockname()[1]}/app", tmp_path)
        began = time.monotonic()
        with pytest.raises(NotSent, match="no connection to the database within 300 ms"):
            hand.statement("delete from threads", changes=True, limit=300).run()
        stopped = hand.statement("delete from threads", changes=True)
        cancelled_after(stopped, 0.2)
        with pytest.raises(NotSent, match="stopped by a person; nothing was sent"):
            stopped.run()
        assert time.monotonic() - began < 2


@pytest.mark.reliability
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://app:{pw}@127.0.0.1:1/app", "127.0.0.1:1 refused the connection"),
        ("postgresql://app:{pw}@surely-not.invalid/app", "the name of surely-not.invalid does not resolve"),
        ("postgresql://app:wrong{pw}@{here}/app", "{here} refused the user or the password"),
        ("postgresql://nobody:{pw}@{here}/app", "{here} refused the user or the password"),
        ("postgresql://app@{here}/app", "{here} wants a password, and the URL has none"),
        ("postgresql://app:{pw}@{here}/nowhere", "{here} has no database of that name"),
        ("postgresql://app:{pw}@{here}/app?sslmode=require", "TLS with {here} failed"),
        ("postgresql://app:{pw}@/app?host=/nowhere", "no database listens on the socket of this machine"),
        ("postgresql://app:{raw}@{here}/app", "the URL of the database cannot be read"),
        ("postgresql://app:pa55-word%zz@{here}/app", "the URL of the database cannot be read"),
        ("postgresql://app:pa55-word@with@{here}/app", "the URL of the database cannot be read"),
        ("postgresql://app:55/55-word@{here}/app", "the URL of the database cannot be read"),
        ("postgresql://app:{pw}@{here}/app?pa55-word=1", "the URL of the database cannot be read"),
        ("{raw}", "begins neither with"),
    ],
)
def test_d1_why_it_was_not_reached_is_said_without_the_password(
    postgres: Postgres, tmp_path: Path, url: str, said: str
) -> None:
    here = f"127.0.0.1:{postgres.port}"
    fill = {"pw": ENCODED, "raw": PASSWORD, "here": here}
    with pytest.raises(NotSent) as caught:
        Hand(url.format_map(fill), tmp_path).change("create table more (id int)")
    assert said.format_map(fill) in caught.value.reason
    assert caught.value.help
    for piece in ("pa55", "word", "with@", "signs", "55-"):
        assert piece not in f"{caught.value.reason} {caught.value.help}".replace("password", "")


def test_too_many_connections_are_a_reason_of_their_own(hand: Hand, postgres: Postgres) -> None:
    held: list[psycopg.Connection[object]] = []
    postgres.do("drop role if exists busy; create role busy login password 'busy-busy' connection limit 1")
    busy = postgres.url_of("app", user="busy", password="busy-busy")
    try:
        held.append(psycopg.connect(busy))
        hand.url = busy
        with pytest.raises(NotSent, match="has no connection left"):
            hand.read("select 1")
    finally:
        for connection in held:
            connection.close()
