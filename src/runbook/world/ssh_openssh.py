"""Runs one program on another machine through the ``ssh`` of this machine, with the same wrapper and end mark.

Rules. ssh may ask nobody anything (``BatchMode``) and learns no key. The name of the machine comes behind ``--``. Each
program is a connection of its own, unless the person's own configuration shares them (``ControlMaster``). ssh waits for
its agent without end, so one that hangs is kept from it (that of ``SSH_AUTH_SOCK``; not a configured IdentityAgent).
"""

import os
import re
import socket

from runbook.model.io import Cancelled, NotSent, ProcessResult, TimedOut, WorldError
from runbook.world.processes import GRACE, Program
from runbook.world.ssh_config import PATIENCE
from runbook.world.ssh_session import Remote
from runbook.world.ssh_wrapper import BOOTSTRAP

_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "NumberOfPasswordPrompts=0",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "EscapeChar=none",
    "LogLevel=ERROR",
    f"ConnectTimeout={PATIENCE}",
    "ConnectionAttempts=1",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
)
_CAUSES = (
    ("could not resolve", "the name does not resolve", "look at `host` and at the DNS"),
    ("connection refused", "it refused the connection", "look whether sshd runs there, and at the port"),
    ("timed out", "it did not answer in time", "look whether the machine is up, and at firewalls on the way"),
    ("identification has changed", "its host key is another one than the known one", "ask who runs it why"),
    ("revoked", "its host key is revoked", "ask who runs it; do not connect"),
    (
        "host key verification failed",
        "its host key is not known",
        "compare its fingerprint, then `ssh` to it once by hand",
    ),
    ("permission denied", "it let nobody in", "try `ssh` by hand; a key with a passphrase belongs into an agent"),
    ("too many authentication", "it had enough of our keys", "set IdentitiesOnly and IdentityFile for it"),
)
"""What ssh says, in small letters, what it means, and what to do."""
_CONNECTION = 255  # the status of ssh itself
_AGENT = "SSH_AUTH_SOCK"
_AGENT_PATIENCE = 3.0
_WHICH_KEYS = b"\0\0\0\1\x0b"
"""SSH_AGENTC_REQUEST_IDENTITIES (draft-ietf-sshm-ssh-agent, section 3.5), which an agent answers without a person."""


class OpenSsh:
    """One program through the system's ssh, to be run once."""

    def __init__(self, remote: Remote, *, withheld: frozenset[str]) -> None:
        """Prepare it.

        :param withheld: variables that ssh is not given, because secrets come from them.
        """
        self._remote = remote
        self._conversation = remote.conversation
        self._env = {name: value for name, value in os.environ.items() if name not in withheld}
        self._agent_hangs = _hangs(self._env.get(_AGENT, ""))
        if self._agent_hangs:
            del self._env[_AGENT]
        self._seen = b""
        self._error: WorldError | None = None
        self._ended = False
        left = remote.seconds_left()
        limit = None if left is None else round(left * 1000)
        self._program = self._ssh(self._conversation.opening, limit, more=True)

    def run(self) -> ProcessResult:
        """Run it to its end.

        :raises WorldError: of the right class.
        :raises Exception: what the callback raised, after the end of the program.
        """
        remote, conversation = self._remote, self._conversation
        try:
            ended = self._program.run()
        except (TimedOut, Cancelled):
            if conversation.status is None:
                raise remote.ended(self._ask) from None
            return remote.result(incomplete=True)
        if self._error is not None:
            raise self._error
        for name in ("stdout", "stderr"):
            conversation.close(name)
        if conversation.status is not None:
            return remote.result(incomplete=ended.incomplete)
        if remote.level:
            raise remote.ended(self._ask)
        raise self._broken(ended)

    def cancel(self, level: int) -> None:
        """Stop it, from another thread; the program there is ended by the next ssh."""
        self._remote.level = max(self._remote.level, level)
        self._program.cancel(level)

    def _ssh(self, stdin: bytes, limit: int | None, *, more: bool = False) -> Program:
        options = [word for option in _OPTIONS for word in ("-o", option)]
        return Program(
            ["ssh", "-T", "-x", "-a", *options, "--", self._remote.host, BOOTSTRAP],
            env=self._env,
            cwd="/",
            stdin=stdin,
            more=more,
            limit=limit,
            output=self._take if more else None,
        )

    def _take(self, name: str, chunk: bytes) -> None:
        conversation = self._conversation
        if self._error is not None:
            return
        if not conversation.begun and name == "stderr":
            self._seen = (self._seen + chunk)[-4096:]
        try:
            conversation.feed(name, chunk)
        except NotSent as error:
            self._error = error
        if self._error is not None or (conversation.begun and not conversation.gone and not self._remote.level):
            self._program.send(b"" if self._error else conversation.go())
        if conversation.status is not None and not self._ended:
            self._ended = True
            self._program.hurry(GRACE)  # ssh itself waits for whatever was left behind

    def _ask(self, data: bytes, seconds: float) -> bytes:
        try:
            return self._ssh(data, round(seconds * 1000)).run().stdout.encode()
        except WorldError:
            return b""

    def _broken(self, ended: ProcessResult) -> WorldError:
        """Why there is no end mark."""
        host, conversation = self._remote.host, self._conversation
        how = ended.signal or f"ssh ended with status {ended.exit_code}"
        if conversation.gone or ended.exit_code != _CONNECTION:
            return conversation.broken(how)
        seen = self._seen.decode(errors="replace").lower()
        if self._agent_hangs and "permission denied" in seen:
            return NotSent(f"ssh to {host}: it let nobody in; the ssh agent does not answer", "start one that does")
        for mark, meaning, help_ in _CAUSES:
            if re.search(mark, seen):
                return NotSent(f"ssh to {host}: {meaning} (`{conversation.said()}`)", help_)
        return NotSent(f"ssh to {host} failed: {conversation.said() or how}", f"try `ssh {host}` by hand")


def _hangs(agent: str) -> bool:
    """Whether an agent takes a question and does not answer it; one that is not there does not hang."""
    if not agent:
        return False
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_AGENT_PATIENCE)
        try:
            connection.connect(agent)
            connection.sendall(_WHICH_KEYS)
            connection.recv(1)
        except TimeoutError:
            return True
        except OSError:
            pass
    return False
