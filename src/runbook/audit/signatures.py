"""Signatures of persons, made and verified by ``ssh-keygen -Y`` with the keys that they log in with.

Rules. A signature counts for the person under whose name the file of allowed signers lists its key, at the time in
question, in the namespace it was made for; that a signature is well-formed alone means nothing. Whether it does, only
``ssh-keygen`` says (ssh-keygen(1), "ALLOWED SIGNERS"); what is read here of that file only suggests a name. The file is
read once, and is nobody else's to write. Nothing here waits longer than it is told to.
"""

import base64
import binascii
import os
import re
import shlex
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from runbook.audit.plain_file import open_plain
from runbook.audit.signing import VERIFYING, NotSigned, fingerprint_of, keygen, why_of
from runbook.model.diagnostics import Code, Diagnostic, Refused

NO_SIGNERS = Code(
    number="RB560",
    title="allowed signers that cannot be used",
    why="Who may approve, and with which key, stands in a file of allowed signers, as git and ssh-keygen know it. It "
    "was not found, cannot be read, or others may write to it: then anybody could say whose key is whose.",
)
LARGEST = 1024 * 1024
"""The most bytes of a file of allowed signers."""
_GOOD = re.compile(r'Good ".*" signature for .* with \S+ key (SHA256:\S+)')
_PATTERN = frozenset("*?!")
_NAMESPACES = re.compile(r'namespaces="([^"]*)"', re.IGNORECASE)


class NotVerified(Exception):  # noqa: N818 - said of a signature
    """A signature does not count; the message is why. ``unknown``: nobody could say, because a tool is missing."""

    def __init__(self, why: str, *, unknown: bool = False) -> None:
        super().__init__(why)
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class _Line:
    """One key of a file of allowed signers: the patterns of its principals, its options, and its fingerprint."""

    principals: tuple[str, ...]
    options: str
    fingerprint: str

    def allows(self, namespace: str) -> bool:
        """Whether its ``namespaces`` have a namespace; a line without them allows all."""
        found = _NAMESPACES.search(self.options)
        return found is None or "!" in found[1] or any(fnmatchcase(namespace, each) for each in found[1].split(","))


class Signers:
    """A file of allowed signers, as it was when it was read."""

    def __init__(self, data: bytes, revoked: bytes | None = None) -> None:
        """Take the bytes of the file, and of one of revoked keys (ssh-keygen(1), ``-r``)."""
        self._data = data
        self._revoked = revoked
        self._lines = tuple(_lines(data.decode(errors="replace")))

    def names(self, fingerprint: str) -> tuple[str, ...]:
        """The names under which a key is listed, in the file's order; patterns are not names."""
        found = [name for line in self._lines if line.fingerprint == fingerprint for name in line.principals]
        return tuple(dict.fromkeys(name for name in found if not _PATTERN & set(name)))

    def lists(self, person: str, fingerprint: str, namespace: str | None = None) -> bool:
        """Whether a key is listed under a name, for a namespace if one is given, whatever else is said of it there."""
        return any(
            fnmatchcase(person, pattern)
            for line in self._lines
            if line.fingerprint == fingerprint and (namespace is None or line.allows(namespace))
            for pattern in line.principals
        )

    def certifies(self, person: str) -> bool:
        """Whether a name is listed with a key that signs others' keys, so that keys count which do not stand here."""
        return any(
            fnmatchcase(person, pattern)
            for line in self._lines
            if "cert-authority" in line.options.lower()
            for pattern in line.principals
        )

    def knows(self, person: str) -> bool:
        """Whether a name is listed at all, with whatever key."""
        return any(fnmatchcase(person, pattern) for line in self._lines for pattern in line.principals)

    def verify(self, text: str, signature: str, person: str, namespace: str, at: str) -> str:
        """The fingerprint of the key with which a person signed a text.

        :param at: the time at which the key must have been valid, as records have it.
        :raises NotVerified: if that person did not sign that text, or the key does not count.
        """
        if not person.strip() or person.startswith("-") or not person.isprintable():
            raise NotVerified("the name of who signed it is none")
        local = datetime.fromisoformat(at).astimezone().strftime("%Y%m%d%H%M%S")  # read in the local time zone
        with tempfile.TemporaryDirectory(prefix="runbook-") as made:
            where = Path(made)
            (where / "signers").write_bytes(self._data)
            (where / "signature").write_bytes(signature.encode("ascii", "replace"))
            argv = ["-Y", "verify", "-f", str(where / "signers"), "-I", person, "-n", namespace]
            argv += ["-s", str(where / "signature"), f"-Overify-time={local}"]
            if self._revoked is not None:
                (where / "revoked").write_bytes(self._revoked)
                argv += ["-r", str(where / "revoked")]
            (where / "text").write_bytes(text.encode())
            with (where / "text").open("rb") as given:
                try:
                    done = keygen(argv, given, VERIFYING)
                except NotSigned as missing:
                    raise NotVerified(missing.why, unknown=True) from None
        good = _GOOD.search(done.out)
        if done.status != 0 or good is None:
            silent = not done.err.strip()
            unlisted = f"no key that is listed for `{person}`, and not revoked, has made its signature"
            raise NotVerified(unlisted if silent else why_of(done))
        return good[1]


def signers_file(flag: str | None, environ: Mapping[str, str]) -> Path:
    """Where the allowed signers are: ``--allowed-signers``, ``$RUNBOOK_ALLOWED_SIGNERS``, or their place at home."""
    if chosen := flag or environ.get("RUNBOOK_ALLOWED_SIGNERS"):
        return Path(chosen)
    base = environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if base.startswith("/") else Path(environ.get("HOME") or "~").expanduser() / ".config"
    return home / "runbook" / "allowed_signers"


def read_signers(path: Path) -> Signers:
    """The allowed signers of a file, with the ``revoked_keys`` beside it if there are any.

    :raises Refused: if it is not there, cannot be read, or is others' to write.
    """
    revoked = path.with_name("revoked_keys")
    return Signers(_read(path), _read(revoked) if os.path.lexists(revoked) else None)


def signers_here(path: Path, *, named: bool = False) -> Signers | None:
    """The allowed signers of a file; None where nobody named it, and it is not there.

    :raises Refused: if they cannot be used.
    """
    return read_signers(path) if named or os.path.lexists(path) else None


def _read(path: Path) -> bytes:
    """The bytes of a file that only its owner, or root, may write.

    :raises Refused: if it cannot be read, or others may write it or put another in its place.
    """
    try:
        with open_plain(path, follow=True) as file:
            found = os.fstat(file.fileno())
            data = file.read(LARGEST + 1)
        directory = Path(os.path.realpath(path)).parent
        above = directory.stat()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise _unusable(
            path, f"the allowed signers cannot be read: {why}", "name them with --allowed-signers"
        ) from None
    if len(data) > LARGEST:
        raise _unusable(path, f"it has more than {LARGEST:,} bytes", "name a file of allowed signers")
    others = stat.S_IWGRP | stat.S_IWOTH
    if found.st_mode & others or found.st_uid not in {0, os.geteuid()}:
        raise _unusable(path, "others may write to it", f"chmod go-w {shlex.quote(str(path))}")
    if above.st_mode & others and not above.st_mode & stat.S_ISVTX:
        message = "others may put another file in its place"
        raise _unusable(path, message, f"chmod go-w {shlex.quote(str(directory))}")
    return data


def _unusable(path: Path, message: str, help_: str) -> Refused:
    return Refused(Diagnostic(code=NO_SIGNERS, message=message, file=str(path), help=help_))


def _lines(text: str) -> list[_Line]:
    """The keys of a file of allowed signers: on each line principals, options if there are any, type and key."""
    found = []
    for line in text.splitlines():
        principals, _, rest = line.strip().partition(" ")
        if not principals or principals.startswith("#"):
            continue
        for word in rest.split():
            blob = _blob(word)
            if blob is not None:
                patterns = tuple(name for name in principals.strip('"').split(",") if name)
                found.append(_Line(patterns, rest.partition(word)[0], fingerprint_of(blob)))
                break
    return found


def _blob(word: str) -> bytes | None:
    """The bytes of a public key (RFC 4253, section 6.6): they begin with the length of the name of its type."""
    try:
        blob = base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        return None
    length = int.from_bytes(blob[:4], "big")
    return blob if 4 + length < len(blob) and 4 <= length <= 64 and blob[4 : 4 + length].isascii() else None
