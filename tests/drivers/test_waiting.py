"""Waits, repetitions and reminders: when, how often, and who may cut them short."""

from itertools import pairwise
from pathlib import Path

import pytest
from tests.drivers.books import GOOD, book, read
from tests.drivers.sitting import Sitting, answering, loaded, outcomes, rehearsed, told

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.operator import Act, Hand, Place
from runbook.model.canonical import JsonObject
from runbook.model.clock import Clock
from runbook.world.clock import SimulatedClock

PLAIN = book("id: calm\nkind: wait\nfor: 10m\nnext: done\n", end=GOOD)
UNTIL = book(
    "id: until\nkind: wait\nuntil: {kind: http, url: 'https://app.example.com', expect: body.ready}\n"
    "every: 30s\ntimeout: 5m\nnext: done\non_fail: bad\n"
)
NOT_YET: JsonObject = {"status": 200, "body": {"ready": False}}
READY: JsonObject = {"status": 200, "body": {"ready": True}}


class Hurried(AnswersOperator):
    """An operator who does something while the walk waits, at times of the walk's clock."""

    def __init__(self, clock: Clock, acts: dict[int, Act]) -> None:
        super().__init__((), clock)
        self._acts = acts
        self._now = clock
        self.refused: list[str] = []

    def wait(self, place: Place, ms: int, due: int) -> Hand | None:
        """Let the time pass, and act when it is time to."""
        found = super().wait(place, ms, due)
        for at in sorted(self._acts):
            if self._now.mono() >= at:
                return self._acts.pop(at)
        return found

    def correct(self, place: Place, problem: str) -> None:
        """Remember what was refused."""
        del place
        self.refused.append(problem)


def hurried(root: Path, text: str, acts: dict[int, Act], **world: list[JsonObject]) -> tuple[Sitting, Hurried]:
    clock = SimulatedClock()
    operator = Hurried(clock, acts)
    return Sitting(loaded(root, text), operator, clock=clock, world=world), operator


def test_a_plain_wait_takes_its_time_and_passes(tmp_path: Path) -> None:
    sitting = Sitting(
        loaded(tmp_path, PLAIN), answering(tmp_path, "answers: []\n", clock := SimulatedClock()), clock=clock
    )
    sitting.go()
    assert [(f["why"], f["waited_ms"]) for f in sitting.told("wait.ended")] == [("elapsed", 600_000)]
    assert sitting.told("wait.started") == [{"step": "calm", "visit": 1, "attempt": 1, "for_ms": 600_000}]
    assert '"met":true,"waited_s":600' in str(sitting.told("step.finished", "calm")[0]["obs"])


@pytest.mark.parametrize(
    ("looks", "checks", "why", "waited"),
    [
        ([READY], 1, "passed", 0),
        ([NOT_YET, NOT_YET, READY], 3, "passed", 60_000),
        ([NOT_YET], 10, "timeout", 300_000),
        ([{"lost": True}, {"status": 500, "body": {}}, READY], 3, "passed", 60_000),
    ],
)
def test_a_wait_looks_at_once_and_then_every_so_often_until_it_passes_or_gives_up(
    looks: list[JsonObject], checks: int, why: str, waited: int, tmp_path: Path
) -> None:
    passed = why == "passed"
    sitting, _ = hurried(tmp_path, UNTIL, {}, **{"until.until": looks})
    assert sitting.go().finish is not None
    (ended,) = sitting.told("wait.ended")
    assert (ended["checks"], ended["why"], ended["waited_ms"]) == (checks, why, waited)
    assert [f["passed"] for f in sitting.told("wait.checked")] == [*[False] * (checks - 1), passed]
    assert sitting.path() == ["until", "done" if passed else "bad"]
    times = [record.mono for record in sitting.log.records if record.type == "wait.checked"]
    assert {later - earlier for earlier, later in pairwise(times)} <= {30_000}


def test_a_wait_observes_what_its_last_look_saw(tmp_path: Path) -> None:
    text = UNTIL.replace("next: done", "save: {seen: body.ready, often: checks}\n    next: done")
    sitting, _ = hurried(tmp_path, text, {}, **{"until.until": [NOT_YET, READY]})
    sitting.go()
    assert sitting.told("step.finished", "until")[0]["saved"] == '{"often":2,"seen":true}'


def test_a_look_that_takes_longer_than_the_time_between_looks_delays_the_next(tmp_path: Path) -> None:
    sitting, _ = hurried(tmp_path, UNTIL, {}, **{"until.until": [{**NOT_YET, "delay": "29s"}, READY]})
    sitting.go()
    times = [record.mono for record in sitting.log.records if record.type == "wait.checked"]
    assert times == [29_000, 59_000]


def test_check_now_looks_at_once_and_goes_on_counting_from_there(tmp_path: Path) -> None:
    acts = {10_000: Act(do="check_now")}
    sitting, operator = hurried(tmp_path, UNTIL, acts, **{"until.until": [NOT_YET, NOT_YET, READY]})
    sitting.go()
    times = [record.mono for record in sitting.log.records if record.type == "wait.checked"]
    assert times == [0, 10_000, 40_000]
    assert operator.refused == []


def test_stop_waiting_needs_a_reason_and_is_a_deviation_that_fails_what_was_waited_for(tmp_path: Path) -> None:
    acts = {10_000: Act(do="stop_waiting"), 20_000: Act(do="stop_waiting", reason="it is up, I saw it")}
    sitting, operator = hurried(tmp_path, UNTIL, acts, **{"until.until": [NOT_YET]})
    sitting.go()
    assert operator.refused == ["`stop_waiting` without a reason"]
    assert [f["deviation"] for f in sitting.told("deviation.recorded")] == ["skip"]
    assert [(f["why"], f["waited_ms"]) for f in sitting.told("wait.ended")] == [("operator", 20_000)]
    assert sitting.path() == ["until", "bad"]


def test_a_plain_wait_that_is_stopped_passes(tmp_path: Path) -> None:
    sitting, _ = hurried(tmp_path, PLAIN, {5_000: Act(do="stop_waiting", reason="no need")})
    sitting.go()
    assert sitting.path() == ["calm", "done"]
    assert '"waited_s":5}' in str(sitting.told("step.finished", "calm")[0]["obs"])


def test_what_cannot_be_done_to_a_wait_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    acts = {
        1_000: Act(do="retry", reason="x"),
        2_000: Act(do="go_to", to="nowhere", reason="x"),
        3_000: Act(do="skip"),
        4_000: Act(do="dance"),
    }
    sitting, operator = hurried(tmp_path, PLAIN, acts)
    sitting.go()
    assert len(operator.refused) == 4
    assert sitting.path() == ["calm", "done"]
    assert sitting.told("operator.acted") == []


def test_a_wait_can_be_skipped_and_jumped_away_from(tmp_path: Path) -> None:
    sitting, _ = hurried(tmp_path, PLAIN, {1_000: Act(do="skip", reason="no need")})
    sitting.go()
    assert sitting.told("step.skipped")[0]["by"] == "operator"
    sitting, _ = hurried(
        tmp_path, UNTIL, {1_000: Act(do="go_to", to="bad", reason="enough")}, **{"until.until": [NOT_YET]}
    )
    sitting.go()
    assert sitting.path() == ["until", "bad"]
    assert sitting.told("deviation.recorded")[0]["deviation"] == "jump"


RETRY = "retry: {{attempts: {}, delay: 2s, backoff: {}, max_delay: {}}}\n"


@pytest.mark.parametrize(
    ("attempts", "backoff", "longest", "pauses"),
    [
        (4, 1, "1h", [2_000, 2_000, 2_000]),
        (5, 3, "30s", [2_000, 6_000, 18_000, 30_000]),
        (3, 1.5, "1h", [2_000, 3_000]),
    ],
)
def test_a_failed_read_is_repeated_after_growing_pauses_up_to_a_longest(
    attempts: int, backoff: float, longest: str, pauses: list[int], tmp_path: Path
) -> None:
    text = book(read("look", then="done", more=RETRY.format(attempts, backoff, longest)))
    walked = rehearsed(tmp_path, text, "world: {look: [{exit_code: 1}]}\nexpect: {finish: failed, path: [look, bad]}\n")
    assert walked.failures == []
    started = [r.mono for r in walked.records if r.type == "step.started" and r.fields["step"] == "look"]
    assert len(started) == attempts
    assert [later - earlier for earlier, later in pairwise(started)] == pauses
    assert [f["delay_ms"] for f in told(walked.records, "step.retrying")] == pauses


def test_a_repetition_stops_with_the_first_success_and_its_last_observation_counts(tmp_path: Path) -> None:
    text = book(read("look", then="done", more="output: lines\nretry: {attempts: 5}\nsave: {seen: 'lines[0]'}\n"))
    world = (
        "world: {look: [{exit_code: 1, lines: [a]}, {refused: true}, {timeout: true}, {exit_code: 0, lines: [b]}]}\n"
    )
    walked = rehearsed(tmp_path, text, world)
    assert outcomes(walked.records)[:4] == [("look", "failed")] * 3 + [("look", "passed")]
    assert told(walked.records, "step.finished")[3]["saved"] == '{"seen":"b"}'


def test_a_repetition_that_is_paused_for_can_be_skipped_or_hurried(tmp_path: Path) -> None:
    text = book(read("look", then="done", more="retry: {attempts: 2, delay: 1h}\n"))
    sitting, _ = hurried(tmp_path, text, {1_000: Act(do="skip", reason="never mind")}, look=[{"exit_code": 1}])
    sitting.go()
    assert sitting.path() == ["look", "done"]
    sitting, _ = hurried(tmp_path, text, {1_000: Act(do="check_now")}, look=[{"exit_code": 1}, {"exit_code": 0}])
    sitting.go()
    assert sitting.walk.mono < 2_000
    assert outcomes(sitting.log.records)[:2] == [("look", "failed"), ("look", "passed")]


def test_nested_looks_are_repeated_by_their_own_count(tmp_path: Path) -> None:
    check = "{kind: http, url: 'https://app.example.com', retry: {attempts: 3, delay: 1s}}"
    items = f"items: [{{id: up, title: Up, check: {check}}}]"
    text = book(f"id: list\nkind: checklist\n{items}\nnext: done\non_fail: bad\n")
    walked = rehearsed(tmp_path, text, "world: {list.up: [{status: 500}, {status: 500}, {status: 200}]}\n")
    assert outcomes(walked.records)[:4] == [
        ("list.up", "failed"),
        ("list.up", "failed"),
        ("list.up", "passed"),
        ("list", "passed"),
    ]
    assert [record.mono for record in walked.records if record.type == "step.started"][1:4] == [0, 1_000, 2_000]


def test_reminders_come_when_they_are_due_once_or_again_and_again(tmp_path: Path) -> None:
    head = "reminders: [{every: 4m, say: Update}, {after: 5m, say: Call somebody}, {after: 1h, say: Never}]\n"
    walked = rehearsed(tmp_path, book("id: calm\nkind: wait\nfor: 10m\nnext: done\n", head=head, end=GOOD))
    due = [(r.mono, r.fields["say"]) for r in walked.records if r.type == "reminder.due"]
    assert due == [(240_000, "Update"), (300_000, "Call somebody"), (480_000, "Update")]


def test_events_of_a_scenario_are_said_at_their_time(tmp_path: Path) -> None:
    events = "events: [{after: 2m, say: Support calls}, {after: 30m, say: Too late}]\n"
    walked = rehearsed(tmp_path, PLAIN, events)
    assert [(r.mono, r.fields["text"]) for r in walked.records if r.type == "note.added"] == [
        (120_000, "Support calls")
    ]


def test_the_time_between_a_pause_and_a_resume_counts_for_waits_and_reminders(tmp_path: Path) -> None:
    # A wait that is due while nobody walks is over when somebody does.
    sitting, _ = hurried(tmp_path, PLAIN, {60_000: Act(do="pause", reason="lunch")})
    assert sitting.go().finish is None
    assert sitting.types[-1] == "run.paused"
    assert sitting.walk.visit is not None
    assert sitting.walk.visit.due == 600_000
