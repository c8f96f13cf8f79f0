"""Who signs the requests of a run, and who says whose signature counts: here, with one's own key and a file of signers.

Where the operator sits at another machine than the walk, another notary asks there. Nothing else about an approval
depends on where that is.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runbook.audit.footing import sync_directory
from runbook.audit.plain_file import new_file, open_plain
from runbook.audit.signatures import NotVerified, read_signers
from runbook.audit.signing import NotSigned, fingerprint, sign
from runbook.audit.store import RunDir
from runbook.drivers.operator import Hand, Place
from runbook.model.approval import NAMESPACE

SIGNING = 30.0
"""Seconds within which the operator's agent signs a request: somebody may have to touch a key."""
_LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What signatures are made and verified with here: one's own key, if there is one, and the allowed signers."""

    key: Path | None
    signers: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: the name under which a key is listed, and the key's fingerprint."""

    name: str
    key: str


class Notary(Protocol):
    """Signs and verifies for one run, and keeps its requests."""

    @property
    def signers(self) -> str:
        """Where it stands whose key is whose, as a person is told of it."""

    def number(self) -> str:
        """A number for a request that nobody can guess, of 32 hexadecimal digits."""

    def signer(self, place: Place) -> Signer | Hand:
        """Who signs a request now; an act of the operator in place of that is returned.

        :raises NotSigned: if nobody can.
        :raises Refused: if the allowed signers cannot be used.
        """

    def sign(self, place: Place, text: str) -> str | Hand:
        """The signature of that signer; an act of the operator in place of it is returned.

        :raises NotSigned: if there is none.
        """

    def verify(self, text: str, signature: str, person: str, at: str, others: Sequence[str] = ()) -> str:
        """The fingerprint of the key with which a person signed a text.

        :param at: the time at which the key must have been valid, as records have it.
        :param others: the operators, none of whose keys it may be.
        :raises NotVerified: if that does not count.
        :raises Refused: if the allowed signers cannot be used.
        """

    def keep(self, number: str, text: str) -> None:
        """Keep a request.

        :raises OSError: if that cannot be.
        """

    def kept(self, number: str) -> tuple[str, str]:
        """What a command line says of a request, and its text; empty where that cannot be had here."""


class OwnNotary:
    """Signs with one's own key, and verifies with a file.

    :param run: where requests are kept.
    :param operator: who walks now.
    """

    def __init__(self, run: RunDir, credentials: Credentials, operator: Callable[[], str]) -> None:
        self._run = run
        self._credentials = credentials
        self._operator = operator

    @property
    def signers(self) -> str:
        """The file of allowed signers."""
        return str(self._credentials.signers)

    def number(self) -> str:
        """A number by chance."""
        return secrets.token_hex(16)

    def signer(self, place: Place) -> Signer | Hand:
        """The name under which one's own key is listed."""
        del place
        own = fingerprint(own_key(self._credentials))
        return Signer(name=name_of(self._credentials.signers, self._operator(), own), key=own)

    def sign(self, place: Place, text: str) -> str | Hand:
        """Sign with one's own key."""
        del place
        return sign(text, own_key(self._credentials), NAMESPACE, seconds=SIGNING)

    def verify(self, text: str, signature: str, person: str, at: str, others: Sequence[str] = ()) -> str:
        """Verify with the file as it is now."""
        return verified(self._credentials.signers, text, signature, person=person, at=at, others=others)

    def keep(self, number: str, text: str) -> None:
        """Write it beside the log."""
        path = self._run.request(number)
        with new_file(path) as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        sync_directory(path.parent)
        self._run.publish(f"requests/{path.name}")

    def kept(self, number: str) -> tuple[str, str]:
        """Its file, or its number and the store, and what stands in it."""
        try:
            text = read_small(str(self._run.request(number)))
        except OSError:
            text = ""
        return self._run.argument_of(number), text


def own_key(credentials: Credentials, again: str = "resume") -> Path:
    """One's own key.

    :param again: the command that goes on with a key.
    :raises NotSigned: if none was named.
    """
    if credentials.key is None:
        raise NotSigned(
            "others must approve it, and you have named no key to sign the request with",
            f"{again} with --key FILE, or set RUNBOOK_KEY: your SSH key, or its .pub where an agent has it",
        )
    return credentials.key


def name_of(file: Path, operator: str, key: str) -> str:
    """The name under which a key of the operator is listed: the operator's where it is, else the first.

    :raises NotSigned: if it is listed under none.
    :raises Refused: if the allowed signers cannot be used.
    """
    signers = read_signers(file)
    name = operator if signers.lists(operator, key) else next(iter(signers.names(key)), None)
    if name is None:
        raise NotSigned(f"{file} lists nobody with your key {key}", "add a line with your name and the key")
    return name


def verified(file: Path, text: str, signature: str, *, person: str, at: str, others: Sequence[str]) -> str:
    """The fingerprint of the key of a signature that counts, as :meth:`Notary.verify` has it, by a file of signers."""
    signers = read_signers(file)
    key = signers.verify(text, signature, person, NAMESPACE, at)
    for operator in others:
        if signers.lists(operator, key):
            raise NotVerified(f"its key is one of `{operator}`, the operator, who cannot approve")
    return key


def read_small(path: str) -> str:
    """A small text file.

    :raises OSError: if it cannot be read.
    """
    with open_plain(Path(path.strip()).expanduser(), follow=True) as file:
        return file.read(_LARGEST).decode(errors="replace")
