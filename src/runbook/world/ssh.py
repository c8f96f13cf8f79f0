"""The ssh of a run: kept connections to machines, one for each, and the programs that run over them.

Rules. From any number of threads. The first program for a machine connects, others for the same machine wait for that.
A connection that failed or ended is made anew by the next program. Nothing heavy is imported before the first one.
"""

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from runbook.model.io import NotSent, ProcessResult, WorldError
from runbook.model.machine import HOST
from runbook.world.processes import Output
from runbook.world.ssh_config import Configuration
from runbook.world.ssh_connection import Connection, connect
from runbook.world.ssh_keys import Keyring
from runbook.world.ssh_session import Remote, Session
from runbook.world.ssh_wrapper import Order

_LONGEST = 120.0  # seconds to wait for a jump host that another thread connects to


class Running(Protocol):
    """A program on another machine, to be run once."""

    def run(self) -> ProcessResult:
        """Run it to its end."""

    def cancel(self, level: int) -> None:
        """Stop it, from another thread: 1 asks, 2 insists, 3 kills."""


@dataclass(kw_only=True)
class _Kept:
    """A connection that is being made, was made, or could not be made."""

    done: threading.Event = field(default_factory=threading.Event)
    connection: Connection | None = None
    error: WorldError | None = None

    def usable(self) -> bool:
        """Whether it is worth waiting for, or alive."""
        return not self.done.is_set() or (self.connection is not None and self.connection.alive())


class SshClient:
    """The connections of a run."""

    def __init__(self, *, withheld: frozenset[str] = frozenset()) -> None:
        """Connect to nothing yet.

        :param withheld: variables that the system's ssh is not given, because secrets come from them.
        """
        self._withheld = withheld
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, tuple[str, ...] | None], _Kept] = {}
        self._configuration: Configuration | None = None
        self._keyring = Keyring()
        self._made: list[Connection] = []
        self._closed = False

    def program(self, host: str, order: Order, *, transport: str, limit: int | None, output: Output | None) -> Running:
        """One program on a machine, to be run once.

        :param host: ``HOST`` or ``USER@HOST``; HOST is an alias of the ssh configuration, a name or an address.
        :param transport: ``paramiko`` or ``openssh``.
        :param limit: milliseconds after which it is ended, or None.
        :param output: what takes its output while it runs.
        :raises NotSent: if it is no name of a machine, or no program can be given that.
        """
        if not re.fullmatch(HOST, host):
            raise NotSent(f"`{host}` is no name of a machine", "mend `host`: NAME or USER@NAME, without options")
        remote = Remote(host, order, limit=limit, output=output)
        if transport == "openssh":
            from runbook.world.ssh_openssh import OpenSsh

            return OpenSsh(remote, withheld=self._withheld)
        return Session(remote, lambda session: self._connection(host, None, session))

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._closed = True
            made = list(self._made)
        for connection in reversed(made):  # a machine before the one that leads to it
            connection.close()

    def _connection(self, name: str, jumps: tuple[str, ...] | None, session: Session) -> Connection:
        """The connection to a machine, made now if there is none.

        :raises WorldError: if there is none to be had, or the session is not wanted any more.
        """
        with self._lock:
            kept = self._kept.get((name, jumps))
            if kept is None or not kept.usable():
                kept = self._kept[name, jumps] = _Kept()
                threading.Thread(target=self._make, args=(kept, name, jumps), name=f"ssh {name}", daemon=True).start()
        while not kept.done.wait(min(0.2, session.patience())):
            if session.stopped():
                raise session.refused()
        if kept.connection is None:
            raise kept.error or NotSent(f"there is no connection to {name}", "try again")
        return kept.connection

    def _make(self, kept: _Kept, name: str, jumps: tuple[str, ...] | None) -> None:
        """Connect, in a thread of its own, so that a person who does not want to wait need not."""
        try:
            kept.connection = self._reach(name, jumps, ())
        except WorldError as error:
            kept.error = error
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was sent
            kept.error = NotSent(f"{name} cannot be reached: {type(error).__name__}: {error}"[:200])
        finally:
            kept.done.set()

    def _reach(self, name: str, jumps: tuple[str, ...] | None, path: tuple[str, ...]) -> Connection:
        """Connect to a machine, through its jump hosts (ssh_config(5), ProxyJump)."""
        with self._lock:
            self._configuration = self._configuration or Configuration(Path.home())
        to = self._configuration.destination(name)
        jumps = to.jumps if jumps is None else jumps
        via = self._jump(jumps[-1], jumps[:-1] or None, (*path, name)) if jumps else None
        connection = connect(to, self._keyring, via)
        with self._lock:
            self._made.append(connection)
            closed = self._closed
        if closed:
            connection.close()
        return connection

    def _jump(self, name: str, jumps: tuple[str, ...] | None, path: tuple[str, ...]) -> Connection:
        """The connection to a jump host, which others may use too.

        :param path: what is reached through it.
        """
        if name in path:
            raise NotSent(f"the way to {name} jumps through itself", "mend ProxyJump in the ssh configuration")
        with self._lock:
            kept = self._kept.get((name, jumps))
            mine = kept is None or not kept.usable()
            if kept is None or mine:
                kept = self._kept[name, jumps] = _Kept()
        if mine:
            try:
                kept.connection = self._reach(name, jumps, path)
            except WorldError as error:
                kept.error = error
            finally:
                kept.done.set()
        kept.done.wait(_LONGEST)
        if kept.connection is None:
            raise kept.error or NotSent(f"there is no connection to {name}", "try again")
        return kept.connection
