"""Approvals by a second person: asked for, signed, taken in, and refused, with real keys and real signatures."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap

import pytest
from tests.drivers.books import book, change
from tests.drivers.desk import Desk, Done, answers
from tests.drivers.forgery import Forgery, judged
from tests.drivers.persons import ANA, BEN, CLEO, Persons, deliver, open_request

from runbook.drivers.approval_texts import ApprovalWord, is_word, read_word, word_of

ROLES = f"roles: {{platform: [{ANA}, {BEN}, {CLEO}]}}\n"


def asking(count: int = 1, more: str = "", head: str = "") -> str:
    """A runbook with a change that so many must approve."""
    asked = f"confirm: {{approvals: {{count: {count}, from: [platform]}}{more}}}\n"
    return book(change("mend", then="done", more=asked), head=ROLES + head)


GATE = book(
    "id: may_we\nkind: gate\nquestion: May we?\nconfirm: {approvals: {count: 1, from: [platform]}}\n"
    "next: done\non_fail: bad\n",
    head=ROLES,
)
AS_ANA = ("--operator", ANA)


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN, CLEO)


@pytest.fixture
def desk(tmp_path: Path, persons: Persons) -> Desk:
    desk = Desk(tmp_path)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", answers("step: mend, confirm: yes"))
    return desk


def begin(desk: Desk, text: str) -> Done:
    """Walk until somebody else is needed."""
    return desk.walk(text, *AS_ANA, "--answers", "answers.yaml")


def go_on(desk: Desk) -> Done:
    """Resume, with the same answers."""
    return desk.do("resume", "r1", "--answers", "answers.yaml")


def reasons(desk: Desk) -> list[str]:
    """Why approvals did not count."""
    return [str(told["reason"]) for told in desk.told("approval.refused")]


def test_a_step_waits_for_an_approval_and_starts_with_it(desk: Desk, persons: Persons) -> None:
    paused = begin(desk, asking())
    assert (paused.status, desk.effects()) == (3, []), paused.err
    assert "runbook approve" in paused.err
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 0
    assert desk.effects() == ["mend"]
    assert [told["approver"] for told in desk.told("approval.given")] == [BEN]
    assert desk.verify() == 0


def test_a_resume_keeps_the_open_request_of_the_same_action(desk: Desk) -> None:
    begin(desk, asking())
    assert [go_on(desk).status, go_on(desk).status] == [3, 3]
    assert len(desk.told("approval.requested")) == 1
    assert desk.verify() == 3


def test_a_quorum_is_complete_when_as_many_have_approved(desk: Desk, persons: Persons) -> None:
    begin(desk, asking(2))
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 3
    persons.approve(desk.run(), CLEO)
    assert go_on(desk).status == 0
    assert desk.verify() == 0


def test_the_request_names_run_step_action_digest_who_asks_and_until_when(desk: Desk) -> None:
    begin(desk, asking())
    told = desk.told("approval.requested")[0]
    text = next((desk.run().path / "requests").iterdir()).read_text()
    head = text.partition("-----BEGIN")[0]
    for part in ("r1", "mend: Change mend", "echo mend >> $EFFECTS", told["action"], ANA, told["not_after"], BEN, CLEO):
        assert part in head
    assert open_request(desk.run()).signed.action == told["action"]


def test_a_gate_is_approved_before_its_own_question_and_observes_by_whom(desk: Desk, persons: Persons) -> None:
    desk.write("answers.yaml", answers("step: may_we, confirm: yes"))
    assert begin(desk, GATE).status == 3
    assert desk.told("question.asked") == []
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 0
    assert f'"approvals":["{BEN}"]' in desk.told("step.finished")[0]["obs"]
    assert desk.verify() == 0


def listing_anas_key_for_ben(desk: Desk, persons: Persons) -> None:
    persons.list(ANA, CLEO, ben="ana")
    persons.approve(desk.run(), BEN, "ana")


def twice(desk: Desk, persons: Persons) -> None:
    deliver(desk.run(), persons.approve(desk.run(), BEN))


def one_key_under_two_names(desk: Desk, persons: Persons) -> None:
    persons.list(ANA, BEN, cleo="ben")
    persons.approve(desk.run(), BEN)
    persons.approve(desk.run(), CLEO, "ben")


def without_the_role(desk: Desk, persons: Persons) -> None:
    persons.list(ANA, BEN, "dan@example.com")
    persons.approve(desk.run(), "dan@example.com")


def in_another_namespace(desk: Desk, persons: Persons) -> None:
    deliver(desk.run(), persons.approval(open_request(desk.run()), BEN, namespace="git"))


def altered_afterwards(desk: Desk, persons: Persons) -> None:
    word = persons.approval(open_request(desk.run()), CLEO)
    deliver(desk.run(), dataclasses.replace(word, text=word.text.replace(CLEO, BEN)))


def with_an_expired_key(desk: Desk, persons: Persons) -> None:
    persons.list(ANA, f'{BEN} valid-before="20200101"')
    persons.approve(desk.run(), BEN, "ben")


def with_a_key_for_something_else(desk: Desk, persons: Persons) -> None:
    persons.list(ANA, f'{BEN} namespaces="git"')
    persons.approve(desk.run(), BEN, "ben")


REFUSED: dict[str, tuple[Callable[[Desk, Persons], object], str]] = {
    "the operator": (lambda desk, persons: persons.approve(desk.run(), ANA), "its key is one of `ana@example.com`"),
    "the operator's key under another name": (listing_anas_key_for_ben, "its key is one of `ana@example.com`"),
    "the same approval again": (twice, "has approved already"),
    "one key under two names": (one_key_under_two_names, "somebody with the same key has"),
    "without the role": (without_the_role, "has none of the roles platform"),
    "of another run": (lambda desk, persons: persons.approve(desk.run(), BEN, run="r2"), "of another run"),
    "of another request": (lambda d, persons: persons.approve(d.run(), BEN, request="0" * 32), "of another request"),
    "of another action": (lambda d, persons: persons.approve(d.run(), BEN, action="0" * 64), "of another action"),
    "of another step": (lambda d, persons: persons.approve(d.run(), BEN, step="done"), "it was altered"),
    "of a rehearsal": (lambda d, persons: persons.approve(d.run(), BEN, mode="drill"), "it was altered"),
    "with more time": (
        lambda d, persons: persons.approve(d.run(), BEN, not_after="2999-01-01T00:00:00.000Z"),
        "it was altered",
    ),
    "that is a request": (lambda d, persons: persons.approve(d.run(), BEN, decision="request"), "another decision"),
    "in another namespace": (in_another_namespace, "namespace does not match"),
    "altered afterwards": (altered_afterwards, "incorrect signature"),
    "a key that nobody listed": (lambda d, p: p.approve(d.run(), BEN, "mallory"), "no key that is listed for"),
    "an expired key": (with_an_expired_key, "key has expired"),
    "a key for something else": (with_a_key_for_something_else, "not permitted for use in signature namespace"),
}


@pytest.mark.reliability
@pytest.mark.parametrize("how", REFUSED)
def test_j7_an_approval_that_does_not_count_is_refused_and_recorded_with_its_reason(
    how: str, desk: Desk, persons: Persons
) -> None:
    begin(desk, asking(2))
    send, why = REFUSED[how]
    send(desk, persons)
    assert go_on(desk).status == 3
    assert desk.effects() == []
    assert [why in reason for reason in reasons(desk)] == [True], reasons(desk)
    assert desk.told("approval.refused")[0]["inbox"]


@pytest.mark.reliability
def test_j7_an_approval_of_a_request_that_expired_is_refused_and_so_is_the_step(desk: Desk, persons: Persons) -> None:
    begin(desk, asking(more=", expires: 1s"))
    time.sleep(1.05)  # the request expires
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 3
    assert ["the request was open until" in reason for reason in reasons(desk)] == [True]
    assert desk.effects() == []
    assert desk.verify() == 3


@pytest.mark.reliability
def test_j7_nonsense_in_the_place_of_an_approval_is_refused_and_recorded(desk: Desk, persons: Persons) -> None:
    begin(desk, asking())
    word = persons.approval(open_request(desk.run()), BEN)
    deliver(desk.run(), dataclasses.replace(word, text="let me in\n"))
    deliver(desk.run(), dataclasses.replace(word, signature="none"))
    assert go_on(desk).status == 3
    assert len(reasons(desk)) == 2
    assert reasons(desk)[0].startswith("it is none")
    assert desk.effects() == []


@pytest.mark.reliability
def test_j6_an_action_that_is_another_one_after_its_approval_is_asked_about_anew(desk: Desk, persons: Persons) -> None:
    """Approved between two sittings, and what the environment says has changed meanwhile."""
    look = "id: look\nkind: command\neffect: none\nargv: [cat, now]\nnext: mend\non_fail: bad\n"
    asked = "confirm: {approvals: {count: 1, from: [platform]}}\nenv: {VALUE: '${{ run.operator }}'}\n"
    text = book(look, change("mend", then="done", more=asked), head=ROLES)
    desk.write("now", "1")
    assert begin(desk, text).status == 3
    persons.approve(desk.run(), BEN)
    handed = desk.do("resume", "r1", "--answers", "answers.yaml", "--operator", CLEO)
    assert handed.status == 3  # the operator is part of the action
    assert desk.effects() == []
    first, second = desk.told("approval.requested")
    assert first["action"] != second["action"]
    assert desk.verify() == 3


@pytest.mark.reliability
def test_j7_whoever_takes_the_walk_over_is_none_of_those_that_approved(desk: Desk, persons: Persons) -> None:
    begin(desk, asking())
    persons.approve(desk.run(), BEN)
    taken = desk.do("resume", "r1", "--operator", BEN, "--answers", "answers.yaml", "--key", str(persons.key("ben")))
    assert (taken.status, desk.effects()) == (3, [])
    persons.approve(desk.run(), CLEO)
    assert go_on(desk).status == 0


def test_j7_whoever_takes_the_walk_over_has_approved_under_no_other_name_either(desk: Desk, persons: Persons) -> None:
    """One key under two names: an approval that is on record, and one that comes in afterwards."""
    persons.list(ANA, BEN, CLEO, zoe="ben")
    begin(desk, asking(2))
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 3
    as_zoe = ("resume", "r1", "--operator", "zoe@example.com", "--answers", "answers.yaml")
    taken = desk.do(*as_zoe)
    assert (taken.status, "RB322" in taken.err, desk.effects()) == (2, True, []), taken.err
    as_cleo = ("resume", "r1", "--operator", CLEO, "--answers", "answers.yaml")
    assert desk.do(*as_cleo).status == 3
    assert desk.verify() == 3


def test_j7_a_key_of_whoever_walks_now_approves_nothing(desk: Desk, persons: Persons) -> None:
    persons.list(ANA, BEN, CLEO, zoe="ben")
    begin(desk, asking())
    assert desk.do("resume", "r1", "--operator", "zoe@example.com", "--answers", "answers.yaml").status == 3
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 3
    assert reasons(desk) == ["its key is one of `zoe@example.com`, the operator, who cannot approve"]


def test_b2_a_log_in_which_an_approver_walks_under_another_name_is_signed_wrongly(desk: Desk, persons: Persons) -> None:
    begin(desk, asking())
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 0
    persons.list(ANA, BEN, CLEO, zoe="ben")
    forgery = Forgery.of(desk.run().log)
    forgery.insert(forgery.find("step.started"), "run.handed_over", to="zoe@example.com", by=ANA)
    status, out = judged(desk, forgery)
    assert (status, "by a key of `zoe@example.com`, who walks" in out) == (5, True), out


NOT_ASKED: dict[str, tuple[dict[str, str], str]] = {
    "no key": ({"RUNBOOK_KEY": ""}, "resume with --key FILE"),
    "no such key": ({"RUNBOOK_KEY": "/nowhere/key"}, "there is no key"),
    "no signers": ({"RUNBOOK_ALLOWED_SIGNERS": "/nowhere/signers"}, "no such file"),
}


@pytest.mark.parametrize("how", NOT_ASKED)
def test_where_nobody_can_be_asked_the_step_is_refused_with_what_to_do(how: str, desk: Desk) -> None:
    env, said = NOT_ASKED[how]
    desk.env |= env
    assert begin(desk, asking()).status == 3
    assert [said in str(told["reason"]) for told in desk.told("step.refused")] == [True], desk.told("step.refused")
    assert desk.effects() == []


def test_an_operator_whose_key_is_not_listed_cannot_ask(desk: Desk, persons: Persons) -> None:
    persons.list(BEN, CLEO)
    assert begin(desk, asking()).status == 3
    assert "lists nobody with your key" in desk.told("step.refused")[0]["reason"]


def test_signers_that_others_may_write_to_are_not_believed(desk: Desk, persons: Persons) -> None:
    persons.signers.chmod(0o620)
    assert begin(desk, asking()).status == 3
    assert "others may write to it" in desk.told("step.refused")[0]["reason"]
    persons.signers.chmod(0o600)
    persons.directory.chmod(0o730)
    assert "others may put another file" in desk.do("verify", "r1", "--allowed-signers", str(persons.signers)).err


def test_a_key_with_a_passphrase_never_hangs_a_walk_that_nobody_attends(desk: Desk, persons: Persons) -> None:
    persons.key("dan", passphrase="never told")
    persons.list(BEN, CLEO, ana="dan")
    desk.env["RUNBOOK_KEY"] = str(persons.key("dan"))
    begun = time.monotonic()
    assert begin(desk, asking()).status == 3
    assert time.monotonic() - begun < 5
    assert "it has a passphrase" in desk.told("step.refused")[0]["reason"]
    assert "ssh-add" in desk.told("step.refused")[0]["reason"]


@pytest.mark.reliability
def test_a_gate_whose_answer_names_others_than_those_that_approved_is_no_legal_walk(
    desk: Desk, persons: Persons
) -> None:
    desk.write("answers.yaml", answers("step: may_we, confirm: yes"))
    begin(desk, GATE)
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 0
    forgery = Forgery.of(desk.run().log)

    def name_cleo(value: dict[str, object]) -> None:
        value["approvals"] = [CLEO]

    forgery.within(forgery.find("answer.given"), "answer", name_cleo)
    forgery.within(forgery.find("step.finished"), "obs", name_cleo)
    status, out = judged(desk, forgery)
    assert (status, "or who approved" in out) == (6, True), out


def test_an_approval_reaches_a_step_of_an_included_runbook(desk: Desk, persons: Persons) -> None:
    desk.write("inner.yaml", asking().replace("id: tested", "id: inner"))
    outer = "id: call\ntitle: Walk the other\nkind: runbook\npath: inner.yaml\nnext: done\non_fail: bad\n"
    desk.write("answers.yaml", answers("step: call/mend, confirm: yes"))
    paused = begin(desk, book(outer))
    assert (paused.status, desk.effects()) == (3, []), paused.err
    request = open_request(desk.run())
    assert request.signed.step == "call/mend"
    persons.approve(desk.run(), ANA)
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 0
    assert (desk.effects(), len(reasons(desk))) == (["mend"], 1)
    assert desk.verify() == 0


@pytest.mark.parametrize("front", ["", "> ", ">> ", "  "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "  \r\n"])
def test_an_approval_is_read_however_a_mail_program_folds_and_quotes_it(front: str, end: str) -> None:
    word = ApprovalWord(text="runbook-approval/v1\n" + "run r1\n" * 40, signature="-----BEGIN SSH SIGNATURE-----\n")
    sent = "".join(f"{front}{line}{end}" for line in wrap(word_of(word), 70))
    assert is_word(sent)
    assert read_word(sent) == word
