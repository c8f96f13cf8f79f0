"""The kinds that need a person: what they ask, which answers fit, and what to make of them."""

import pytest

from runbook.kinds.registry import make
from runbook.model.canonical import JsonObject
from runbook.model.kind import Asked, is_asked
from runbook.model.question import AskChoice, AskDone, AskForm, AskItems, AskSent, AskYes, Item
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED


def asked(name: str, **fields: Resolved) -> Asked:
    kind = make(name, fields)
    assert is_asked(kind)
    return kind


def answered(kind: Asked, **answer: JsonObject | str | None) -> tuple[JsonObject, Outcome, str]:
    """The observation that an answer makes, the outcome and the reason."""
    seen = kind.observe(dict(answer), by="ana@example.com")
    verdict = kind.judge(seen)
    return seen, verdict.outcome, verdict.reason


def refused(kind: Asked, **answer: JsonObject | str | None) -> str:
    with pytest.raises(ValueError, match=r".") as info:
        kind.observe(dict(answer), by="ana@example.com")
    assert "\n" not in str(info.value)
    return str(info.value)


# manual


def test_manual_is_done_or_failed() -> None:
    kind = asked("manual", instructions="Do it.")
    assert kind.question() == AskDone(instructions="Do it.", evidence="none")
    assert answered(kind, outcome="done") == ({"done": True, "evidence": ""}, PASSED, "")
    assert answered(kind, outcome="failed", evidence="no access")[1:] == (FAILED, "not done: no access")
    assert kind.judge({"done": False}).changed == "maybe"
    assert refused(kind) == "say `done` or `failed`"
    assert refused(kind, outcome="yes") == "say `done` or `failed`"


def test_manual_wants_evidence_where_it_is_required() -> None:
    kind = asked("manual", instructions="Do it.", evidence="required")
    assert "evidence is required" in refused(kind, outcome="done", evidence="  ")
    assert answered(kind, outcome="done", evidence="INC-7")[1] is PASSED
    assert answered(kind, outcome="failed")[1] is FAILED


# gate


@pytest.mark.reliability
def test_k1_a_gate_passes_with_yes_only() -> None:
    kind = asked("gate", question="May we?")
    assert kind.question() == AskYes(question="May we?")
    seen, outcome, reason = answered(kind, confirm="yes", reason="agreed in the call")
    assert seen == {"confirmed": True, "by": "ana@example.com", "reason": "agreed in the call", "approvals": []}
    assert (outcome, reason) == (PASSED, "agreed in the call")
    assert answered(kind, confirm="no", reason="too early")[1:] == (FAILED, "answered no: too early")
    for word in ("", "y", "Yes", "YES", "yes ", "no way", None):
        assert refused(kind, confirm=word) == "say `yes` or `no`"


# choice

OPEN: list[Resolved] = [{"id": "a", "label": "A"}, {"id": "b", "label": "B", "help": "look first"}]


def options(*values: Resolved) -> list[Resolved]:
    return list(values)


def test_a_person_chooses_one_of_the_options() -> None:
    kind = asked("choice", options=OPEN)
    question = kind.question()
    assert isinstance(question, AskChoice)
    assert [(o.id, o.label, o.help) for o in question.options] == [("a", "A", ""), ("b", "B", "look first")]
    assert answered(kind, choose="b") == ({"chosen": "b"}, PASSED, "")
    assert refused(kind, choose="c") == "choose one of a, b"
    assert refused(kind) == "choose one of a, b"


def test_the_machine_takes_the_first_that_is_true() -> None:
    def taken(*whens: bool, otherwise: bool) -> tuple[JsonObject, Outcome, str]:
        given: list[Resolved] = [{"id": f"o{n}", "label": "x", "when": when} for n, when in enumerate(whens)]
        last: list[Resolved] = [{"id": "other", "label": "x", "otherwise": True}] if otherwise else []
        kind = asked("choice", options=[*given, *last])
        assert kind.question() is None
        return answered(kind)

    assert taken(False, True, True, otherwise=True) == ({"chosen": "o1"}, PASSED, "")
    assert taken(False, False, otherwise=True)[0] == {"chosen": "other"}
    assert taken(False, otherwise=False)[1:] == (FAILED, "no option is true, and none is `otherwise`")


def test_a_person_chooses_among_those_that_are_true() -> None:
    def offered(when: bool) -> list[str]:
        kind = asked(
            "choice",
            options=options(
                {"id": "free", "label": "x"},
                {"id": "bound", "label": "x", "when": when},
                {"id": "other", "label": "x", "otherwise": True},
            ),
        )
        question = kind.question()
        assert isinstance(question, AskChoice)
        return [option.id for option in question.options]

    assert offered(when=True) == ["free", "bound"]
    assert offered(when=False) == ["free", "other"]


# ask

FORM: dict[str, Resolved] = {
    "since": {"type": "timestamp"},
    "users": {"type": "integer", "default": 0},
    "host": {"enum": ["web1", "web2"], "required": False},
    "password": {"secret": True},
}


def test_a_form_is_typed_and_keeps_no_secret() -> None:
    kind = asked("ask", fields=FORM)
    question = kind.question()
    assert isinstance(question, AskForm)
    assert [(f.name, f.type, f.secret) for f in question.fields] == [
        ("since", "timestamp", False),
        ("users", "integer", False),
        ("host", "string", False),
        ("password", "string", True),
    ]
    seen, outcome, _ = answered(kind, fields={"since": "2026-11-21T03:12:00Z"})
    assert (seen, outcome) == ({"since": "2026-11-21T03:12:00Z", "users": 0}, PASSED)
    assert kind.observe({"fields": {"since": "2026-11-21T03:12:00Z", "users": "7", "host": "web1"}}, by="ana") == {
        "since": "2026-11-21T03:12:00Z",
        "users": 7,
        "host": "web1",
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "`since` is not given"),
        ({"since": "yesterday"}, "`since` wants a time with its zone"),
        ({"since": "2026-11-21T03:12:00Z", "users": "many"}, "`users` wants a whole number"),
        ({"since": "2026-11-21T03:12:00Z", "host": "db1"}, "`host` wants one of web1, web2"),
        ({"since": "2026-11-21T03:12:00Z", "other": 1}, "`other` is no field of this form"),
        ({"since": "2026-11-21T03:12:00Z", "password": "hunter2"}, "`password` is a secret, and no answer may hold it"),
    ],
)
def test_a_form_refuses_what_does_not_fit(given: JsonObject, message: str) -> None:
    said = refused(asked("ask", fields=FORM), fields=given)
    assert said.startswith(message)
    assert "hunter2" not in said


def test_a_form_declares_what_it_observes() -> None:
    observed = type(asked("ask", fields=FORM)).observes(
        {"fields": {"a": {"type": "number"}, "b": {"required": False}, "c": {"secret": True}, "d": {"type": "list"}}}
    )
    assert {name: (it.type, it.always) for name, it in observed.items()} == {
        "a": ("double", True),
        "b": ("string", False),
        "d": ("list<dyn>", True),
    }


# checklist

ITEMS: list[Resolved] = [
    {"id": "sign_in", "title": "Sign-in works"},
    {"id": "search", "title": "Search works"},
    {"id": "certificate", "title": "The certificate is good", "check": {"kind": "http", "url": "https://example.com"}},
]


def test_a_checklist_knows_what_is_open_and_what_failed() -> None:
    kind = asked("checklist", items=ITEMS)
    assert kind.question() == AskItems(
        items=(
            Item(id="sign_in", title="Sign-in works"),
            Item(id="search", title="Search works"),
            Item(id="certificate", title="The certificate is good", checked=True),
        )
    )
    seen, outcome, reason = answered(
        kind,
        items={"sign_in": "yes", "search": "not_verified", "certificate": "no"},
        notes={"search": "nobody was there"},
    )
    assert seen == {
        "items": {"sign_in": "yes", "search": "not_verified", "certificate": "no"},
        "open": ["search"],
        "failed": ["certificate"],
        "notes": {"search": "nobody was there"},
    }
    assert (outcome, reason) == (FAILED, "The certificate is good: no")


def test_what_nobody_verified_fails_only_where_all_is_required() -> None:
    given: JsonObject = {"sign_in": "yes", "search": "not_verified", "certificate": "yes"}
    assert answered(asked("checklist", items=ITEMS), items=given)[1] is PASSED
    kind = asked("checklist", items=ITEMS, require="all", answers={"not_verified": "did not look"})
    assert answered(kind, items=given)[1:] == (FAILED, "Search works: did not look")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sign_in": "yes", "search": "yes"}, "`certificate` wants one of yes, no, not_verified"),
        ({"sign_in": "maybe", "search": "yes", "certificate": "yes"}, "`sign_in` wants one of yes, no, not_verified"),
        ({"other": "yes"}, "`other` is no item of this checklist"),
    ],
)
def test_nothing_on_a_checklist_is_answered_by_default(given: JsonObject, message: str) -> None:
    assert refused(asked("checklist", items=ITEMS), items=given) == message


def test_a_checklist_that_a_machine_answers_asks_nobody() -> None:
    kind = asked("checklist", items=[ITEMS[2]])
    assert kind.question() is None
    assert answered(kind, items={"certificate": "yes"})[1] is PASSED


# message, by hand; assert


def test_a_message_by_hand_is_copied() -> None:
    kind = asked("message", text="We are on it.", audience="support")
    assert kind.question() == AskSent(text="We are on it.", audience="support")
    assert answered(kind, outcome="done") == ({"sent": True, "text": "We are on it."}, PASSED, "")
    assert answered(kind, outcome="failed")[1:] == (FAILED, "not sent")
    assert refused(kind) == "say `done` or `failed`"


def test_an_assertion_asks_nobody_and_passes_with_true_only() -> None:
    for that, outcome in ((True, PASSED), (False, FAILED)):
        kind = asked("assert", that=that, reason="There is no backup.")
        assert kind.question() is None
        assert answered(kind)[:2] == ({"that": that}, outcome)
    kind = asked("assert", that=False)
    assert kind.judge({"that": "true"}).outcome is FAILED
    assert kind.judge({"that": False}).reason == "it does not hold"
    assert asked("assert", that=False, reason="There is no backup.").judge({"that": 1}).reason == "There is no backup."
