"""Kinds that the driver carries: wait, message by webhook, finish; and those that are not walked yet."""

import pytest

from runbook.kinds.message import Message
from runbook.kinds.registry import KINDS, make
from runbook.kinds.wait import Wait
from runbook.model.canonical import JsonObject
from runbook.model.evaluator import ExpressionError
from runbook.model.runbook import Effect, Finish, Outcome
from runbook.model.secrets import Resolved, SecretRef, SecretText
from runbook.world.real import RealIo


def test_a_wait_passes_when_what_it_waited_for_has_come() -> None:
    wait = Wait(until={"kind": "http", "url": "https://app.example.com"})
    seen = wait.ended(waited_ms=95_900, checks=10, met=True, last={"status": 200})
    assert seen == {"status": 200, "waited_s": 95, "checks": 10, "met": True}
    assert wait.judge(seen).outcome is Outcome.PASSED
    verdict = wait.judge(wait.ended(waited_ms=600_000, checks=61, met=False, last={}))
    assert (verdict.outcome, verdict.reason) == (Outcome.FAILED, "it did not pass after 10 min (61 checks)")


def test_a_wait_observes_what_its_check_does() -> None:
    assert Wait.observes({"for": "5m"}) == Wait.OBSERVES
    until: JsonObject = {"kind": "command", "argv": ["true"], "output": "lines"}
    assert {"exit_code", "lines", "waited_s", "checks", "met"} <= Wait.observes({"until": until}).keys()
    assert Wait.observes({"until": {"kind": "nobody_knows_it"}}) == Wait.OBSERVES


def test_a_wait_says_how_long() -> None:
    assert Wait(for_="90s").preview().line == "wait 1 min 30 s"
    assert make("wait", {"until": {}, "every": "1m"}).preview().line == "look every 1 min until it passes"
    with pytest.raises(ExpressionError, match=r"`wait.for` wants a duration such as 30s or 5m"):
        make("wait", {"for": "soon"})


HOOK = SecretText((SecretRef("token"),))


@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.PASSED), (404, Outcome.FAILED), (503, Outcome.FAILED)])
def test_a_message_is_sent_by_its_webhook(io: RealIo, server: str, status: int, outcome: Outcome) -> None:
    message = Message(text="We are on it.", webhook=f"{server}/status/{status}")
    assert message.question() is None
    seen = message.perform(io)
    assert seen == {"sent": status == 200, "text": "We are on it.", "status": status}
    verdict = message.judge(seen)
    assert verdict.outcome is outcome
    assert verdict.changed == ("yes" if status == 200 else "maybe")


def test_a_webhook_is_a_change_and_its_secret_is_not_shown() -> None:
    assert Message.effect_of({"text": "x", "webhook": "${{ secrets.hook }}"}) is Effect.CHANGE
    assert Message.effect_of({"text": "x"}) is Effect.NONE
    assert not Message.TRAITS.needs_undo
    preview = Message(text="We are on it.", audience="support", webhook=HOOK).preview()
    assert (preview.line, preview.detail) == ("send to support, by POST ‹secret token›", "We are on it.")


@pytest.mark.parametrize("ending", list(Finish))
def test_every_ending_passes(ending: Finish) -> None:
    finish = make("finish", {"outcome": ending.value, "summary": "It is over."})
    assert finish.judge({}).outcome is Outcome.PASSED
    assert finish.preview().line == f"this runbook ends as {ending.value}"


NOT_YET: dict[str, dict[str, Resolved]] = {
    "ssh": {"host": "web1", "argv": ["true"]},
    "sql": {"database": "sqlite:x.db", "statement": "select 1"},
    "parallel": {"steps": [{"id": "a"}]},
    "runbook": {"path": "x.yaml"},
    "undo": {},
}


GOOD: dict[str, JsonObject] = {
    "ssh": {"exit_code": 0},
    "sql": {},
    "parallel": {"steps": {"a": {}}},
    "runbook": {"finish": "mitigated"},
    "undo": {"left": []},
}
BAD: dict[str, tuple[JsonObject, str]] = {
    "ssh": ({"exit_code": 2}, "exit status 2"),
    "parallel": ({"steps": {}}, "did not pass: a"),
    "runbook": ({"finish": "escalated"}, "it ended as escalated"),
    "undo": ({"left": ["a", "b"]}, "still changed: a, b"),
}


@pytest.mark.parametrize("name", NOT_YET)
def test_their_verdicts_stand_already(name: str) -> None:
    kind = make(name, NOT_YET[name])
    assert kind.judge(GOOD[name]).outcome is Outcome.PASSED
    if name in BAD:
        observation, reason = BAD[name]
        verdict = kind.judge(observation)
        assert (verdict.outcome, verdict.reason) == (Outcome.FAILED, reason)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "take back everything"),
        ({"since": "a"}, "take back everything since a"),
        ({"of": ["a", "b"]}, "take back a, b"),
    ],
)
def test_an_undo_says_what_it_takes_back(fields: dict[str, Resolved], line: str) -> None:
    assert make("undo", fields).preview().line == line


def test_side_by_side_observes_what_each_does() -> None:
    steps: JsonObject = {"steps": [{"id": "site", "kind": "http", "url": "https://x"}, {"id": "odd", "kind": "?"}]}
    observed = KINDS["parallel"].observes(steps)
    assert observed["steps.site.status"].type == "int"
    assert all(name.startswith("steps.site.") for name in observed)


def test_side_by_side_says_what_each_does_and_its_fields_where_nothing_can_be_made_of_them() -> None:
    steps: list[Resolved] = [
        {
            "id": "site",
            "kind": "http",
            "url": "https://x",
            "headers": {"A": SecretText((SecretRef("token"),))},
            "expect": "true",
        },
        {"id": "holds", "kind": "assert", "that": 'run.mode == "live"', "timeout": "9s"},
        {"id": "odd", "kind": "?", "with": SecretText((SecretRef("token"),))},
    ]
    preview = make("parallel", {"steps": steps}).preview()
    assert preview.line == "side by side: site, holds, odd"
    assert preview.detail.splitlines()[:2] == ["[site] GET https://x", "    A: ‹secret token›"]
    assert '      "that": "run.mode == \\"live\\""' in preview.detail
    assert "9s" not in preview.detail
    assert '[odd] ?\n    {\n      "id": "odd"' in preview.detail
