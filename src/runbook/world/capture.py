"""Keeps the head and the tail of a stream of bytes in flat memory, and reads them as text."""

import codecs

KEPT = 512 * 1024
"""Bytes that are kept of the head of a stream, and as many of its tail."""


class Capture:
    """What is kept of a stream: its head, its tail, and how many bytes between them were dropped."""

    __slots__ = ("_head", "_tail", "dropped")

    def __init__(self) -> None:
        """Begin with a stream of which nothing has come yet."""
        self._head = bytearray()
        self._tail = bytearray()
        self.dropped = 0

    def take(self, chunk: bytes) -> None:
        """Take the next bytes."""
        room = KEPT - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        if len(self._tail) > 2 * KEPT:
            self._drop(len(self._tail) - KEPT)

    def text(self) -> tuple[str, bool]:
        """The text, with a line in it where bytes are missing, and whether bytes that are no UTF-8 were replaced."""
        if not self.dropped and len(self._tail) <= KEPT:
            return _decoded(bytes(self._head + self._tail), final=True)
        self._drop(max(0, len(self._tail) - KEPT))
        while self._tail[0] & 0xC0 == 0x80 and len(self._tail) > KEPT - 3:  # the rest of a character that was cut
            self._drop(1)
        head, replaced = _decoded(bytes(self._head), final=False)
        tail, also = _decoded(bytes(self._tail), final=True)
        return f"{head}\n[{self.dropped} bytes are left out here]\n{tail}", replaced or also

    def _drop(self, count: int) -> None:
        self.dropped += count
        del self._tail[:count]


def _decoded(data: bytes, *, final: bool) -> tuple[str, bool]:
    """A text and whether something in it was replaced; a character cut at the end counts only in a final piece."""
    if data.isascii():
        return data.decode("ascii"), False
    try:
        return codecs.getincrementaldecoder("utf-8")("strict").decode(data, final), False
    except UnicodeDecodeError:
        return codecs.getincrementaldecoder("utf-8")("replace").decode(data, final), True
