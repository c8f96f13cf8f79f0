"""`runbook verify` believes no name in a log: forged approvals whose chain fits, judged by somebody else's signers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.drivers.desk import Desk
from tests.drivers.forgery import Forgery, judged
from tests.drivers.persons import ANA, BEN, CLEO, Persons, open_request
from tests.drivers.test_approving import asking, begin, go_on

from runbook.audit.signing import fingerprint

pytestmark = pytest.mark.reliability


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Persons]:
    """A run that ben approved; the keys of others lie about."""
    root = tmp_path_factory.mktemp("desk")
    persons = Persons(root / "keys").list(ANA, BEN, CLEO)
    desk = Desk(root)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", "answers: [{step: mend, confirm: yes}]\n")
    begin(desk, asking())
    persons.approve(desk.run(), BEN)
    assert go_on(desk).status == 0
    return desk, persons


def log(desk: Desk) -> tuple[Forgery, int]:
    """The log, and the place of the approval in it."""
    forgery = Forgery.of(desk.run().log)
    return forgery, forgery.find("approval.given")


def forged(desk: Desk, persons: Persons, person: str, key: str, namespace: str | None = None) -> Forgery:
    """The log with an approval of that person, made with that key."""
    forgery, place = log(desk)
    request = open_request(desk.run())
    more = {} if namespace is None else {"namespace": namespace}
    word = persons.approval(request, person, key, **more)
    own = fingerprint(persons.key(key))
    return forgery.edit(place, approver=person, key=own, text=word.text, signature=word.signature)


def other_signature(desk: Desk, persons: Persons) -> Forgery:
    del persons
    forgery, place = log(desk)
    return forgery.edit(place, signature=str(forgery.lines[forgery.find("approval.requested")].fields["signature"]))


def bent_signature(desk: Desk, persons: Persons) -> Forgery:
    del persons
    forgery, place = log(desk)
    lines = str(forgery.lines[place].fields["signature"]).splitlines()
    lines[2] = lines[2][:10] + ("A" if lines[2][10] != "A" else "B") + lines[2][11:]
    return forgery.edit(place, signature="\n".join(lines) + "\n")


def no_signature(desk: Desk, persons: Persons) -> Forgery:
    del persons
    forgery, place = log(desk)
    return forgery.edit(place, signature="")


def simulated(desk: Desk, persons: Persons) -> Forgery:
    del persons
    forgery, place = log(desk)
    return forgery.edit(place, signature="", key=f"simulated:{BEN}")


def other_person(desk: Desk, persons: Persons) -> Forgery:
    del persons
    forgery, place = log(desk)
    text = str(forgery.lines[place].fields["text"]).replace(BEN, CLEO)
    return forgery.edit(place, approver=CLEO, text=text)


def longer_validity(desk: Desk, persons: Persons) -> Forgery:
    """The text altered everywhere, so that the walk is legal."""
    del persons
    forgery, place = log(desk)
    asked = forgery.find("approval.requested")
    until = str(forgery.lines[asked].fields["not_after"])
    later = f"2999{until[4:]}"
    for at in (asked, place):
        forgery.edit(at, text=str(forgery.lines[at].fields["text"]).replace(until, later))
    return forgery.edit(asked, not_after=later)


def other_fingerprint(desk: Desk, persons: Persons) -> Forgery:
    forgery, place = log(desk)
    return forgery.edit(place, key=fingerprint(persons.key("mallory")))


def another_days_key(desk: Desk, persons: Persons) -> Forgery:
    """Signed by the right person with the right key, which was listed for another time."""
    persons.list(ANA, CLEO, f'{BEN} valid-before="20200101"')
    return log(desk)[0]


def revoked(desk: Desk, persons: Persons) -> Forgery:
    (persons.directory / "revoked_keys").write_bytes(persons.key("ben").with_name("ben.pub").read_bytes())
    return log(desk)[0]


def the_operators_key(desk: Desk, persons: Persons) -> Forgery:
    """Another key of the operator, listed for an approver too."""
    persons.list(ANA, ben="second", ana="second")
    text = persons.signers.read_text()
    public = persons.key("ana").with_name("ana.pub").read_text()
    persons.signers.write_text(f"{text}{ANA} {public}")
    return forged(desk, persons, BEN, "second")


FORGED: dict[str, tuple[Callable[[Desk, Persons], Forgery], str]] = {
    "B1 another signature": (other_signature, "does not count"),
    "B1 a bent signature": (bent_signature, "does not count"),
    "B1 no signature": (no_signature, "has signed nothing"),
    "B1 a simulated one": (simulated, "has signed nothing"),
    "B1 another person": (other_person, "does not count"),
    "B1 an altered text": (longer_validity, "does not count"),
    "B1 another namespace": (lambda desk, p: forged(desk, p, BEN, "ben", "git"), "namespace does not match"),
    "B1 an expired key": (another_days_key, "key has expired"),
    "B1 a revoked key": (revoked, "not revoked"),
    "B1 another fingerprint": (other_fingerprint, "and the record says"),
    "B2 the operator's key": (the_operators_key, f"approved with a key of `{ANA}`"),
    "B3 a self-made key": (lambda desk, p: forged(desk, p, BEN, "mallory"), "no key that is listed for"),
}


@pytest.mark.parametrize("how", FORGED)
def test_b1_b2_b3_a_forged_approval_is_a_wrong_signature(how: str, walked: tuple[Desk, Persons]) -> None:
    desk, persons = walked
    make, said = FORGED[how]
    try:
        status, out = judged(desk, make(desk, persons))
    finally:
        (persons.directory / "revoked_keys").unlink(missing_ok=True)
        persons.list(ANA, BEN, CLEO)
    assert (status, "RB561" in out) == (5, True), out
    assert said in out


def test_b2_an_approval_that_is_copied_in_from_another_run_is_tampering(walked: tuple[Desk, Persons]) -> None:
    desk, persons = walked
    forgery, place = log(desk)
    word = persons.approval(open_request(desk.run()), BEN, run="r2")
    status, out = judged(desk, forgery.edit(place, text=word.text, signature=word.signature))
    assert (status, "is of the run `r2`, and was copied in" in out) == (1, True), out


def test_an_approval_that_is_right_is_right_whenever_it_is_judged(walked: tuple[Desk, Persons]) -> None:
    """Also when the key is not valid any more: what counts is the time of the record."""
    desk, persons = walked
    persons.list(ANA, CLEO, f'{BEN} valid-before="20990101",valid-after="20200101"')
    assert desk.verify() == 0
    assert desk.do("verify", "r1", "--strict").status == 0
    persons.list(ANA, BEN, CLEO)


def test_without_signers_nobody_can_say_and_strictly_that_is_wrong(walked: tuple[Desk, Persons]) -> None:
    desk, _ = walked
    nobody = {"RUNBOOK_ALLOWED_SIGNERS": ""}
    head = desk.do("verify", "r1").out.partition("head")[2].split()[0]
    done = desk.do("verify", "r1", "--anchor", head, env=nobody)
    assert (done.status, "RB562" in done.out) == (0, True)
    assert desk.do("verify", "r1", "--anchor", head, "--strict", env=nobody).status == 5
    assert desk.do("verify", "r1", "--anchor", head, "--strict").status == 0


def test_signers_that_are_named_and_cannot_be_used_are_a_mistake_of_usage(
    walked: tuple[Desk, Persons], tmp_path: Path
) -> None:
    desk, _ = walked
    done = desk.do("verify", "r1", "--allowed-signers", str(tmp_path / "none"))
    assert (done.status, "RB560" in done.err) == (2, True)
