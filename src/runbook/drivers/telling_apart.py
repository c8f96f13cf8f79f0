"""Output of one attempt among several that print side by side: in whole lines that say whose they are."""


class Apart:
    """The output of the attempt at an address."""

    def __init__(self, address: str) -> None:
        self._name = address.encode()
        self._begun: dict[str, bytes] = {}

    def take(self, stream: str, chunk: bytes, *, several: bool, last: bool = False) -> bytes:
        """What is to be shown after a piece; alone it is the piece itself.

        :param several: whether others are under way too; once they were, the stream goes on in whole lines.
        :param last: nothing more comes of the stream, so a line that has begun is one.
        """
        if not several and stream not in self._begun:
            return chunk
        lines, _, rest = (self._begun.get(stream, b"") + chunk).rpartition(b"\n")
        lines, rest = (lines + b"\n" + rest, b"") if last and rest else (lines, rest)
        self._begun[stream] = rest
        return b"".join(b"%s: %s\n" % (self._name, line) for line in lines.split(b"\n") if lines)
