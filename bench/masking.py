"""Masking a stream of log lines in pieces of 64 KiB, all forms of the values and all rules, against `bytes.find`.

The limit is one `bytes.find` for each of 15 texts over the same bytes, which is what the bar was set by. A secret of
letters and digits has some 30 forms, one with every odd character more than 130.

The bar, 200 MB/s, was set where the limit is 540 MB/s: 0.37 of it. On a machine that does other things as well both
fall alike, so look at their ratio there: under a load of 5 on two cores it was 0.5 to 0.6 with secrets (102 to 154
MB/s, limit 204 to 254), and 0.7 without.
"""

import random

from _measure import interleaved, row
from runbook.audit.masking import Masker

PIECES = 200
ROUNDS = 7
ODD = b"p@ss'w0rd\"/+ <&$x\\y%z"
LINE = "2026-11-21T09:00:00.123Z web-7 GET /api/v1/items?page=7 200 12ms id=4f1c0d9e-5b7a name=some-user@example.com\n"


def main() -> None:
    """Measure and print, for the forms of no secret, of one, and of many."""
    random_ = random.Random(20261121)  # noqa: S311 - made-up secrets
    piece = (LINE * 700).encode()[: 64 * 1024]
    plain = [random_.randbytes(20).hex().encode() for _ in range(15)]
    for named, values in (
        ("no secret", []),
        ("1 plain secret", plain[:1]),
        ("1 odd secret", [ODD]),
        ("15 secrets", plain),
    ):
        masker = Masker()
        for number, value in enumerate(values):
            masker.register(f"secret_{number}", value)

        def ours(masker: Masker = masker) -> None:
            stream = masker.stream()
            for _ in range(PIECES):
                stream.feed(piece)
            stream.flush()

        def limit() -> None:
            for _ in range(PIECES):
                for value in plain:
                    piece.find(value)

        took = interleaved({"ours": ours, "limit": limit}, ROUNDS)
        speed = {name: PIECES * len(piece) / 1e6 / seconds for name, seconds in took.items()}
        row(f"masking, {named} in all forms", "MB/s, at least", ours=speed["ours"], bar=200, limit=speed["limit"])


if __name__ == "__main__":
    main()
