"""Nothing changes unconfirmed: what is asked, what counts as a yes, and when a yes does not count any more."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.drivers.books import END, book, change, read
from tests.drivers.desk import Desk, answers, wait_for
from tests.drivers.sitting import Sitting, loaded

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.operator import Act, Hand, No, Place, Request, Yes
from runbook.drivers.session import Stop
from runbook.model.clock import Clock
from runbook.world.clock import SimulatedClock

pytestmark = pytest.mark.reliability
RUNBOOK = Path(sys.executable).with_name("runbook")
WITH = ("--answers", "answers.yaml")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


MANUAL = (
    "id: hand\nkind: manual\neffect: change\nundo: none\nbecause: x\ninstructions: do it\nnext: done\non_fail: bad\n"
)
GATE = "id: sure\nkind: gate\nquestion: Sure?\nnext: one\non_fail: bad\n"
INPUTS = ["/dev/null", "yes |", "newlines", "closed", "fifo"]


@pytest.mark.parametrize("stdin", INPUTS)
@pytest.mark.parametrize("first", ["change", "gate", "manual"])
def test_j1_without_a_person_nothing_is_confirmed_whatever_standard_input_holds(
    first: str, stdin: str, desk: Desk
) -> None:
    steps = {"change": [change("one", then="done")], "gate": [GATE, change("one", then="done")], "manual": [MANUAL]}
    desk.write("book.yaml", book(*steps[first]))
    desk.write("newlines", "\n" * 10_000)
    if stdin in {"yes |", "closed"}:
        walk = f"{RUNBOOK} run book.yaml --run-id r1"
        command = f"{walk} <&-" if stdin == "closed" else f"yes | {walk}; exit ${{PIPESTATUS[1]}}"
        env = desk.env
        status = subprocess.run(
            ["bash", "-c", command], cwd=desk.root, env=env, capture_output=True, check=False
        ).returncode
    else:
        if stdin == "fifo":
            os.mkfifo(desk.root / "fifo")
        path = stdin if stdin.startswith("/") else str(desk.root / stdin)
        status = desk.do("run", "book.yaml", "--run-id", "r1", stdin=path).status
    assert status == 3
    assert desk.effects() == []
    assert desk.intents() == []
    assert desk.types()[-1] == "run.paused"
    assert "answer.given" not in desk.types()
    assert "confirmation.given" not in desk.types()
    assert desk.verify() == 3


@pytest.mark.parametrize(
    "given",
    [
        "yes",
        "no",
        "Production",
        "production ",
        " production",
        "produktion",
        "prоduction",
        "production\\n",
        "y",
        "PRODUCTION",
    ],
)
def test_j4_only_the_exact_phrase_is_a_yes_where_a_phrase_is_wanted(given: str, desk: Desk) -> None:
    step = change("one", then="done", more='confirm: {phrase: "${{ environment.name }}"}\n')
    head = "environments: {production: {x: '1'}}\n"
    desk.write("answers.yaml", answers(f'step: one, confirm: "{given}"'))
    done = desk.walk(book(step, head=head), "-e", "production", *WITH)
    if given == "yes":
        assert done.status == 2
        assert "RB301" in done.err
        return
    assert done.status == 3
    assert desk.effects() == []
    assert desk.types().count("confirmation.refused") == 1
    # A no is a no: the operator is asked what to do, and doing it again is a visit of its own.
    desk.write("answers.yaml", answers("step: one, do: retry", "step: one, confirm: production"))
    assert desk.do("resume", "r1", *WITH).status == 0
    assert desk.effects() == ["one"]
    assert [f["visit"] for f in desk.told("confirmation.requested")] == [1, 2]
    assert desk.verify() == 0


@pytest.mark.parametrize("given", ["no", "Yes", "y", "yes ", "true", "production", "one"])
def test_j4_only_yes_is_a_yes_where_yes_is_wanted(given: str, desk: Desk) -> None:
    desk.write("answers.yaml", answers(f'step: one, confirm: "{given}"'))
    assert desk.walk(book(change("one", then="done")), *WITH).status == 3
    assert desk.effects() == []


def test_an_irreversible_step_wants_a_phrase_and_a_reason_whatever_the_file_says(desk: Desk) -> None:
    step = change("one", then="done").replace("effect: change", "effect: irreversible")
    for given, status in (("confirm: one", 2), ("confirm: one, reason: ' '", 2), ("confirm: one, reason: because", 0)):
        desk.write("answers.yaml", answers(f"step: one, {given}"))
        run = f"r{len(given)}"
        assert desk.walk(book(step), *WITH, run=run).status == status
        assert desk.run(run).log.exists() == (status == 0)
        assert len(desk.effects()) == (status == 0)
    desk.write("answers.yaml", answers("step: one, confirm: 'yes', reason: because"))
    assert "RB301" in desk.walk(book(step), *WITH, run="r0").err


class Slow(AnswersOperator):
    """Says yes, after something has happened."""

    def __init__(self, clock: Clock, *happens: Callable[[], object]) -> None:
        super().__init__((), clock)
        self.requests: list[Request] = []
        self._happens = [*happens]

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Let the next thing happen, and say yes."""
        del place
        self.requests.append(request)
        if len(self.requests) > 5:
            return Act(do="abort", reason="asked too often")
        if self._happens:
            self._happens.pop(0)()
        return Yes(reason="because")


SECRET = "secrets: {filed: {file: SECRET}}\n"
ALTER = "id: one\nkind: command\neffect: change\nundo: none\nbecause: x\nargv: [alter]\nnext: done\non_fail: bad\n"


def test_j6_a_secret_that_changes_between_confirmation_and_start_is_asked_about_again(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-first-value")
    text = book(ALTER + "env: {S: '${{ secrets.filed }}'}\n", head=SECRET.replace("SECRET", str(secret)))
    clock = SimulatedClock()
    operator = Slow(clock, lambda: secret.write_text("the-second-value"))
    sitting = Sitting(loaded(tmp_path, text), operator, clock=clock, world={"one": [{"exit_code": 0}]})
    assert sitting.go().stop is Stop.FINISHED
    assert [request.stale for request in operator.requests] == [None, "a secret has another value now"]
    assert [f.get("stale") for f in sitting.told("confirmation.requested")] == [None, "a secret has another value now"]
    assert len(sitting.told("step.started", "one")) == 1
    assert "the-" not in str(sitting.log.records)


@pytest.mark.parametrize("second", ["the-first-valuf", "the-first-value ", "The-first-value"])
@pytest.mark.parametrize("source", ["env: J6_TOKEN", "command: [printenv, J6_TOKEN], strip: newline"])
def test_j6_a_variable_or_command_that_says_another_byte_is_asked_about_again(
    tmp_path: Path, source: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("J6_TOKEN", "the-first-value")
    text = book(ALTER + "env: {S: '${{ secrets.token }}'}\n", head=f"secrets: {{token: {{{source}}}}}\n")
    clock = SimulatedClock()
    operator = Slow(clock, lambda: monkeypatch.setenv("J6_TOKEN", second))
    sitting = Sitting(loaded(tmp_path, text), operator, clock=clock, world={"one": [{"exit_code": 0}]})
    assert sitting.go().stop is Stop.FINISHED
    assert [request.stale for request in operator.requests] == [None, "a secret has another value now"]
    assert len(sitting.told("step.started", "one")) == 1


def test_j6_a_secret_that_is_gone_between_confirmation_and_start_refuses_the_step(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-first-value")
    text = book(ALTER + "env: {S: '${{ secrets.filed }}'}\n", head=SECRET.replace("SECRET", str(secret)))
    clock = SimulatedClock()
    sitting = Sitting(loaded(tmp_path, text), Slow(clock, secret.unlink), clock=clock)
    assert sitting.go().stop is Stop.PAUSED
    assert [f["by"] for f in sitting.told("step.refused")] == ["secret"]
    assert sitting.told("step.started") == []


def test_j6_a_secret_that_changes_again_and_again_is_never_started_with_another_than_was_confirmed(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("value-number-0")
    text = book(ALTER + "env: {S: '${{ secrets.filed }}'}\n", head=SECRET.replace("SECRET", str(secret)))
    clock = SimulatedClock()
    changes = [lambda n=n: secret.write_text(f"value-number-{n}") for n in range(1, 9)]
    sitting = Sitting(loaded(tmp_path, text), Slow(clock, *changes), clock=clock)
    ending = sitting.go()
    assert ending.finish is not None
    assert ending.finish.value == "aborted"
    assert sitting.told("step.started") == []


def test_j6_a_confirmation_that_expired_is_asked_for_again(tmp_path: Path) -> None:
    clock = SimulatedClock()

    def late() -> None:
        clock.wait(1)

    class Late(Slow):
        """Is called away between the yes and the start."""

        def show(self, event: object) -> None:
            """Let time pass after the first yes."""
            if type(event).__name__ == "ConfirmationGiven" and len(self.requests) == 1:
                clock.wait(61_000)

    operator = Late(clock, late)
    text = book(ALTER + "confirm: {expires: 1m}\n")
    sitting = Sitting(loaded(tmp_path, text), operator, clock=clock, world={"one": [{"exit_code": 0}]})
    assert sitting.go().stop is Stop.FINISHED
    assert [request.stale for request in operator.requests] == [None, "the confirmation has expired"]


def test_j6_an_action_that_is_another_one_after_a_pause_is_confirmed_as_what_it_is_now(desk: Desk) -> None:
    # The needed reading is fresh in the second sitting; the confirmation of the first is void.
    look = read("look", "cat", "value", then="one", more="save: {value: stdout}\n")
    step = change("one", then="done").replace("script: |", "env: {VALUE: '${{ saved.value }}'}\nscript: |")
    desk.write("value", "a")
    assert desk.walk(book(look, step)).status == 3
    desk.write("answers.yaml", answers("step: one, confirm: 'yes'"))
    assert desk.do("resume", "r1", *WITH).status == 0
    actions = [f["action"] for f in desk.told("confirmation.requested")]
    assert len(actions) == 2
    assert desk.told("step.started")[1]["action"] == actions[1]


def test_a_reason_that_is_demanded_and_not_given_starts_nothing(tmp_path: Path) -> None:
    class Silent(Slow):
        """Says yes without a reason, then leaves."""

        refused = 0

        def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
            """Yes, and nothing more."""
            super().confirm(place, request)
            return Yes(reason=" ") if len(self.requests) < 3 else Act(do="pause", reason="no idea")

        def correct(self, place: Place, problem: str) -> None:
            """Count."""
            del place
            assert problem == "a reason is required"
            self.refused += 1

    operator = Silent(SimulatedClock())
    sitting = Sitting(loaded(tmp_path, book(ALTER + "confirm: {reason: required}\n")), operator)
    assert sitting.go().stop is Stop.PAUSED
    assert operator.refused == 2
    assert "confirmation.given" not in sitting.types
    assert sitting.told("step.started") == []


def test_what_is_confirmed_is_shown_with_its_undo_and_what_must_be_typed(tmp_path: Path) -> None:
    operator = Slow(SimulatedClock())
    step = ALTER.replace("undo: none\nbecause: x\n", "undo: {kind: command, argv: [put, back]}\n")
    text = book(step.replace("[alter]", "[alter, 'a b', '$(id)']") + "confirm: {phrase: do it}\n")
    Sitting(loaded(tmp_path, text), operator, world={"one": [{"exit_code": 0}]}).go()
    (request,) = operator.requests
    assert request.preview.line == "alter 'a b' '$(id)'"
    assert request.undo is not None
    assert request.undo.line == "put back"
    assert (request.phrase, request.reason_required, request.irreversible, request.stale) == (
        "do it",
        False,
        False,
        None,
    )


def test_saying_no_is_no_outcome_and_the_operator_is_asked(desk: Desk) -> None:
    desk.write("answers.yaml", answers("step: one, confirm: 'no', reason: not now, do: go_to, to: bad"))
    done = desk.walk(book(change("one", then="done")), *WITH)
    assert done.status == 1
    assert desk.told("confirmation.refused")[0]["reason"] == "not now"
    assert desk.told("step.finished")[0]["step"] == "bad"
    assert desk.effects() == []
    assert desk.verify() == 0


def test_nobody_confirms_in_a_pause_or_from_the_inbox(desk: Desk) -> None:
    calm = "id: calm\nkind: wait\nfor: 1h\nnext: one\n"
    desk.write("book.yaml", book(calm, change("one", then="done"), end=END))
    process = desk.start("run", "book.yaml", "--run-id", "r1")
    wait_for(lambda: desk.run().log.exists() and desk.types()[-1:] == ["wait.started"], "it does not wait")
    for word in ("confirm", "answer", "skip"):
        (desk.run().inbox / f"{word}.json").write_text(
            f'{{"delivery":"{"a" * 32}","run":"r1","kind":"{word}","fields":{{}}}}'
        )
    wait_for(lambda: len(desk.told("warning")) == 3, "they are not refused")
    process.signal(15)
    assert process.ended().status == 130
    assert desk.effects() == []
