"""J8 and J9: a cooldown counts every live start of its key, in every run of the store, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, answers, wait_for
from tests.drivers.forgery import Forgery, judged

KEYED = 'guards: [{cooldown: 60m, key: "database-main"}]\n'
YES = answers("step: reset, confirm: yes")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    at = Desk(tmp_path)
    at.write("answers.yaml", YES)
    yield at
    at.settled()


def reset(after: str = "", more: str = KEYED) -> str:
    """A runbook whose runs do not exclude each other, with a change that may be guarded."""
    return book(change("reset", then="done", after=after, more=more), head='lock: "${{ run.id }}"\n')


def keys(record: Path) -> list[str]:
    """The keys of a record of starts, without its head."""
    return [json.loads(line)["key"] for line in record.read_text().splitlines()[1:]]


def go(desk: Desk, text: str, run: str, *argv: str) -> int:
    return desk.walk(text, "--answers", "answers.yaml", *argv, run=run).status


@pytest.mark.reliability
@pytest.mark.parametrize("races", [5, pytest.param(50, marks=pytest.mark.full)])
def test_j8_of_two_processes_at_the_same_instant_exactly_one_starts(desk: Desk, races: int) -> None:
    for race in range(races):
        desk.write("book.yaml", reset(more=f'guards: [{{cooldown: 60m, key: "race-{race}"}}]\n'))
        argv = ("run", "book.yaml", "--answers", "answers.yaml", "--run-id")
        both = [desk.start(*argv, f"r{race}-{each}") for each in "ab"]
        assert sorted(process.ended().status for process in both) == [0, 3], race
    assert desk.effects() == ["reset"] * races


@pytest.mark.reliability
def test_j8_a_refusal_says_since_when_until_when_and_which_run(desk: Desk) -> None:
    assert go(desk, reset(), "first", "--operator", "ana@example.com") == 0
    done = desk.walk(reset(), "--answers", "answers.yaml", "--operator", "ben@example.com", run="second")
    assert done.status == 3
    (refusal,) = (told["reason"] for told in desk.told("step.refused", "second"))
    since = next(record.ts for record in desk.records("first") if record.type == "step.started")
    for part in ("database-main", since[:19], "ana@example.com", "`reset` of run first", "not again until"):
        assert part in refusal, part
    assert desk.effects() == ["reset"]
    assert desk.verify("second") == 3


@pytest.mark.reliability
@pytest.mark.parametrize("after", ["exit 3", "kill -9 $$"])
def test_j9_a_failed_and_an_unknown_attempt_count(desk: Desk, after: str) -> None:
    go(desk, reset(after), "first")
    assert go(desk, reset(), "second") == 3
    assert desk.effects() == ["reset"]


@pytest.mark.reliability
def test_j9_an_aborted_attempt_counts(desk: Desk) -> None:
    desk.write("book.yaml", reset("sleep 8"))
    running = desk.start("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "first")
    wait_for(desk.effects, "it does not start")
    running.signal(9)
    running.ended()
    desk.cleared()
    assert desk.do("abort", "first", "--reason", "enough").status == 0
    assert go(desk, reset(), "second") == 3
    assert desk.effects() == ["reset"]


@pytest.mark.reliability
def test_j9_a_drill_an_instant_ago_counts_for_no_guard_and_is_held_back_by_none(desk: Desk) -> None:
    scenario = "scenario: v1\nrunbook: book.yaml\ntitle: Drilled\nworld: {reset: [{exit_code: 0}]}\n"
    scenario += "answers: [{step: reset, confirm: yes}]\nexpect: {finish: resolved, path: [reset, done]}\n"
    desk.write("scenario.yaml", scenario)
    desk.write("book.yaml", reset())
    assert desk.do("drill", "scenario.yaml", "--self", "--run-id", "before").status == 0
    assert desk.effects() == []
    assert go(desk, reset(), "first") == 0
    assert desk.do("drill", "scenario.yaml", "--self", "--run-id", "between").status == 0
    assert go(desk, reset(), "second") == 3
    assert "run first" in desk.told("step.refused", "second")[0]["reason"]
    assert desk.effects() == ["reset"]


@pytest.mark.reliability
def test_j9_another_run_of_another_runbook_counts_and_another_key_does_not(desk: Desk) -> None:
    assert go(desk, reset().replace("id: tested", "id: other"), "first") == 0
    assert go(desk, reset(), "second") == 3
    assert go(desk, reset(more="guards: [{cooldown: 60m}]\n"), "third") == 0


def test_a_retry_within_a_visit_counts(desk: Desk) -> None:
    text = reset("exit 3", more=KEYED + "retry: {attempts: 2, delay: 300ms}\nidempotent: true\n")
    go(desk, text, "first")
    (last,) = [json.loads(line) for line in (desk.state / "starts.jsonl").read_text().splitlines()][-1:]
    second = [record.ts for record in desk.records("first") if record.type == "step.started"][1]
    assert abs(int(second[17:19]) - int(last["ts"][17:19])) <= 1


def test_a_record_of_starts_that_is_lost_is_made_from_the_logs(desk: Desk) -> None:
    assert go(desk, reset(), "first") == 0
    (desk.state / "starts.jsonl").unlink()
    assert go(desk, reset(), "second") == 3
    assert "run first" in desk.told("step.refused", "second")[0]["reason"]


@pytest.mark.reliability
def test_j9_a_record_of_starts_that_was_emptied_or_cut_forgets_nothing(desk: Desk) -> None:
    assert go(desk, reset(), "first") == 0
    path = desk.state / "starts.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"")
    assert go(desk, reset(), "second") == 3
    assert "run first" in desk.told("step.refused", "second")[0]["reason"]
    path.write_bytes(whole[: whole.index(b"\n") + 1])
    assert go(desk, reset(), "third") == 3
    assert "was cut" in desk.told("step.refused", "third")[0]["reason"]


def test_a_record_of_an_earlier_version_is_made_anew(desk: Desk) -> None:
    assert go(desk, reset(), "first") == 0
    path = desk.state / "starts.jsonl"
    path.write_text(path.read_text().partition("\n")[2].replace("database-main", "forgotten"))
    assert go(desk, reset(), "second") == 3


def test_a_damaged_record_of_starts_forbids(desk: Desk) -> None:
    assert go(desk, reset(), "first") == 0
    path = desk.state / "starts.jsonl"
    path.write_text("{}\n" + path.read_text())
    assert go(desk, reset(more="guards: [{cooldown: 60m, key: other}]\n"), "second") == 3
    assert "nobody can say what was started before" in desk.told("step.refused", "second")[0]["reason"]


def test_a_torn_tail_of_the_record_of_starts_is_cut(desk: Desk) -> None:
    assert go(desk, reset(), "first") == 0
    path = desk.state / "starts.jsonl"
    whole = path.read_text()
    path.write_text(whole + whole[-80:-1])
    assert go(desk, reset(more="guards: [{cooldown: 60m, key: other}]\n"), "second") == 0
    assert keys(path) == ["database-main", "other"]
    assert go(desk, reset(), "third") == 3


@pytest.mark.reliability
@pytest.mark.parametrize("forge", ["another key", "no key", "no guard", "a guard too many"])
def test_i1_what_the_log_says_of_a_guard_is_computed_again(desk: Desk, forge: str) -> None:
    assert go(desk, reset(), "first") == 0
    assert desk.verify("first") == 0
    forged = Forgery.of(desk.run("first").log)
    asked = [place for place, line in enumerate(forged.lines) if line.type == "guard.checked"]
    match forge:
        case "another key":
            forged.edit(asked[-1], key="other")
        case "no key":
            forged.edit(asked[-1], key=None)
        case "no guard":
            forged.drop(*asked)
        case _:
            forged.edit(asked[0], guard=7)
    status, out = judged(desk, forged, of="first")
    assert status == 6
    assert ("rule: " if forge in {"no guard", "a guard too many"} else "counts under another key") in out, out
    assert "audit.jsonl:" in out.partition("error RB54")[0].rpartition("\n")[2]  # the line is named


def test_a_reservation_whose_walk_was_killed_counts_until_the_record_is_made_anew(desk: Desk) -> None:
    assert go(desk, reset(more="guards: [{cooldown: 60m, key: other}]\n"), "first") == 0
    path = desk.state / "starts.jsonl"
    path.write_text(path.read_text() + path.read_text().replace('"other"', '"database-main"'))
    assert go(desk, reset(), "second") == 3
    done = desk.do("runs", "--rebuild-index")
    assert (done.status, "1 keys, from 2 live runs" in done.err) == (0, True), done
    assert go(desk, reset(), "third") == 0
    assert go(desk, reset(more="guards: [{cooldown: 60m, key: other}]\n"), "fourth") == 3


def test_a_damaged_record_is_made_anew_and_a_damaged_log_is_named(desk: Desk) -> None:
    assert go(desk, reset(), "first") == 0
    assert go(desk, reset(more="guards: [{cooldown: 60m, key: other}]\n"), "second") == 0
    (desk.state / "starts.jsonl").write_text("{}\n")
    log = desk.run("second").log
    log.write_bytes(log.read_bytes().replace(b"step.entered", b"step.Entered", 1))
    done = desk.do("runs", "--rebuild-index")
    assert done.status == 1
    assert "the log of second is damaged" in done.err
    assert go(desk, reset(), "third") == 3
    log.unlink()
    assert desk.do("runs", "--rebuild-index").status == 0


@pytest.mark.reliability
@pytest.mark.parametrize("line", [0, 3])
def test_j9_where_the_record_is_lost_and_a_log_damaged_nobody_starts_before_it_is_made_anew(
    line: int, desk: Desk
) -> None:
    """Nobody can say what the damaged log told; whoever makes the record anew is told of it, and goes on."""
    assert go(desk, reset(more="guards: [{cooldown: 60m, key: other}]\n"), "first") == 0
    (desk.state / "starts.jsonl").unlink()
    log = desk.run("first").log
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:line], lines[line].replace(b":", b";", 1), *lines[line + 1 :]]))
    done = desk.walk(reset(), "--answers", "answers.yaml", run="second")
    assert done.status == 3
    assert "the log of first is damaged" in desk.told("step.refused", "second")[0]["reason"]
    assert desk.effects() == ["reset"]
    done = desk.do("runs", "--rebuild-index")
    assert (done.status, "the log of first is damaged" in done.err) == (1, True)
    assert go(desk, reset(), "third") == 0


def test_what_a_walk_that_goes_on_has_reserved_stays_when_the_record_is_made_anew(desk: Desk) -> None:
    desk.write("book.yaml", reset("sleep 8"))
    running = desk.start("run", "book.yaml", "--answers", "answers.yaml", "--run-id", "first")
    wait_for(desk.effects, "it does not start")
    path = desk.state / "starts.jsonl"
    path.write_text(path.read_text().replace("database-main", "reserved"))
    assert desk.do("runs", "--rebuild-index").status == 0
    assert set(keys(path)) == {"database-main", "reserved"}
    running.signal(9)
    running.ended()
    desk.cleared()
