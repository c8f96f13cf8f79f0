"""Proves to a machine who we are: with the keys of an agent and of files, never with a question to a person.

Rules. The order is that of ssh: agent keys that a configured file names, other agent keys, files. Each stage ends by
itself within seconds: an agent that hangs or wants a touch, a machine that wants a second factor, and a key with a
passphrase end in a refusal that says what to do.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.model.io import NotSent
from runbook.world.ssh_config import PATIENCE, Destination

if TYPE_CHECKING:
    from paramiko.agent import AgentKey
    from paramiko.pkey import PKey
    from paramiko.transport import Transport

_AGENT_PATIENCE = 3
_MOST = 6  # tries that a machine allows by default (MaxAuthTries, sshd_config(5))


@dataclass(kw_only=True)
class _Offer:
    """The keys that can be offered, and why others cannot."""

    keys: list["PKey"] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    agent: socket.socket | None = None

    def close(self) -> None:
        """Let the agent go."""
        if self.agent is not None:
            self.agent.close()


class Keyring:
    """The private keys of one person, each file read once; for several threads."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._lock = threading.Lock()
        self._read: dict[Path, PKey | tuple[str, str] | None] = {}

    def prove(self, transport: "Transport", to: Destination) -> None:
        """Log in.

        :raises NotSent: with what to do, if no key was taken.
        """
        from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType, SSHException

        with contextlib.closing(_Offer()) as offer:
            self._collect(to, offer)
            until = time.monotonic() + PATIENCE
            allowed: Sequence[str] = ("publickey",)
            for key in offer.keys[:_MOST]:
                transport.auth_timeout = max(0.1, until - time.monotonic())
                try:
                    further = transport.auth_publickey(to.user, key)
                except BadAuthenticationType as error:
                    allowed = error.allowed_types
                    break
                except AuthenticationException as error:
                    if "timeout" in str(error).lower():
                        raise NotSent(f"logging in to {to.alias} took more than {PATIENCE} s", _WAITING) from error
                except SSHException as error:
                    offer.problems.append((f"a key could not be used ({error})", "look at `ssh-add -l`"))
                else:
                    if not further:
                        return
                    raise NotSent(f"{to.alias} wants a further factor ({', '.join(further)})", _BY_HAND)
                if not transport.is_active():
                    break  # it had enough of our keys
            raise _refused(to, offer, allowed)

    def _collect(self, to: Destination, offer: _Offer) -> None:
        """Collect what to offer, in order."""
        named = [self._public(path) for path in to.identities]
        held = self._agent_keys(to, offer)
        wanted = [key for key in held if key.asbytes() in named]
        others = [] if to.identities_only else [key for key in held if key.asbytes() not in named]
        blobs = {key.asbytes() for key in held}
        offer.keys += wanted
        for path in to.identities:
            if self._public(path) in blobs:
                continue
            match self._private(path):
                case None:
                    pass
                case (reason, help_):
                    offer.problems.append((reason, help_))
                case key:
                    others.append(key)  # type: ignore[arg-type] # an agent's key is a key
        offer.keys += others

    def _agent_keys(self, to: Destination, offer: _Offer) -> Sequence["AgentKey"]:
        """The keys of the agent; each connection asks it anew, since its protocol is one question at a time."""
        path = os.environ.get("SSH_AUTH_SOCK", "") if to.agent in (None, "SSH_AUTH_SOCK") else to.agent or ""
        path = os.environ.get(path[1:], "") if path.startswith("$") else path
        if not path or path == "none":
            return ()
        from paramiko.agent import AgentSSH
        from paramiko.ssh_exception import SSHException

        agent = AgentSSH()
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_AGENT_PATIENCE)
        try:
            connection.connect(os.path.expanduser(path))  # noqa: PTH111 - a socket takes a text
            agent._connect(connection)  # type: ignore[attr-defined] # noqa: SLF001 - the public class knows no time limit and one path only
        except (OSError, SSHException) as error:
            connection.close()
            offer.problems.append((f"the ssh agent does not answer ({error})", "start one, or unset SSH_AUTH_SOCK"))
            return ()
        connection.settimeout(PATIENCE)  # a key that wants to be touched
        offer.agent = connection
        return agent.get_keys()

    def _private(self, path: Path) -> "PKey | tuple[str, str] | None":
        """The key of a file, or why there is none to be used; None where there is no file."""
        from paramiko.pkey import PKey
        from paramiko.ssh_exception import PasswordRequiredException, SSHException

        with self._lock:
            if path not in self._read:
                try:
                    self._read[path] = PKey.from_path(path)
                except FileNotFoundError:
                    self._read[path] = None
                except (PasswordRequiredException, TypeError):  # the latter is what cryptography says of it
                    self._read[path] = (f"the key {path} has a passphrase", f"give it to an agent: `ssh-add {path}`")
                except (SSHException, ValueError, OSError) as error:
                    why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
                    self._read[path] = (f"the key {path} cannot be read ({why})", f"look at `ls -l {path}`")
            return self._read[path]

    @staticmethod
    def _public(path: Path) -> bytes | None:
        """The public half of a key, as it stands beside it (or is the file itself)."""
        import base64

        for file in (path.with_name(path.name + ".pub"), path):
            try:
                words = file.read_text(encoding="ascii").split()
                return base64.b64decode(words[1], validate=True)
            except (OSError, ValueError, IndexError):
                continue
        return None


_WAITING = "an agent may wait for a touch or a passphrase: use a key that can be used unattended"
_BY_HAND = "the built-in client asks nobody: use `transport: openssh` over a connection that a person has opened"


def _refused(to: Destination, offer: _Offer, allowed: Sequence[str]) -> NotSent:
    """Why no key was taken, and the one thing to do."""
    if "publickey" not in allowed:
        return NotSent(f"{to.alias} takes no keys of {to.user}, only {', '.join(allowed)}", _BY_HAND)
    tried = f"{len(offer.keys)} key{'' if len(offer.keys) == 1 else 's'} offered"
    why = "".join(f"; {reason}" for reason, _ in offer.problems)
    help_ = offer.problems[0][1] if offer.problems else f"try `ssh {to.user}@{to.alias}`, and give that key to an agent"
    return NotSent(f"{to.alias} did not let {to.user} in: {tried}{why}", help_)
