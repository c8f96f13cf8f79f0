"""The record of starts: one start a race, last start counts, clocks, torn tails, and making it anew from the logs."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from tests.audit.logs import log, plan, records

from runbook.audit.alone import alone
from runbook.audit.starts import FILE, MANY, Damaged, Found, Machine, Start, Starts
from runbook.audit.store import Store
from runbook.model.canonical import JsonObject


def start(key: str = "k", run: str = "r1", ts: str = "2026-11-21T09:00:00.000Z") -> Start:
    return Start(key=key, run=run, runbook="tested", step="reset", operator="ana@example.com", ts=ts)


def never(key: str, found: Found) -> str | None:
    del key, found
    return None


def always(key: str, found: Found) -> str | None:
    return f"{key}: {found.start.run}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state").prepare()


def _race(root: Path, barrier: Barrier, name: str, races: int, won: list[str]) -> None:
    starts = Starts(Store(root))
    for race in range(races):
        barrier.wait(20)
        if not starts.reserve(start(run=name), [f"k{race}"], always):
            won.append(f"{race}")


@pytest.mark.reliability
def test_j8_of_processes_that_reserve_at_the_same_instant_exactly_one_does(store: Store) -> None:
    fork = multiprocessing.get_context("fork")
    with fork.Manager() as manager:
        won = manager.list()
        barrier = fork.Barrier(3)
        racing = [fork.Process(target=_race, args=(store.root, barrier, f"r{n}", 50, won)) for n in range(3)]
        for process in racing:
            process.start()
        for process in racing:
            process.join(60)
            assert process.exitcode == 0
        assert sorted(won, key=int) == [str(race) for race in range(50)]


def test_a_key_that_forbids_keeps_every_key_from_being_written(store: Store) -> None:
    starts = Starts(store)
    assert starts.reserve(start(), ["a"], always) == {}
    assert starts.reserve(start(run="r2"), ["a", "b"], always) == {"a": "a: r1"}
    assert starts.last("b") is None


def test_the_last_start_of_a_key_is_found_and_the_others_are_dropped_in_time(store: Store) -> None:
    starts, record = Starts(store), store.root / FILE
    for number in range(7):
        starts.reserve(start(run="before"), [f"k{number}"], never)
    with record.open("a") as file:
        file.writelines(record.read_text().splitlines(keepends=True)[-7:] * (MANY // 7))
    assert len(record.read_text().splitlines()) > MANY
    for number in range(50):
        starts.reserve(start(run=f"r{number}"), [f"k{number % 7}"], never)
    found = starts.last("k3")
    assert found is not None
    assert found.start.run == f"r{max(n for n in range(50) if n % 7 == 3)}"
    assert len(record.read_text().splitlines()) < 100


def test_ten_thousand_starts_are_looked_at_fast(store: Store) -> None:
    line = (
        '{"boot":"","key":"k%d","operator":"a","run":"r","runbook":"t","step":"s","ts":"2026-11-21T09:00:00Z","up":0}\n'
    )
    starts = Starts(store)
    starts.reserve(start(), ["k"], never)
    with (store.root / FILE).open("a") as file:
        file.write("".join(line % number for number in range(10_000)))
    began = time.perf_counter()
    assert starts.last("k9999") is not None
    assert time.perf_counter() - began < 1


def clocked(*ups: int) -> Callable[[], Machine]:
    """A machine whose clock shows these times, one after the other."""
    left = list(ups)
    return lambda: Machine(boot="one", up=left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.reliability
def test_j9_how_long_ago_it_was_is_told_by_a_clock_that_nobody_sets(store: Store) -> None:
    starts = Starts(store, clocked(1_000, 61_000))
    starts.reserve(start(), ["k"], never)
    found = starts.last("k")
    assert found is not None
    assert found.ago == 60_000


@pytest.mark.parametrize("machine", [None, Machine(boot="two", up=99_000), Machine(boot="one", up=10)])
def test_after_a_restart_the_wall_clock_has_to_do(store: Store, machine: Machine | None) -> None:
    Starts(store, clocked(1_000)).reserve(start(), ["k"], never)
    found = Starts(store, lambda: machine).last("k")
    assert found is not None
    assert found.ago is None


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "[]",
        "",
        "not json",
        '{"boot":"","key":"k","operator":"a","run":"r","runbook":"t","step":"s","ts":"t","up":"0"}',
        '{"boot":"","key":"k","operator":"a","run":"r","runbook":"t","step":"s","ts":"t","up":true}',
        '{"boot":"","key":"k","operator":"a","run":"r","runbook":"t","step":"s","ts":"t","up":0,"more":1}',
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_start_is_never_passed_over(store: Store, line: str) -> None:
    starts = Starts(store)
    starts.reserve(start(), ["k"], never)
    path = store.root / FILE
    path.write_text(f"{line}\n{path.read_text()}")
    with pytest.raises(Damaged, match="line 1"):
        starts.last("k")
    with pytest.raises(Damaged, match="line 1"):
        starts.reserve(start(), ["other"], never)


def test_a_torn_tail_is_cut_by_the_next_start(store: Store) -> None:
    starts = Starts(store)
    starts.reserve(start(), ["k"], never)
    path = store.root / FILE
    whole = path.read_text()
    path.write_text(whole + '{"boot":"x')
    assert starts.last("k") is not None
    starts.reserve(start(run="r2"), ["k"], never)
    assert [line[:1] for line in path.read_text().splitlines()] == ["{", "{", "{"]


@pytest.mark.reliability
def test_j9_a_record_that_was_cut_anywhere_is_never_taken_for_whole(store: Store) -> None:
    starts = Starts(store)
    for key in ("a", "b", "c"):
        starts.reserve(start(), [key], never)
    path = store.root / FILE
    whole = path.read_bytes()
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged, match=r"was cut|line 1"):
            starts.last("a")
        with pytest.raises(Damaged, match=r"was cut|line 1"):
            starts.reserve(start(), ["other"], never)
    path.write_bytes(whole)
    assert starts.reserve(start(), ["c"], always)


def test_a_crash_before_the_head_of_the_record_was_written_loses_no_start(store: Store) -> None:
    starts = Starts(store)
    starts.reserve(start(), ["a"], never)
    head, _, _ = (path := store.root / FILE).read_bytes().partition(b"\n")
    starts.reserve(start(), ["b"], never)
    path.write_bytes(head + path.read_bytes()[len(head) :])
    assert starts.last("b") is not None


def test_a_link_in_the_place_of_the_record_is_not_followed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (store.root / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        Starts(store).reserve(start(), ["k"], never)
    assert (tmp_path / "elsewhere").read_text() == ""


@pytest.mark.reliability
def test_j8_others_go_on_while_the_record_is_made_anew_from_long_logs(store: Store) -> None:
    """And what they start meanwhile is in it."""
    run = store.create("r1")
    run.log.write_bytes(log(20_000))
    found: list[Found | None] = []
    looking = threading.Thread(target=lambda: found.append(Starts(store).last("k")))
    looking.start()
    turns = 0
    while looking.is_alive():
        with alone(store.root, patience=5):
            turns += 1
        if turns == 1:
            other = store.create("r2")
            other.log.write_bytes(_with_a_start("r2"))
        time.sleep(0.01)  # a turn of somebody else
    assert turns > 3
    assert [each.start.run if each else None for each in found] == ["r2"]


def _with_a_start(run: str) -> bytes:
    """A log of a run that started a step under the key ``k``."""
    begin, *_, end = plan(0, run)
    at: JsonObject = {"step": "reset", "visit": 1}
    guard: JsonObject = {**at, "guard": 0, "kind": "cooldown", "held": True, "key": "k", "reason": "x"}
    start_: JsonObject = {**at, "attempt": 1, "effect": "change", "action": "0" * 64, "what": "{}"}
    told = [begin, ("guard.checked", guard), ("step.started", start_), end]
    return b"".join(record.raw + b"\n" for record in records(told))
