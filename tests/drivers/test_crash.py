"""A walk that is killed at any boundary: nothing happened unannounced, it goes on, nothing is done twice unasked."""

import random
import shutil
import signal
import time
from pathlib import Path
from typing import Unpack

import pytest
from tests.drivers.books import GOOD, book, change, changes, read
from tests.drivers.desk import Desk, answers, count
from tests.drivers.hatchery import Options

pytestmark = pytest.mark.reliability
WITH = ("--answers", "answers.yaml")
STEPS = ("one", "two")
PROBE = "probe: {{kind: command, argv: [grep, -q, {}, effects], failed_when: exit_code != 0}}\n"
BOOK = changes(STEPS, two=PROBE.format("two"))
YES = answers(*(f"step: {step}, confirm: 'yes', settle: passed, evidence: looked" for step in STEPS))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("answers.yaml", YES)
    return desk


def run(desk: Desk, run_id: str = "r1", **options: Unpack[Options]) -> int:
    """Walk both changes; returns how the process ended."""
    return desk.walk(BOOK, *WITH, run=run_id, **options).status


def assert_announced(desk: Desk, kills: int = 1) -> None:
    """Every effect has its intent on disk, and at most one intent a kill has no effect."""
    if not desk.run().log.exists():
        assert desk.effects() == []
        return
    effects, intents = desk.effects(), desk.intents()
    assert effects == [intent for intent in intents if intent in effects]
    assert len(effects) <= len(intents) <= len(effects) + kills


def began(desk: Desk) -> bool:
    """Whether there is a whole record."""
    log = desk.run().log
    return log.exists() and b"\n" in log.read_bytes()


def assert_goes_on(desk: Desk) -> None:
    """It can be resumed to its end, nothing is done twice, and its log is a legal walk."""
    if not began(desk):
        assert desk.verify() in (2, 7)
        assert desk.do("resume", "r1", *WITH).status == 2
        assert desk.effects() == []
        return
    assert desk.verify() in (0, 3, 4)
    over = desk.types()[-1] == "run.finished"
    resumed = desk.do("resume", "r1", *WITH).status
    # The probe of `two` finds out that it did not happen; then the file says what follows.
    did_not_happen = any(f["outcome"] == "failed" for f in desk.told("step.settled"))
    assert resumed == (2 if over else 1 if did_not_happen else 0)
    assert ("two" in desk.effects()) is not did_not_happen
    assert desk.types()[-1] == "run.finished"
    assert desk.verify() == 0
    assert set(count(desk.intents()).values()) == {1}
    assert set(count(desk.effects()).values()) <= {1}


def boundaries(tmp_path: Path) -> list[str]:
    """The calls of a whole walk that could leave a mark."""
    desk = Desk(tmp_path / "counted")
    desk.root.mkdir()
    desk.write("answers.yaml", YES)
    trace = tmp_path / "trace"
    assert run(desk, trace=str(trace)) == 0
    return trace.read_text().split()


def kill_at(root: Path, number: int) -> None:
    """Kill a walk before the call of that number, look, and go on."""
    root.mkdir()
    desk = Desk(root)
    desk.write("answers.yaml", YES)
    assert run(desk, kill=number) == -signal.SIGKILL
    desk.settled()
    assert_announced(desk)
    assert_goes_on(desk)


def test_c1_killed_before_calls_that_could_leave_a_mark(tmp_path: Path) -> None:
    calls = boundaries(tmp_path)
    assert {"write", "fsync", "fork_exec", "mkdir", "flock"} <= set(calls)
    for number in range(1, len(calls) + 1, 4):
        kill_at(tmp_path / str(number), number)


@pytest.mark.full
def test_c1_killed_before_every_call_that_could_leave_a_mark(tmp_path: Path) -> None:
    for number in range(1, len(boundaries(tmp_path)) + 1):
        kill_at(tmp_path / str(number), number)


def kill_after(root: Path, seconds: float) -> None:
    """Kill a walk after so long, several times over, until it is over."""
    root.mkdir()
    desk = Desk(root)
    desk.write("answers.yaml", YES)
    desk.write("book.yaml", BOOK)
    process = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    for kills in range(1, 5):
        time.sleep(seconds)  # the moment is the point
        process.signal(signal.SIGKILL)
        process.ended()
        desk.settled()
        assert_announced(desk, kills)
        if not began(desk):
            break
        process = desk.start("resume", "r1", *WITH)
    process.ended()
    assert_goes_on(desk)


def moments(number: int) -> list[float]:
    """Times after which to kill: a walk takes about a tenth of a second here."""
    chance = random.Random(20261121)
    return [chance.uniform(0.005, 0.11) for _ in range(number)]


def test_c1_killed_at_random(tmp_path: Path) -> None:
    for number, moment in enumerate(moments(12)):
        kill_after(tmp_path / str(number), moment)


@pytest.mark.full
def test_c1_killed_at_random_a_thousand_times(tmp_path: Path) -> None:
    for number, moment in enumerate(moments(1_000)):
        kill_after(tmp_path / str(number), moment)


def announced_change(desk: Desk, before: str = "", after: str = "", more: str = "") -> None:
    """Walk one change that kills the walk from inside, before or after its effect."""
    walked = desk.walk(book(change("one", then="done", before=before, after=after, more=more)), *WITH)
    assert walked.status == -signal.SIGKILL
    desk.settled()


DIE = "kill -9 $PPID; exit 1"


@pytest.mark.parametrize(
    ("before", "after", "effects"), [(DIE, "", []), ("", DIE, ["one"])], ids=["before the effect", "behind it"]
)
def test_c2_a_change_that_nobody_saw_end_is_asked_about_and_never_repeated(
    before: str, after: str, effects: list[str], desk: Desk
) -> None:
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    announced_change(desk, before, after)
    assert desk.effects() == effects
    assert desk.types()[-1] == "step.started"
    resumed = desk.do("resume", "r1", *WITH)
    assert resumed.status == 3
    assert "what to do at `one`" in resumed.err
    assert [f["step"] for f in desk.told("step.unknown")] == ["one"]
    desk.write("answers.yaml", answers("step: one, confirm: 'yes', settle: failed, evidence: looked"))
    assert desk.do("resume", "r1", *WITH).status == 1
    assert desk.told("step.settled")[-1]["by"] == desk.told("run.started")[0]["operator"]
    assert desk.effects() == effects
    assert len(desk.intents()) == 1
    assert desk.verify() == 0


@pytest.mark.parametrize(
    ("before", "after", "outcome"), [(DIE, "", "failed"), ("", DIE, "passed")], ids=["before the effect", "behind it"]
)
def test_c2_a_probe_finds_out_what_became_of_a_change(before: str, after: str, outcome: str, desk: Desk) -> None:
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    announced_change(desk, before, after, PROBE.format("one"))
    assert desk.do("resume", "r1", *WITH).status == (0 if outcome == "passed" else 1)
    assert [(f["outcome"], f["by"]) for f in desk.told("step.settled")] == [(outcome, "probe")]
    assert len(desk.intents()) == 1
    assert desk.verify() == 0


def test_c2_without_failed_when_a_failing_probe_proves_nothing(desk: Desk) -> None:
    probe = "probe: {kind: command, argv: [grep, -q, one, effects]}\non_unknown: bad\n"
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    announced_change(desk, DIE, "", probe)
    assert desk.do("resume", "r1", *WITH).status == 1
    assert [(f["outcome"], f["by"]) for f in desk.told("step.settled")] == [("unknown", "file")]
    assert desk.verify() == 0


def test_c2_an_operators_retry_of_an_unknown_change_is_a_new_visit_with_a_new_confirmation(desk: Desk) -> None:
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    once = "[ -e again ] || { touch again; kill -9 $PPID; exit 1; }"
    assert desk.walk(book(change("one", fail="", before=once), end=GOOD), *WITH).status == -signal.SIGKILL
    desk.settled()
    desk.write(
        "answers.yaml",
        answers(
            "step: one, settle: failed, evidence: looked, do: retry, reason: it did not happen",
            "step: one, confirm: 'yes'",
        ),
    )
    assert desk.do("resume", "r1", *WITH).status == 0
    assert desk.effects() == ["one"]
    assert [(f["visit"], f["attempt"]) for f in desk.told("step.started")[:2]] == [(1, 1), (2, 1)]
    assert [f["visit"] for f in desk.told("confirmation.given")] == [1, 2]
    assert desk.verify() == 0


@pytest.mark.parametrize("happened", [True, False])
def test_c2_a_walk_that_is_killed_when_its_probe_has_looked_has_it_look_again(happened: bool, desk: Desk) -> None:
    """Between what the probe saw and what follows from it: nobody else may settle what the probe can."""
    desk.write("answers.yaml", answers("step: one, confirm: 'yes', settle: passed, evidence: looked"))
    announced_change(desk, *(("", DIE) if happened else (DIE, "")), PROBE.format("one"))
    shutil.copytree(desk.state, desk.root / "saved")
    # Calls are counted: a slow machine now and then writes a byte more to wake the walk, and shifts their numbers.
    assert any(killed_when_its_probe_had_looked(desk, happened) for _ in range(3))


def killed_when_its_probe_had_looked(desk: Desk, happened: bool) -> int:
    """Kill a walk that goes on at each of its writes behind the probe's start; how often it had looked by then."""
    saved, trace = desk.root / "saved", desk.root / "trace"
    again(desk.state, saved)
    trace.unlink(missing_ok=True)
    desk.do("resume", "r1", *WITH, trace=str(trace))
    calls = trace.read_text().split()
    looked = 0
    for number, call in enumerate(calls, 1):
        if call != "write" or number <= calls.index("fork_exec"):
            continue
        again(desk.state, saved)
        assert desk.do("resume", "r1", *WITH, kill=number).status in {-signal.SIGKILL, 0 if happened else 1}
        looked += desk.types()[-1] == "step.finished"
        if desk.types()[-1] != "run.finished":
            resumed = desk.do("resume", "r1", *WITH)
            assert resumed.status == (0 if happened else 1), resumed
        assert [told["by"] for told in desk.told("step.settled")] == ["probe"]
        assert desk.effects() == (["one"] if happened else [])
        assert desk.verify() == 0
    return looked


def again(state: Path, saved: Path) -> None:
    """Put a state directory back as it was."""
    shutil.rmtree(state)
    shutil.copytree(saved, state)


def test_c2_a_read_in_flight_is_run_again_and_says_so(desk: Desk) -> None:
    script = "[ -e again ] || { touch again; kill -9 $PPID; }; echo looked >> looks"
    assert desk.walk(book(read("look", "sh", "-c", script, then="done"))).status == -9
    desk.settled()
    resumed = desk.do("resume", "r1")
    assert resumed.status == 0
    assert "the walk was interrupted while it ran" in resumed.err
    assert [f["attempt"] for f in desk.told("step.started") if f["step"] == "look"] == [1, 2]
    assert desk.types().count("step.cancelled") == 1
    assert desk.verify() == 0


def test_c2_a_resume_voids_the_confirmation_that_was_not_used(desk: Desk) -> None:
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    text = book(change("one", then="done"), head="lock: '${{ run.id }}'\n")
    assert desk.walk(text, *WITH, run="first").status == 0  # it makes the state directory, which is another way
    trace = desk.root / "trace"
    assert desk.walk(text, *WITH, run="counted", trace=str(trace)).status == 0
    desk.effects_file.unlink()
    died_confirmed = False
    calls = trace.read_text().split()
    for number in range(calls.index("flock"), len(calls)):
        run_id = f"r{number}"
        desk.walk(text, *WITH, run=run_id, kill=number)
        log = desk.run(run_id).log
        if not log.exists() or desk.types(run_id)[-1:] != ["confirmation.given"]:
            continue
        died_confirmed = True
        resumed = desk.do("resume", run_id)
        assert resumed.status == 3
        assert desk.types(run_id).count("step.started") == 0
        assert desk.do("resume", run_id, *WITH).status == 0
        assert desk.types(run_id).count("confirmation.given") == 2
        break
    assert died_confirmed
