"""`runbook approve` at a real terminal: what is shown, who may, and that nothing but a typed yes approves."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.drivers.desk import Desk
from tests.drivers.persons import ANA, BEN, CLEO, Persons, open_request
from tests.drivers.terminal.pseudo import Terminal
from tests.drivers.test_approving import AS_ANA, asking, begin, go_on

from runbook.drivers.approval_texts import written

# Passphrases are asked for, and answers read, at the terminal that controls the session.
START = """\
import fcntl, sys, termios
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
from runbook.cli.main import main
sys.argv[0] = "runbook"
main()
"""


class Elsewhere:
    """Terminals of persons with keys of their own."""

    def __init__(self, desk: Desk, persons: Persons, stack: ExitStack) -> None:
        self.desk = desk
        self.persons = persons
        self._stack = stack

    def terminal(self, who: str, *argv: str, stdin: int | None = None, stdout: int | None = None) -> Terminal:
        """A command at the terminal of somebody."""
        env = {**self.desk.env, "RUNBOOK_KEY": str(self.persons.key(who)), "TERM": "xterm-256color"}
        made = Terminal([sys.executable, "-c", START, *argv], columns=200, rows=60, env=env, stdin=stdin, stdout=stdout)
        return self._stack.enter_context(made)

    @property
    def request(self) -> str:
        """The file of the request."""
        return str(next((self.desk.run().path / "requests").iterdir()))


@pytest.fixture
def persons(tmp_path: Path) -> Persons:
    return Persons(tmp_path / "keys").list(ANA, BEN, CLEO)


@pytest.fixture
def there(tmp_path: Path, persons: Persons) -> Iterator[Elsewhere]:
    desk = Desk(tmp_path)
    desk.env |= {"RUNBOOK_KEY": str(persons.key("ana")), "RUNBOOK_ALLOWED_SIGNERS": str(persons.signers)}
    desk.write("answers.yaml", "answers: [{step: mend, confirm: yes}]\n")
    with ExitStack() as stack:
        yield Elsewhere(desk, persons, stack)


def test_a_person_reads_what_would_be_done_and_approves_it(there: Elsewhere) -> None:
    begin(there.desk, asking())
    signed = open_request(there.desk.run()).signed
    terminal = there.terminal("ben", "approve", there.request)
    shown = terminal.expect("Type `yes` to approve it as ben@example.com")
    for part in ("r1", "mend", "echo mend >> $EFFECTS", signed.action, f"signed by {ANA}", signed.not_after):
        assert part in shown
    terminal.answer("yes")
    assert terminal.end() == 0
    assert "takes it up" in terminal.text
    assert go_on(there.desk).status == 0
    assert there.desk.effects() == ["mend"]


@pytest.mark.parametrize("said", ["", "y", " yes"])
def test_nothing_but_a_typed_yes_approves(said: str, there: Elsewhere) -> None:
    begin(there.desk, asking())
    terminal = there.terminal("ben", "approve", there.request)
    terminal.expect("Type `yes`")
    terminal.answer(said)
    assert terminal.end() == 1
    assert list(there.desk.run().inbox.iterdir()) == []


def test_from_elsewhere_a_text_is_given_and_a_word_comes_back(there: Elsewhere, tmp_path: Path) -> None:
    """The request as somebody sends it in a mail, the approval as a file."""
    begin(there.desk, asking())
    text = "".join(f"> {line}\n" for line in written(open_request(there.desk.run())).splitlines())
    there.desk.write("mail", text)
    out = os.open(tmp_path / "word", os.O_WRONLY | os.O_CREAT, 0o600)
    mail = os.open(tmp_path / "mail", os.O_RDONLY)
    terminal = there.terminal("ben", "approve", "-", "--state-dir", str(tmp_path / "none"), stdin=mail, stdout=out)
    terminal.expect("Type `yes`")
    terminal.answer("yes")
    assert terminal.end() == 0
    assert (tmp_path / "word").read_text().startswith("runbook-approval:")
    operator = there.terminal("ana", "resume", "r1")
    operator.expect("CHANGES SOMETHING")
    operator.answer("yes", guarded=True)
    operator.expect("0 of 1 approved")
    operator.answer(str(tmp_path / "word"))
    operator.expect(f"approved by {BEN}", "run r1 is over: resolved")
    assert there.desk.effects() == ["mend"]


def test_an_operator_sees_the_request_waits_and_goes_on_when_it_is_approved(there: Elsewhere) -> None:
    there.desk.write("book.yaml", asking(2))
    operator = there.terminal("ana", "run", str(there.desk.root / "book.yaml"), "--run-id", "r1", *AS_ANA)
    operator.expect("CHANGES SOMETHING", "then others must approve it: 2 with the role ", BEN, CLEO)
    operator.answer("yes", guarded=True)
    operator.expect("OTHERS MUST APPROVE", "-----BEGIN RUNBOOK REQUEST-----", "runbook approve", "0 of 2 approved")
    there.persons.approve(there.desk.run(), BEN)
    operator.expect(f"approved by {BEN}", "1 of 2 approved")
    operator.answer("nonsense")
    operator.expect("neither an approval nor a file with one")
    there.persons.approve(there.desk.run(), ANA)
    operator.expect("does not count")
    operator.answer(":n They are on the phone")
    operator.expect("They are on the phone")
    there.persons.approve(there.desk.run(), CLEO)
    operator.expect(f"approved by {CLEO}", "run r1 is over: resolved")
    assert operator.end() == 0
    assert there.desk.verify() == 0


def test_an_operator_who_waits_may_pause(there: Elsewhere) -> None:
    there.desk.write("book.yaml", asking())
    operator = there.terminal("ana", "run", str(there.desk.root / "book.yaml"), "--run-id", "r1", *AS_ANA)
    operator.expect("CHANGES SOMETHING")
    operator.answer("yes", guarded=True)
    operator.expect("0 of 1 approved")
    operator.answer(":p")
    assert operator.end() == 3


def test_a_passphrase_is_typed_at_the_terminal(there: Elsewhere) -> None:
    there.persons.key("dan", passphrase="a long one")
    there.persons.list(ANA, CLEO, ben="dan")
    begin(there.desk, asking())
    terminal = there.terminal("dan", "approve", there.request)
    terminal.expect("Type `yes`")
    terminal.answer("yes")
    terminal.expect("passphrase")
    terminal.answer("a long one")
    assert terminal.end() == 0
    assert go_on(there.desk).status == 0


REFUSED = {
    "the operator": ("ana", "RB331", "your key is one of `ana@example.com`, who asks"),
    "nobody's key": ("mallory", "RB331", "list nobody with your key"),
    "without the role": ("dan", "RB331", "has none of the roles"),
}


@pytest.mark.reliability
@pytest.mark.parametrize("how", REFUSED)
def test_j7_who_may_not_approve_is_told_so_and_signs_nothing(how: str, there: Elsewhere) -> None:
    there.persons.list(ANA, BEN, CLEO, "dan@example.com")
    begin(there.desk, asking())
    who, code, said = REFUSED[how]
    done = there.desk.do("approve", there.request, "--key", str(there.persons.key(who)))
    assert (done.status, code in done.err, said in " ".join(done.err.split())) == (2, True, True), done.err


@pytest.mark.reliability
def test_j7_without_a_terminal_nothing_is_approved_even_if_a_pipe_says_yes(there: Elsewhere) -> None:
    begin(there.desk, asking())
    there.desk.write("yes", "yes\n" * 100)
    key = str(there.persons.key("ben"))
    done = there.desk.do("approve", there.request, "--key", key, stdin=str(there.desk.root / "yes"))
    assert (done.status, "RB332" in done.err) == (2, True), done.err
    assert list(there.desk.run().inbox.iterdir()) == []


@pytest.mark.reliability
def test_j7_a_request_that_was_altered_expired_or_is_over_is_not_approved(there: Elsewhere) -> None:
    desk, key = there.desk, str(there.persons.key("ben"))
    begin(desk, asking())
    text = Path(there.request).read_text()
    desk.write("cut", text[:-200])
    middle = text.index("-----BEGIN RUNBOOK REQUEST-----") + 200
    desk.write("bent", text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :])
    for name in ("cut", "bent", "answers.yaml", "nowhere"):
        done = desk.do("approve", name, "--key", key)
        assert (done.status, "RB330" in done.err) == (2, True), done.err
    there.persons.list(BEN, CLEO)
    assert "is not signed by `ana@example.com`" in " ".join(desk.do("approve", there.request, "--key", key).err.split())
    there.persons.list(ANA, BEN, CLEO)
    assert desk.do("abort", "r1", "--reason", "enough").status == 0
    done = desk.do("approve", there.request, "--key", key)
    assert "does not wait for this request any more" in " ".join(done.err.split())


def test_a_key_is_named(there: Elsewhere) -> None:
    begin(there.desk, asking())
    done = there.desk.do("approve", there.request, env={"RUNBOOK_KEY": ""})
    assert (done.status, "RB333" in done.err) == (2, True)


def test_where_no_signers_are_one_says_who_one_is(there: Elsewhere) -> None:
    begin(there.desk, asking())
    argv = ["approve", there.request, "--as", BEN, "--allowed-signers", "/nowhere/signers"]
    terminal = there.terminal("ben", *argv)
    terminal.expect("NOT VERIFIED", "Type `yes`")
    terminal.answer("yes")
    assert terminal.end() == 0
    assert go_on(there.desk).status == 0


def test_a_request_that_is_to_be_pasted_is_asked_for(there: Elsewhere) -> None:
    approver = there.terminal("ben", "approve", "-")
    approver.expect("Paste the request, from its first line to its last; then press Enter and Ctrl-D.")
