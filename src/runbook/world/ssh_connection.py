"""One connection to one machine by the built-in client: found, verified, logged in, and then kept.

Rules. A machine is believed only after its key was compared with what is known of it. Every stage ends by itself
within :data:`~runbook.world.ssh_config.PATIENCE` seconds. Whatever fails here fails before anything was sent.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from runbook.model.io import NotSent
from runbook.world.ssh_config import Destination
from runbook.world.ssh_keys import Keyring
from runbook.world.ssh_known_hosts import OPENSSH, Known, known
from runbook.world.ssh_wrapper import BOOTSTRAP, plain

if TYPE_CHECKING:
    from paramiko.channel import Channel
    from paramiko.transport import Transport

SESSIONS = 8
"""Programs at a time on one connection: sshd allows ten sessions by default, and stopping one takes another."""

_KEEPALIVE = 15  # seconds between signs of life, so that a firewall on the way forgets no connection
_SILENCE = 60  # seconds without an answer after which a connection is lost
_SOON = 2.0  # seconds in which a machine must have seen that a session has ended
_AGAIN = 0.05
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
_DIGESTS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
_RSA = ("rsa-sha2-512", "rsa-sha2-256")
_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", *_RSA)


class Closing(Exception):  # noqa: N818 - named for what happened
    """The other side takes no further session on this connection: it is closed, or it has enough."""


class _Stream(Protocol):
    """What a connection is made over: a socket, or a channel of a jump host."""

    def close(self) -> None:
        """Close it."""


class Connection:
    """A verified and logged-in connection."""

    def __init__(self, to: Destination, transport: "Transport", stream: _Stream) -> None:
        self.to = to
        self._transport = transport
        self._stream = stream
        self._sessions = threading.BoundedSemaphore(SESSIONS)
        self._silent = False

    def alive(self) -> bool:
        """Whether it was seen neither to end nor to say nothing when it was asked for something."""
        return self._transport.is_active() and not self._silent

    def enter(self, seconds: float) -> bool:
        """Take one of the places for a program; :meth:`leave` gives it back."""
        return self._sessions.acquire(timeout=max(0.0, seconds))

    def leave(self) -> None:
        """Give a place back."""
        self._sessions.release()

    def session(self, seconds: float, bell: Callable[[], None]) -> "Channel":
        """A session in which :data:`BOOTSTRAP` runs and waits for its input.

        :param seconds: how long that may take.
        :param bell: called, in another thread, when there is something to read or it is over.
        :raises Closing: if there is none to be had.
        """
        from paramiko.ssh_exception import SSHException

        began = time.monotonic()
        try:
            channel = self._transport.open_session(timeout=seconds)
        except (SSHException, EOFError, OSError) as error:
            self._silent = self._silent or time.monotonic() - began >= seconds
            raise Closing(str(error) or "the connection was closed") from error
        channel.in_buffer.set_event(_Bell(bell))  # type: ignore[arg-type] # of an event it calls set and clear
        channel.in_stderr_buffer.set_event(_Bell(bell))  # type: ignore[arg-type]
        watch = threading.Timer(seconds, channel.close)  # exec_command itself waits for ever
        watch.daemon = True
        watch.start()
        try:
            channel.exec_command(BOOTSTRAP)
        except (SSHException, EOFError, OSError) as error:
            channel.close()
            raise Closing(f"it runs no commands ({error})") from error
        finally:
            watch.cancel()
        return channel

    def ask(self, data: bytes, seconds: float) -> bytes:
        """What :data:`BOOTSTRAP` answers to an input, in a session of its own; what there is when the time is up."""
        until = time.monotonic() + seconds
        answer = b""
        with contextlib.suppress(Closing, OSError), contextlib.closing(self._session_soon(seconds)) as channel:
            channel.settimeout(seconds)
            channel.sendall(data)
            channel.shutdown_write()
            while (left := until - time.monotonic()) > 0:
                channel.settimeout(left)
                chunk = channel.recv(65536)
                if not chunk:
                    break
                answer += chunk
        return answer

    def _session_soon(self, seconds: float) -> "Channel":
        """A session, also where the machine has not yet seen that others have ended."""
        until = time.monotonic() + min(seconds, _SOON)
        while True:
            try:
                return self.session(seconds, lambda: None)
            except Closing:
                if not self.alive() or time.monotonic() >= until:
                    raise
            time.sleep(_AGAIN)

    def forward(self, host: str, port: int, seconds: float) -> "Channel":
        """A stream from the machine to another one.

        :raises NotSent: if there is no way.
        """
        from paramiko.ssh_exception import SSHException

        try:
            return self._transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=seconds)
        except (SSHException, EOFError, OSError) as error:
            raise NotSent(
                f"{self.to.alias} has no way to {host}, port {port}: {_line(error)}",
                f"try `ssh {self.to.alias}`, and from there the port",
            ) from error

    def close(self) -> None:
        """Close it; the thread that reads it ends by itself."""
        if isinstance(self._stream, socket.socket):
            with contextlib.suppress(OSError):
                self._stream.shutdown(socket.SHUT_RDWR)  # wakes the thread, which looks up ten times a second only
        self._transport.close()
        self._stream.close()


class _Bell:
    """What paramiko sets when there is something to read. It is never cleared: two streams share what it rings."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self.set = ring

    def clear(self) -> None:
        """Nothing."""

    def is_set(self) -> bool:
        """Nothing is kept."""
        return False


def connect(to: Destination, keyring: Keyring, via: Connection | None) -> Connection:
    """Connect to a machine, make sure that it is that one, and log in.

    :param via: the connection to the jump host, if there is one.
    :raises NotSent: with what to do.
    """
    logging.getLogger("paramiko").addHandler(_QUIET)
    keys = known(to.key_name, to.key_port, to.known_hosts)
    stream = via.forward(to.host, to.port, to.patience) if via else _dial(to)
    try:
        transport = _transport(stream, to, keys)
    except BaseException:
        stream.close()
        raise
    try:
        _shake_hands(transport, to)
        key = transport.get_remote_server_key()
        keys.verify(key.get_name(), key.asbytes())
        keyring.prove(transport, to)
        transport.set_keepalive(_KEEPALIVE)
    except BaseException:
        transport.close()
        stream.close()
        raise
    return Connection(to, transport, stream)


_QUIET = logging.NullHandler()  # what paramiko has to say is in its exceptions; Python would print it on the terminal


def _dial(to: Destination) -> socket.socket:
    try:
        stream = socket.create_connection((to.host, to.port), timeout=to.patience)
    except socket.gaierror as error:
        raise NotSent(
            f"the name {to.host} does not resolve: {error.strerror}", "look at `host`, and the DNS"
        ) from error
    except ConnectionRefusedError as error:
        raise NotSent(
            f"{to.host} refused the connection to port {to.port}", "look whether sshd runs there, and at the port"
        ) from error
    except TimeoutError as error:
        raise NotSent(
            f"{to.host} did not answer on port {to.port} within {to.patience} s",
            "look whether the machine is up, and at firewalls on the way",
        ) from error
    except (OSError, UnicodeError) as error:
        raise NotSent(
            f"{to.host} cannot be reached on port {to.port}: {_line(error)}", "look at the network"
        ) from error
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE * 1000)
    return stream


def _transport(stream: "socket.socket | Channel", to: Destination, keys: Known) -> "Transport":
    from runbook.world.ssh_transport import OrderlyTransport

    transport = OrderlyTransport(stream)
    transport.banner_timeout = transport.handshake_timeout = to.patience
    options = transport.get_security_options()
    options.ciphers, options.digests = _CIPHERS, _DIGESTS
    first = [
        name for type_ in keys.types() for name in _KEYS if name == type_ or (type_ == "ssh-rsa" and "rsa" in name)
    ]
    options.key_types = (*first, *(name for name in _KEYS if name not in first))
    return transport


def _shake_hands(transport: "Transport", to: Destination) -> None:
    from paramiko.ssh_exception import IncompatiblePeer

    done = threading.Event()
    transport.start_client(done)
    until = time.monotonic() + to.patience
    while not done.wait(0.1) and transport.is_active() and time.monotonic() < until:
        pass
    if done.is_set() and transport.is_active():
        return
    error = transport.get_exception()
    if isinstance(error, IncompatiblePeer):
        raise NotSent(f"{to.alias} and the built-in client have no algorithm in common: {_line(error)}", OPENSSH)
    why = _line(error) if error else f"nothing within {to.patience} s" if transport.is_active() else "it closed"
    raise NotSent(
        f"what answers for {to.alias} on port {to.port} speaks no SSH: {why}", "look at the port, and at sshd"
    )


def _line(error: Exception) -> str:
    """What an error says, in a line."""
    return " ".join(plain(str(error)).split())[:200] or type(error).__name__
