"""Output that is held back until it is known what in it is secret."""

HELD = 4 * 1024 * 1024
"""Bytes that are held back at most of what may hold a secret; each piece counts for :data:`PIECE` more."""
PIECE = 128
OVERFLOWED = "`save_secret`: more was printed than can be held back until the secret is known; print less"
"""What is wrong where more would have to be held back."""


class Held:
    """The output of one attempt; of too much of it nothing is there any more."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, bytes]] = []
        self._size = 0

    @property
    def overflowed(self) -> bool:
        """Whether it was too much."""
        return self._size > HELD

    def take(self, stream: str, chunk: bytes) -> None:
        """Hold back a piece."""
        self._size += len(chunk) + PIECE
        if self.overflowed:
            self._pieces.clear()
        else:
            self._pieces.append((stream, chunk))

    def pieces(self) -> list[tuple[str, bytes]]:
        """What was held back: the stream and the bytes of each piece, in order."""
        return self._pieces
