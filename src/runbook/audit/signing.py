"""Signing with the key that a person logs in with, by ``ssh-keygen -Y sign``; and running ``ssh-keygen`` at all.

Rules. Nothing here waits longer than it is told to: an agent may be gone, locked, stopped, or want a touch of a key.
Unattended nothing is asked, neither on a terminal nor in a window.
"""

import base64
import binascii
import hashlib
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

VERIFYING = 10.0
"""Seconds within which a signature is verified, or a key read: no agent and no person has a part in it."""
_ARMOUR = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")


class NotSigned(Exception):  # noqa: N818 - said of a text
    """A text was not signed: why, and one act that helps."""

    def __init__(self, why: str, help_: str) -> None:
        super().__init__(why)
        self.why = why
        self.help = help_


def key_file(flag: str | None, environ: Mapping[str, str]) -> Path | None:
    """One's own key: ``--key`` or ``$RUNBOOK_KEY``; None if neither names one."""
    chosen = flag or environ.get("RUNBOOK_KEY")
    return Path(chosen).expanduser() if chosen else None


def fingerprint_of(blob: bytes) -> str:
    """The fingerprint of a public key, as ``ssh-keygen -l`` writes it."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def fingerprint(key: Path, *, seconds: float = VERIFYING) -> str:
    """The fingerprint of a key file, private or public, as ``SHA256:…``; a passphrase is not needed.

    :param seconds: how long `ssh-keygen` may take.
    :raises NotSigned: if it is no key that can be read.
    """
    if not key.is_file():
        raise NotSigned(f"there is no key {key}", "name the file of a private key, or of a public one with an agent")
    done = keygen(["-l", "-E", "sha256", "-f", str(key)], subprocess.DEVNULL, seconds)
    found = re.search(r"SHA256:\S+", done.out)
    if done.status != 0 or found is None:
        raise NotSigned(f"{key} is no key that can be read: {why_of(done)}", "name the file of an SSH key")
    return found[0]


def key_of(signature: str) -> str | None:
    """The fingerprint of the key that a signature says it was made with; None if it is no signature.

    Whether that key made it, :meth:`runbook.audit.signatures.Signers.verify` says. The blob holds the six bytes
    ``SSHSIG``, a version of four bytes, and the public key with its length before it (PROTOCOL.sshsig of OpenSSH).
    """
    lines = signature.strip().splitlines()
    if len(lines) < 3 or lines[0] != _ARMOUR[0] or lines[-1] != _ARMOUR[1]:
        return None
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError):
        return None
    key = blob[14 : 14 + int.from_bytes(blob[10:14], "big")]
    return fingerprint_of(key) if blob.startswith(b"SSHSIG") and key else None


def sign(text: str, key: Path, namespace: str, *, seconds: float, terminal: IO[bytes] | None = None) -> str:
    """A text signed with a key, as ``ssh-keygen -Y sign`` writes it.

    :param seconds: how long an agent, or a person at it, is waited for.
    :param terminal: where a passphrase may be asked for; None: nobody is there, and nothing is asked.
    :raises NotSigned: if it could not be.
    """
    with Signing(text, key, namespace, terminal) as signing:
        signature = signing.wait(seconds)
    if signature is None:
        raise late(seconds)
    return signature


class Signing:
    """A signature in the making: an agent, or a person at a key, may take their time for it."""

    def __init__(self, text: str, key: Path, namespace: str, terminal: IO[bytes] | None = None) -> None:
        """Begin to sign; ``terminal`` is where a passphrase may be asked for, None: nothing is asked.

        :raises NotSigned: if that cannot be.
        """
        self._key = key
        self._attended = terminal is not None
        self._begun = time.monotonic()
        try:
            self._made = tempfile.TemporaryDirectory(prefix="runbook-")
            self._text = Path(self._made.name) / "text"
            self._text.write_bytes(text.encode())
            said = self._text.with_name("said").open("wb")
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise NotSigned(
                f"there is no place to sign in: {why}", "look at the directory for temporary files"
            ) from None
        argv = ["-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(self._text)]
        with said:
            stderr = None if self._attended else said
            try:
                self._popen = _start(argv, terminal or subprocess.DEVNULL, said, stderr, attended=self._attended)
            except NotSigned:
                self._made.cleanup()
                raise

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._begun

    def wait(self, seconds: float) -> str | None:
        """The signature; None if it is not there after so many seconds.

        :raises NotSigned: if it will never be.
        """
        try:
            status = self._popen.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return None
        try:
            said = self._text.with_name("said").read_text(errors="replace")
            written = self._text.with_name("text.sig")
            if status == 0 and written.exists():
                return written.read_text("ascii", "replace")
        except OSError as error:  # somebody tidied the directory for temporary files
            said = (error.strerror or str(error)).lower()
        raise NotSigned(
            f"nothing could be signed with {self._key}: {why_of(Done(status, '', said))}",
            f"load the key into an agent: `ssh-add {shlex.quote(str(self._key).removesuffix('.pub'))}`",
        )

    def close(self) -> None:
        """Nobody waits for it any more."""
        _end(self._popen, attended=self._attended)
        self._made.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Done:
    """How ``ssh-keygen`` ended, and what it wrote."""

    status: int
    out: str
    err: str


def keygen(argv: Sequence[str], stdin: IO[bytes] | int, seconds: float) -> Done:
    """Run ``ssh-keygen`` to its end.

    :raises NotSigned: if it is not there, or does not end in time.
    """
    with _start(argv, stdin, subprocess.PIPE, subprocess.PIPE, attended=False) as popen:
        try:
            out, err = popen.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise late(seconds) from None
        finally:
            _end(popen, attended=False)
    return Done(popen.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def _start(
    argv: Sequence[str],
    stdin: IO[bytes] | int,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int | None,
    *,
    attended: bool,
) -> subprocess.Popen[bytes]:
    """Start ``ssh-keygen``; unattended it has neither terminal nor window to ask in.

    :raises NotSigned: if it is not there.
    """
    env = {**os.environ, "LC_ALL": "C"}
    if not attended:
        env["SSH_ASKPASS_REQUIRE"] = "never"
    try:
        return subprocess.Popen(
            ["ssh-keygen", *argv],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=env,
            start_new_session=not attended,
        )
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NotSigned(f"`ssh-keygen` cannot be started: {why}", "install OpenSSH 8.8 or later") from None


def _end(popen: subprocess.Popen[bytes], *, attended: bool) -> None:
    """End a process that is still there, and what it started."""
    if popen.poll() is None:
        if attended:
            popen.kill()
        else:
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()


def late(seconds: float) -> NotSigned:
    """What is to be said of a key that did not sign in time."""
    return NotSigned(
        f"the key did not sign within {seconds:.0f} s: its agent does not answer, or waits for a touch",
        "look at the agent (`ssh-add -l`), touch the key if it wants that, and try again",
    )


def why_of(done: Done) -> str:
    """What ``ssh-keygen`` says is wrong, in a line."""
    said = [line.strip().rstrip(".") for line in (done.err or done.out).splitlines() if line.strip()]
    if any("incorrect passphrase" in line for line in said):
        return "it has a passphrase, and nobody is asked for one here"
    words = said[0] if said else f"ssh-keygen ended with {done.status}"
    words = re.sub(r"^\S*/signers:[0-9]+: ", "", words)
    return words[:1].lower() + words[1:300]
