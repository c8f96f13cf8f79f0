"""Signatures of persons, made and verified by ``ssh-keygen -Y`` with the keys that they log in with.

Rules. A signature counts for the person under whose name the file of allowed signers lists its key, at the time in
question, in the namespace it was made for; that a signature is well-formed alone means nothing. Whether it does, only
``ssh-keygen`` says (ssh-keygen(1), "ALLOWED SIGNERS"); what is read here of that file only suggests a name. The file is
read once, and is nobody else's to write. Nothing here waits longer than it is told to.
"""

import base64
import binascii
import hashlib
import os
import re
import shlex
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from runbook.audit.plain_file import open_plain
from runbook.model.diagnostics import Code, Diagnostic, Refused

NO_SIGNERS = Code(
    number="RB560",
    title="allowed signers that cannot be used",
    why="Who may approve, and with which key, stands in a file of allowed signers, as git and ssh-keygen know it. It "
    "was not found, cannot be read, or others may write to it: then anybody could say whose key is whose.",
)
LARGEST = 1024 * 1024
"""The most bytes of a file of allowed signers."""
VERIFYING = 10.0
"""Seconds within which a signature is verified: no agent and no person has a part in it."""
_GOOD = re.compile(r'Good ".*" signature for .* with \S+ key (SHA256:\S+)')
_PATTERN = frozenset("*?!")


class NotSigned(Exception):  # noqa: N818 - said of a text
    """A text was not signed: why, and one act that helps."""

    def __init__(self, why: str, help_: str) -> None:
        super().__init__(why)
        self.why = why
        self.help = help_


class NotVerified(Exception):  # noqa: N818 - said of a signature
    """A signature does not count; the message is why. ``unknown``: nobody could say, because a tool is missing."""

    def __init__(self, why: str, *, unknown: bool = False) -> None:
        super().__init__(why)
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class _Line:
    """One key of a file of allowed signers: the patterns of its principals, and its fingerprint."""

    principals: tuple[str, ...]
    fingerprint: str


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

    def lists(self, person: str, fingerprint: str) -> bool:
        """Whether a key is listed under a name, whatever else is said of it there."""
        return any(
            fnmatchcase(person, pattern)
            for line in self._lines
            if line.fingerprint == fingerprint
            for pattern in line.principals
        )

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
                    done = _keygen(argv, given, VERIFYING)
                except NotSigned as missing:
                    raise NotVerified(missing.why, unknown=True) from None
        good = _GOOD.search(done.out)
        if done.status != 0 or good is None:
            silent = not done.err.strip()
            unlisted = f"no key that is listed for `{person}`, and not revoked, has made its signature"
            raise NotVerified(unlisted if silent else _why(done))
        return good[1]


def signers_file(flag: str | None, environ: Mapping[str, str]) -> Path:
    """Where the allowed signers are: ``--allowed-signers``, ``$RUNBOOK_ALLOWED_SIGNERS``, or their place at home."""
    if chosen := flag or environ.get("RUNBOOK_ALLOWED_SIGNERS"):
        return Path(chosen)
    base = environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if base.startswith("/") else Path(environ.get("HOME") or "~").expanduser() / ".config"
    return home / "runbook" / "allowed_signers"


def key_file(flag: str | None, environ: Mapping[str, str]) -> Path | None:
    """One's own key: ``--key`` or ``$RUNBOOK_KEY``; None if neither names one."""
    chosen = flag or environ.get("RUNBOOK_KEY")
    return Path(chosen).expanduser() if chosen else None


def read_signers(path: Path) -> Signers:
    """The allowed signers of a file, with the ``revoked_keys`` beside it if there are any.

    :raises Refused: if it is not there, cannot be read, or is others' to write.
    """
    revoked = path.with_name("revoked_keys")
    return Signers(_read(path), _read(revoked) if os.path.lexists(revoked) else None)


def fingerprint(key: Path) -> str:
    """The fingerprint of a key file, private or public, as ``SHA256:…``; a passphrase is not needed.

    :raises NotSigned: if it is no key that can be read.
    """
    if not key.is_file():
        raise NotSigned(f"there is no key {key}", "name the file of a private key, or of a public one with an agent")
    done = _keygen(["-l", "-E", "sha256", "-f", str(key)], subprocess.DEVNULL, VERIFYING)
    found = re.search(r"SHA256:\S+", done.out)
    if done.status != 0 or found is None:
        raise NotSigned(f"{key} is no key that can be read: {_why(done)}", "name the file of an SSH key")
    return found[0]


def sign(text: str, key: Path, namespace: str, *, seconds: float, terminal: IO[bytes] | None = None) -> str:
    """A text signed with a key, as ``ssh-keygen -Y sign`` writes it.

    :param seconds: how long an agent, or a person at it, is waited for.
    :param terminal: where a passphrase may be asked for; None: nobody is there, and nothing is asked.
    :raises NotSigned: if it could not be.
    """
    with tempfile.TemporaryDirectory(prefix="runbook-") as made:
        path = Path(made) / "text"
        path.write_bytes(text.encode())
        argv = ["-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(path)]
        done = _keygen(argv, terminal or subprocess.DEVNULL, seconds, attended=terminal is not None)
        written = path.with_name("text.sig")
        if done.status != 0 or not written.exists():
            raise NotSigned(
                f"nothing could be signed with {key}: {_why(done)}",
                f"load the key into an agent: `ssh-add {shlex.quote(str(key).removesuffix('.pub'))}`",
            )
        return written.read_text("ascii", "replace")


@dataclass(frozen=True, slots=True)
class _Done:
    """How ``ssh-keygen`` ended, and what it wrote."""

    status: int
    out: str
    err: str


def _keygen(argv: Sequence[str], stdin: IO[bytes] | int, seconds: float, *, attended: bool = False) -> _Done:
    """Run ``ssh-keygen``; unattended it has neither terminal nor window to ask in.

    :raises NotSigned: if it is not there, or does not end in time.
    """
    env = {**os.environ, "LC_ALL": "C"}
    if not attended:
        env["SSH_ASKPASS_REQUIRE"] = "never"
    try:
        popen = subprocess.Popen(
            ["ssh-keygen", *argv],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=None if attended else subprocess.PIPE,
            env=env,
            start_new_session=not attended,
        )
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NotSigned(f"`ssh-keygen` cannot be started: {why}", "install OpenSSH 8.8 or later") from None
    with popen:
        try:
            out, err = popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise NotSigned(
                f"the key did not sign within {seconds:.0f} s: its agent does not answer, or waits for a touch",
                "look at the agent (`ssh-add -l`), touch the key if it wants that, and try again",
            ) from None
        finally:
            if popen.poll() is None:
                if attended:
                    popen.kill()
                else:
                    os.killpg(popen.pid, signal.SIGKILL)
    return _Done(popen.returncode, out.decode(errors="replace"), (err or b"").decode(errors="replace"))


def _why(done: _Done) -> str:
    """What ``ssh-keygen`` says is wrong, in a line."""
    said = [line.strip().rstrip(".") for line in (done.err or done.out).splitlines() if line.strip()]
    if any("incorrect passphrase" in line for line in said):
        return "it has a passphrase, and nobody is asked for one here"
    words = said[0] if said else f"ssh-keygen ended with {done.status}"
    words = re.sub(r"^\S*/signers:[0-9]+: ", "", words)
    return words[:1].lower() + words[1:300]


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
                digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
                patterns = tuple(name for name in principals.strip('"').split(",") if name)
                found.append(_Line(patterns, f"SHA256:{digest}"))
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
