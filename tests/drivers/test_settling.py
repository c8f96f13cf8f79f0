"""What becomes of a change whose result nobody saw: by its probe, by the file, by a person; never by anybody twice."""

from pathlib import Path

import pytest
from tests.drivers.books import END, book, read
from tests.drivers.sitting import Sitting, loaded, rehearsed, told

from runbook.drivers.answers import AnswersOperator
from runbook.drivers.operator import Act, Hand, Place, Request, Settle, Yes
from runbook.drivers.session import Stop
from runbook.model.runbook import Outcome
from runbook.walk.actions import AskOperator
from runbook.world.clock import SimulatedClock

ENDS = END + "  - {id: lost, kind: finish, outcome: escalated}\n"
ALTER = "id: alter\nkind: command\neffect: change\nundo: none\nbecause: x\nargv: [alter]\nnext: done\non_fail: bad\n"
PROBE = "probe: {{kind: http, url: 'https://app.example.com', expect: body.on{}}}\n"
UNSURE = ", failed_when: status == 404"
YES = "answers: [{step: alter, confirm: 'yes'}]\n"


@pytest.mark.parametrize(
    ("more", "saw", "by", "outcome", "end"),
    [
        # The probe passes: it happened.
        (PROBE.format(""), "{status: 200, body: {on: true}}", "probe", "passed", "resolved"),
        (PROBE.format(UNSURE), "{status: 200, body: {on: true}}", "probe", "passed", "resolved"),
        # It says that it surely did not.
        (PROBE.format(UNSURE), "{status: 404, body: {}}", "probe", "failed", "failed"),
        # Anything else leaves it unknown, which the file may settle.
        (PROBE.format("") + "on_unknown: lost\n", "{status: 200, body: {on: false}}", "file", "unknown", "escalated"),
        (PROBE.format(UNSURE) + "on_unknown: lost\n", "{status: 500, body: {}}", "file", "unknown", "escalated"),
        (PROBE.format("") + "on_unknown: lost\n", "{refused: true}", "file", "unknown", "escalated"),
        (PROBE.format(UNSURE) + "on_unknown: lost\n", "{timeout: true}", "file", "unknown", "escalated"),
        ("on_unknown: lost\n", "", "file", "unknown", "escalated"),
    ],
)
def test_an_unknown_is_settled_by_its_probe_and_else_by_the_file(  # noqa: PLR0917 - the columns of a table
    more: str, saw: str, by: str, outcome: str, end: str, tmp_path: Path
) -> None:
    ends = ENDS if "on_unknown" in more else END
    probed = f", alter.probe: [{saw}]" if saw else ""
    scenario = f"world: {{alter: [{{lost: true}}]{probed}}}\n{YES}expect: {{finish: {end}}}\n"
    walked = rehearsed(tmp_path, book(ALTER + more, end=ends), scenario)
    assert walked.failures == []
    assert [(f["by"], f["outcome"]) for f in told(walked.records, "step.settled")] == [(by, outcome)]
    assert len(told(walked.records, "step.started", "alter")) == 1


@pytest.mark.parametrize(("settle", "end"), [("passed", "resolved"), ("failed", "failed")])
def test_what_neither_probe_nor_file_settles_a_person_does_with_evidence(settle: str, end: str, tmp_path: Path) -> None:
    answers = f"answers: [{{step: alter, confirm: 'yes', settle: {settle}, evidence: I looked}}]\n"
    world = "world: {alter: [{lost: true}], alter.probe: [{status: 500, body: {}}]}\n"
    walked = rehearsed(
        tmp_path, book(ALTER + PROBE.format(""), end=END), f"{world}{answers}expect: {{finish: {end}}}\n"
    )
    assert walked.failures == []
    assert told(walked.records, "step.settled")[0]["evidence"] == "I looked"


def test_what_a_person_cannot_tell_stays_unknown_and_is_asked_what_to_do(tmp_path: Path) -> None:
    answers = "answers:\n  - {step: alter, confirm: 'yes', settle: unknown, do: go_to, to: bad, reason: nobody knows}\n"
    walked = rehearsed(
        tmp_path, book(ALTER, end=END), f"world: {{alter: [{{timeout: true}}]}}\n{answers}expect: {{finish: failed}}\n"
    )
    assert walked.failures == []
    assert [f["outcome"] for f in told(walked.records, "step.settled")] == ["unknown"]
    assert told(walked.records, "deviation.recorded")[0]["deviation"] == "jump"


def test_an_unknown_never_counts_as_a_need_that_is_met(tmp_path: Path) -> None:
    lost = ALTER.replace("next: done", "next: check") + "on_unknown: check\n"
    end = END.replace("outcome: resolved", "outcome: resolved\n    needs: [alter]")
    world = "world: {alter: [{lost: true}], check: [{exit_code: 0}]}\n"
    walked = rehearsed(tmp_path, book(lost, read("check", then="done"), end=end), world + YES)
    assert walked.failures
    assert "`alter` was unknown" in walked.failures[0]


def test_a_failure_of_a_change_is_repeated_only_where_it_may_and_an_unknown_never(tmp_path: Path) -> None:
    text = book(ALTER + "idempotent: true\nretry: {attempts: 3, delay: 1s}\non_unknown: lost\n", end=ENDS)
    world = "world: {alter: [{exit_code: 1}, {refused: true}, {exit_code: 0}]}\n"
    walked = rehearsed(tmp_path, text, world + YES + "expect: {finish: resolved}\n")
    assert walked.failures == []
    assert len(told(walked.records, "confirmation.given")) == 1
    walked = rehearsed(
        tmp_path,
        text,
        "world: {alter: [{exit_code: 1}, {lost: true}, {exit_code: 0}]}\n" + YES + "expect: {finish: escalated}\n",
    )
    assert walked.failures == []
    assert len(told(walked.records, "step.started", "alter")) == 2


def test_a_probe_that_cannot_be_rendered_finds_out_nothing_and_that_is_on_record(tmp_path: Path) -> None:
    first = "id: first\nkind: http\nurl: https://a.example.com\nnext: alter\non_fail: bad\n"
    probe = "probe: {kind: http, url: 'https://app.example.com/${{ steps.first.body.id }}'}\n"
    world = "world: {first: [{status: 200, body: {}}], alter: [{lost: true}]}\n"
    answers = "answers: [{step: alter, confirm: 'yes', settle: passed, evidence: I looked}]\n"
    walked = rehearsed(tmp_path, book(first, ALTER + probe, end=END), world + answers + "expect: {finish: resolved}\n")
    assert walked.failures == []
    assert [(f["step"], f["by"]) for f in told(walked.records, "step.refused")] == [("alter.probe", "expression")]
    walked = rehearsed(
        tmp_path,
        book(first, ALTER + probe + "on_unknown: lost\n", end=ENDS),
        world + YES + "expect: {finish: escalated}\n",
    )
    assert walked.failures == []


class Decisive(AnswersOperator):
    """Says yes, and does at each question what it was told to do next."""

    def __init__(self, *decisions: Settle | Hand) -> None:
        super().__init__((), SimulatedClock())
        self.asked: list[AskOperator] = []
        self.refused: list[str] = []
        self._decisions = [*decisions]

    def confirm(self, place: Place, request: Request) -> Yes:
        """Yes."""
        del place, request
        return Yes(reason="because")

    def decide(self, place: Place, asked: AskOperator) -> Settle | Hand:
        """Do the next thing."""
        del place
        self.asked.append(asked)
        return self._decisions.pop(0) if self._decisions else Act(do="pause", reason="no more to say")

    def correct(self, place: Place, problem: str) -> None:
        """Remember what was refused."""
        del place
        self.refused.append(problem)


def test_while_it_is_unknown_a_change_can_be_neither_skipped_nor_repeated_nor_jumped_away_from(tmp_path: Path) -> None:
    hands = [
        Act(do="skip", reason="x"),
        Act(do="retry", reason="x"),
        Act(do="go_to", to="bad", reason="x"),
        Act(do="stop_waiting", reason="x"),
    ]
    operator = Decisive(*hands)
    sitting = Sitting(loaded(tmp_path, book(ALTER, end=END)), operator, world={"alter": [{"lost": True}]})
    assert sitting.go().stop is Stop.PAUSED
    assert len(operator.refused) == 4
    assert [f["do"] for f in sitting.told("operator.acted")] == ["pause"]
    assert sitting.walk.visit is not None
    assert sitting.walk.visit.phase.value == "unknown"


def test_an_abort_with_an_unknown_change_leaves_it_in_the_list_of_what_is_changed(tmp_path: Path) -> None:
    operator = Decisive(Act(do="abort", reason="enough"))
    sitting = Sitting(loaded(tmp_path, book(ALTER, end=END)), operator, world={"alter": [{"lost": True}]})
    ending = sitting.go()
    assert (ending.stop, ending.finish and ending.finish.value) == (Stop.FINISHED, "aborted")
    assert [(c.step, c.changed) for c in sitting.walk.changes] == [("alter", "maybe")]


def test_a_person_settles_only_what_is_asked(tmp_path: Path) -> None:
    operator = Decisive(Settle(outcome=Outcome.PASSED, evidence="I looked"))
    sitting = Sitting(loaded(tmp_path, book(ALTER, end=END)), operator, world={"alter": [{"lost": True}]})
    assert sitting.go().stop is Stop.FINISHED
    assert [choice.value for choice in operator.asked[0].choices] == ["settle", "abort"]
    assert [(c.step, c.changed) for c in sitting.walk.changes] == [("alter", "yes")]
