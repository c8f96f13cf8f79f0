"""A change that the file repeats is repeated as it was confirmed: what is another thing by then is asked again."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, answers, wait_for
from tests.drivers.sitting import Entries, Sitting, loaded

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.operator import Hand, No, Place, Request, Yes
from runbook.model.clock import Clock
from runbook.walk import events as e
from runbook.walk.run_events import Event
from runbook.world.clock import SimulatedClock

ALTER = (
    "id: one\nkind: command\neffect: change\nundo: none\nbecause: x\nargv: [alter]\nidempotent: true\n"
    "retry: {attempts: 3, delay: 10s}\nnext: done\non_fail: bad\n"
)
FAILS_ONCE: Entries = {"one": [{"exit_code": 1}, {"exit_code": 0}]}


class Watchful(AnswersOperator):
    """Says yes as often as it is told to, then no; something happens while a repetition is waited for."""

    def __init__(self, clock: Clock, *happens: Callable[[], object], yes: int = 9) -> None:
        super().__init__((), clock)
        self.stale: list[str | None] = []
        self._happens = [*happens]
        self._yes = yes

    def show(self, event: Event) -> None:
        """Let the next thing happen between two attempts."""
        if isinstance(event, e.StepRetrying) and self._happens:
            self._happens.pop(0)()

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Say yes while there is one left."""
        del place
        self.stale.append(request.stale)
        return Yes() if len(self.stale) <= self._yes else No(reason="not again")


def walked(
    root: Path, step: str, world: Entries, *happens: Callable[[], object], yes: int = 9, head: str = ""
) -> tuple[Sitting, Watchful]:
    """Walk one change."""
    clock = SimulatedClock()
    operator = Watchful(clock, *happens, yes=yes)
    sitting = Sitting(loaded(root, book(step, head=head)), operator, clock=clock, world=world)
    sitting.go()
    return sitting, operator


def test_the_same_action_is_repeated_under_one_confirmation(tmp_path: Path) -> None:
    sitting, operator = walked(tmp_path, ALTER, FAILS_ONCE)
    assert operator.stale == [None]
    assert [f["attempt"] for f in sitting.told("step.started", "one")] == [1, 2]
    assert len({f["action"] for f in sitting.told("step.started", "one")}) == 1


@pytest.mark.reliability
def test_j6_an_action_that_is_another_one_at_its_repetition_is_asked_again(tmp_path: Path) -> None:
    again = ALTER + "env: {TRY: \"${{ has(last.one.exit_code) ? 'second' : 'first' }}\"}\n"
    sitting, operator = walked(tmp_path, again, FAILS_ONCE)
    assert operator.stale == [None, "the action is another one now"]
    first, second = sitting.told("step.started", "one")
    assert first["action"] != second["action"]
    given = [f["action"] for f in sitting.told("confirmation.given")]
    assert given == [first["action"], second["action"]]
    assert (sitting.walk.visits["one"], second["attempt"]) == (1, 2)


@pytest.mark.reliability
def test_j6_a_repetition_that_is_not_confirmed_again_does_not_happen(tmp_path: Path) -> None:
    again = ALTER + "env: {TRY: \"${{ has(last.one.exit_code) ? 'second' : 'first' }}\"}\n"
    sitting, operator = walked(tmp_path, again, FAILS_ONCE, yes=1)
    assert operator.stale == [None, "the action is another one now"]
    assert len(sitting.told("step.started", "one")) == 1
    assert [f["reason"] for f in sitting.told("confirmation.refused")] == ["not again"]
    assert sitting.types[-1] == "run.paused"
    # What the first attempt may have changed is not forgotten.
    assert [(c.step, c.changed) for c in sitting.walk.changes] == [("one", "maybe")]


@pytest.mark.reliability
def test_j6_a_secret_that_is_another_one_at_a_repetition_is_asked_about_again(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-first-value")
    sitting, operator = walked(
        tmp_path,
        ALTER + "env: {S: '${{ secrets.filed }}'}\n",
        FAILS_ONCE,
        lambda: secret.write_text("the-second-value"),
        head=f"secrets: {{filed: {{file: {secret}}}}}\n",
    )
    assert operator.stale == [None, "a secret has another value now"]
    assert [f["attempt"] for f in sitting.told("step.started", "one")] == [1, 2]
    assert "the-" not in str(sitting.log.records)


@pytest.mark.reliability
def test_j6_a_secret_that_is_gone_at_a_repetition_refuses_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-first-value")
    step = ALTER + "env: {S: '${{ secrets.filed }}'}\n"
    head = f"secrets: {{filed: {{file: {secret}}}}}\n"
    sitting, _ = walked(tmp_path, step, FAILS_ONCE, secret.unlink, head=head)
    assert [f["by"] for f in sitting.told("step.refused")] == ["secret"]
    assert len(sitting.told("step.started", "one")) == 1


def test_a_repetition_is_not_bound_by_what_a_confirmation_lasts(tmp_path: Path) -> None:
    sitting, operator = walked(tmp_path, ALTER + "confirm: {expires: 5s}\n", FAILS_ONCE)
    assert operator.stale == [None]
    assert sitting.walk.finish is not None


REPEATED = change("one", then="done", after="[ -e now ]", more="idempotent: true\nretry: {attempts: 3, delay: 1h}\n")
WITH = ("--answers", "answers.yaml")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with a change that failed once and is to be repeated in an hour."""
    desk = Desk(tmp_path)
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    desk.write("book.yaml", book(REPEATED))
    return desk


@pytest.mark.reliability
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_c2_a_resume_voids_the_confirmation_of_what_would_be_repeated(number: int, desk: Desk) -> None:
    process = desk.start("run", "book.yaml", "--run-id", "r1", *WITH)
    wait_for(lambda: desk.run().log.exists() and "step.retrying" in desk.types(), "it is not to be repeated")
    process.signal(number)
    process.ended()
    desk.write("now", "")
    asked = desk.do("resume", "r1")
    assert asked.status == 3, asked
    assert "no answer to the confirmation of `one`" in asked.err
    assert desk.effects() == ["one"]
    assert desk.verify() == 3
    assert desk.do("resume", "r1", *WITH).status == 0
    assert desk.effects() == ["one", "one"]
    assert [f["attempt"] for f in desk.told("step.started") if f["step"] == "one"] == [1, 2]
    assert desk.verify() == 0
