"""Masking a stream of log lines in pieces of 64 KiB, against one `bytes.find` a value over the same bytes."""

import random

from _measure import interleaved, row
from runbook.audit.masking import Masker

PIECES = 200
ROUNDS = 7
LINE = "2026-11-21T09:00:00.123Z web-7 GET /api/v1/items?page=7 200 12ms id=4f1c0d9e-5b7a name=some-user@example.com\n"


def main() -> None:
    """Measure and print, for a few values and for as many as one secret has forms."""
    random_ = random.Random(20261121)  # noqa: S311 - made-up secrets
    piece = (LINE * 700).encode()[: 64 * 1024]
    for count in (3, 15):
        values = [random_.randbytes(20).hex().encode() for _ in range(count)]
        masker = Masker()
        for number, value in enumerate(values):
            masker.register(f"secret_{number}", value)

        def ours(masker: Masker = masker) -> None:
            stream = masker.stream()
            for _ in range(PIECES):
                stream.feed(piece)
            stream.flush()

        def limit(values: list[bytes] = values) -> None:
            for _ in range(PIECES):
                for value in values:
                    piece.find(value)

        took = interleaved({"ours": ours, "limit": limit}, ROUNDS)
        speed = {name: PIECES * len(piece) / 1e6 / seconds for name, seconds in took.items()}
        row(f"masking, {count} values", "MB/s, at least", ours=speed["ours"], bar=200, limit=speed["limit"])


if __name__ == "__main__":
    main()
