"""``runbook approve``: look at what somebody else wants to do, and sign that one approves it."""

import argparse
import contextlib
import os
import re
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from runbook.audit.escapes import inert
from runbook.audit.inbox import put
from runbook.audit.plain_file import open_plain
from runbook.audit.signatures import NotVerified, Signers, read_signers
from runbook.audit.signing import NotSigned, fingerprint, sign
from runbook.audit.store import RunDir, Store
from runbook.cli.options import Parser, credentials_of, key_options, name, state_option
from runbook.cli.stores import store_of
from runbook.drivers.approval_texts import (
    LARGEST,
    ApprovalWord,
    RequestText,
    Unreadable,
    described,
    heading,
    read,
    word_of,
)
from runbook.drivers.approving import open_requests
from runbook.drivers.notary import Credentials
from runbook.drivers.replay import judged
from runbook.kinds.registry import KINDS
from runbook.model.approval import APPROVE, NAMESPACE, ApprovalText
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.world.clock import RealClock

NO_REQUEST = Code(
    number="RB330",
    title="no request that can be approved",
    why="A request for approvals is a text that holds the exact action, its digest, and the operator's signature. What "
    "was given is none, was altered, has expired, or is not open any more. Nothing was signed.",
)
NOT_YOURS = Code(
    number="RB331",
    title="not yours to approve",
    why="An approval counts if its key is listed under the name of somebody who has one of the roles, and that is not "
    "the operator. The walk would refuse this one, so it is not made.",
)
NOBODY_THERE = Code(
    number="RB332",
    title="nobody there to approve",
    why="An approval is given by a person who has read what would be done, and says yes at a terminal. There is none; "
    "a pipe or a script cannot approve.",
)
UNSIGNED = Code(
    number="RB333",
    title="approval not signed",
    why="The key did not sign: it is not there, nobody typed its passphrase, its agent does not answer, or nobody "
    "touched it in time. Nothing was approved.",
)
PATIENCE = 120.0
"""Seconds within which a person types a passphrase or touches a key."""
_YES = "yes"
_NUMBER = re.compile(r"[0-9a-f]{32}")


def main(arguments: Sequence[str]) -> int:
    """Show a request, and sign an approval of it; 1 if the person says no."""
    parser = Parser("approve", "Look at what somebody else wants to do, and approve it with your SSH key.")
    parser.add_argument("request", metavar="REQUEST|-", help="the file of a request, or its number; - reads its text")
    key_options(parser)
    parser.add_argument(
        "--as", dest="person", metavar="NAME", type=name, help="your name, where the allowed signers are not here"
    )
    state_option(parser)
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        store: Store | None = None
        try:
            store = stack.enter_context(store_of(options))
        except Refused:
            if options.store or _NUMBER.fullmatch(options.request):
                raise  # else what is approved is printed, for the operator
        return _approve(options, store)


def _approve(options: argparse.Namespace, store: Store | None) -> int:
    given = credentials_of(options)
    asking = store.asking(options.request) if store is not None and _NUMBER.fullmatch(options.request) else None
    file = str(asking.request(options.request)) if asking is not None else options.request
    request = _request(file)
    run = asking or _run_of(file, request, store)
    _look_at(request, run)
    person, key, verified = _person(request, given, options.person)
    with _terminal() as terminal:
        if not _agrees(terminal, request, person, verified):
            sys.stderr.write("not approved\n")
            return 1
        signed = request.signed
        text = str(
            ApprovalText(
                run=signed.run,
                request=signed.request,
                step=signed.step,
                action=signed.action,
                runbook=signed.runbook,
                mode=signed.mode,
                not_after=signed.not_after,
                approver=person,
                decision=APPROVE,
            )
        )
        try:
            signature = sign(text, key, NAMESPACE, seconds=PATIENCE, terminal=terminal)
        except NotSigned as error:
            raise Refused(Diagnostic(code=UNSIGNED, message=error.why, help=error.help)) from None
    _deliver(ApprovalWord(text=text, signature=signature), run)
    return 0


def _request(given: str) -> RequestText:
    """The request that is meant.

    :raises Refused: if there is none.
    """
    try:
        if given == "-":
            if sys.stdin.isatty():
                sys.stderr.write("Paste the request, from its first line to its last; then press Enter and Ctrl-D.\n")
                sys.stderr.flush()
            text = sys.stdin.read(LARGEST + 1)
        else:
            with open_plain(given, follow=True) as file:
                text = file.read(LARGEST + 1).decode(errors="replace")
        return read(text)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise _none(f"the request cannot be read: {why}", "name the file that the walk has written", given) from None
    except Unreadable as error:
        raise _none(str(error), "ask for the request again, and take all of it", given) from None


def _none(message: str, help_: str, file: str | None = None) -> Refused:
    shown = None if file in {None, "-"} else file
    return Refused(Diagnostic(code=NO_REQUEST, message=message, file=shown, help=help_))


def _run_of(given: str, request: RequestText, store: Store | None) -> RunDir | None:
    """The run that asks, where it is on this machine and may be looked at: beside the request, or in the store."""
    run_id = request.signed.run
    beside = Path(os.path.realpath(given)).parent.parent if given != "-" else None
    if beside is not None and beside.name == run_id and (beside / "audit.jsonl").is_file():
        return RunDir(beside)
    with contextlib.suppress(Refused, OSError):
        found = store.find(run_id) if store is not None else None
        if found is None:
            return None
        return found if found.id == run_id and found.log.is_file() else None
    return None


def _look_at(request: RequestText, run: RunDir | None) -> None:
    """See to it that the request is open.

    :raises Refused: if it is not.
    """
    signed = request.signed
    now = RealClock().now()
    if now > signed.not_after:
        raise _none(f"the request was open until {inert(signed.not_after)}", "ask the operator for a new one")
    if run is None:
        return
    _, walk = judged(run.log, KINDS)
    if walk is not None and signed.request not in open_requests(walk):
        raise _none("the run does not wait for this request any more", "ask the operator for the open one")


def _person(request: RequestText, given: Credentials, called: str | None) -> tuple[str, Path, str]:
    """Who approves, with which key, and what is known of the operator's signature.

    :raises Refused: if that person cannot approve.
    """
    if given.key is None:
        message = "you have named no key to sign with"
        help_ = "add --key FILE, or set RUNBOOK_KEY: your SSH key, or its .pub where an agent has it"
        raise Refused(Diagnostic(code=UNSIGNED, message=message, help=help_))
    try:
        own = fingerprint(given.key)
    except NotSigned as error:
        raise Refused(Diagnostic(code=UNSIGNED, message=error.why, help=error.help)) from None
    asked = request.signed.approver
    if called is not None and not given.signers.exists():
        person, verified = called, "NOT VERIFIED: there are no allowed signers here"
    else:
        signers = read_signers(given.signers)
        person = called or _name_of(signers, own, request)
        verified = _verified(signers, request)
        if signers.lists(asked, own):
            raise _not_yours(f"your key is one of `{asked}`, who asks", "let somebody else approve it")
        if not signers.lists(person, own):
            raise _not_yours(f"{given.signers} does not list your key {own} under `{person}`", "add a line with it")
    if person not in request.members:
        members = ", ".join(request.members) or "nobody"
        raise _not_yours(f"`{person}` has none of the roles that may approve it", f"ask one of these: {members}")
    return person, given.key, verified


def _name_of(signers: Signers, own: str, request: RequestText) -> str:
    """The name under which one's key is listed, one of those who may approve if there is one.

    :raises Refused: if it is listed under none.
    """
    names = [person for person in request.members if signers.lists(person, own)] or [*signers.names(own)]
    if not names:
        raise _not_yours(f"the allowed signers list nobody with your key {own}", "add a line with your name and key")
    return names[0]


def _verified(signers: Signers, request: RequestText) -> str:
    """What is said of the operator's signature.

    :raises Refused: if it is wrong.
    """
    now = datetime.now(UTC).isoformat()
    try:
        key = signers.verify(request.text, request.signature, request.signed.approver, NAMESPACE, now)
    except NotVerified as error:
        raise _none(
            f"the request is not signed by `{inert(request.signed.approver)}`: {error}",
            "ask the operator what was sent, on another way",
        ) from None
    return f"signed by {request.signed.approver}, {key}"


def _not_yours(message: str, help_: str) -> Refused:
    return Refused(Diagnostic(code=NOT_YOURS, message=inert(message), help=inert(help_)))


@contextlib.contextmanager
def _terminal() -> Iterator[IO[bytes]]:
    """The terminal of the person who sits here, whatever standard input is.

    :raises Refused: if there is none.
    """
    try:
        terminal = open("/dev/tty", "r+b", buffering=0)  # noqa: SIM115, PTH123 - closed below; a device
    except OSError:
        message = "an approval is given at a terminal, and there is none"
        raise Refused(Diagnostic(code=NOBODY_THERE, message=message, help="call it in a terminal")) from None
    with terminal:
        yield terminal


def _agrees(terminal: IO[bytes], request: RequestText, person: str, verified: str) -> bool:
    """Show the request, and ask."""
    rows = [*heading(request), ("request", inert(verified)), ("you are", inert(person))]
    said = "\n".join(f"  {label:<9} {value}" for label, value in rows)
    digest = request.signed.action
    text = f"\n{said}\n\nWhat would be done, exactly:\n\n{described(request.what)}\n\n  digest    {digest}\n\n"
    text += f"Type `{_YES}` to approve it as {inert(person)}. Anything else does not.\n> "
    terminal.write(text.encode())
    with contextlib.suppress(termios.error):
        termios.tcflush(terminal.fileno(), termios.TCIFLUSH)  # what was typed before it was shown answers nothing
    return terminal.readline().decode(errors="replace").rstrip("\r\n") == _YES


def _deliver(approval: ApprovalWord, run: RunDir | None) -> None:
    """Put an approval into the inbox of its run where that can be; else print it."""
    if run is not None:
        try:
            put(run, "approval", {"text": approval.text, "signature": approval.signature})
        except Refused:
            pass
        else:
            sys.stderr.write(f"approved; run {run.id} takes it up, or does when it is resumed\n")
            return
    sys.stderr.write("approved; give this word to the operator, who pastes it where the walk waits:\n")
    sys.stdout.write(word_of(approval) + "\n")
