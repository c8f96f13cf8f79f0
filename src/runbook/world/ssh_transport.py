"""The built-in client's transport, which says nothing more about a session that it has closed.

paramiko hands a message over after it has let go of the lock of the session. So when a program ends while it is being
fed, the close of its session can overtake its last data. sshd takes data for a session that it does not have any more
for a broken protocol, and ends the connection with every other program on it (RFC 4254, section 5.3).
"""

from typing import TYPE_CHECKING

from paramiko.common import cMSG_CHANNEL_CLOSE, cMSG_CHANNEL_DATA, cMSG_CHANNEL_EOF
from paramiko.transport import Transport

if TYPE_CHECKING:
    from paramiko.channel import Channel
    from paramiko.message import Message

_FEEDING = (cMSG_CHANNEL_DATA, cMSG_CHANNEL_EOF)


class OrderlyTransport(Transport):
    """A transport of which several threads use sessions."""

    _closed: frozenset[bytes] = frozenset()
    """The numbers of the sessions that are closed, as they stand in messages."""

    def open_channel(self, *args: object, **options: object) -> "Channel":
        """Open a session; its number may be that of one that was closed."""
        channel = super().open_channel(*args, **options)  # type: ignore[arg-type] # they are passed on as they came
        self._closed -= {channel.remote_chanid.to_bytes(4, "big")}
        return channel

    def _send_message(self, data: "Message") -> None:
        """Send a message, unless it comes too late; one thread at a time is here for those about sessions."""
        text = data.asbytes()
        kind, number = text[:1], text[1:5]
        if kind in _FEEDING and number in self._closed:
            return
        if kind == cMSG_CHANNEL_CLOSE:
            self._closed |= {number}
        super()._send_message(data)  # type: ignore[misc] # the stubs leave it out
