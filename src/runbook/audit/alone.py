"""One process at a time in what the runs of a store share: the record of starts, and the locks of runbooks.

The lock is an flock(2) on the file ``lock`` in the store. It is held for as long as something is looked at and written
there, which takes milliseconds; so whoever comes second waits, and does not wait for ever.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runbook.audit.plain_file import shared_file

_PATIENCE = 10.0
"""Seconds after which somebody who still holds it is taken for stopped."""


@contextmanager
def alone(root: Path, patience: float = _PATIENCE) -> Iterator[None]:
    """Be the only one that writes to what the runs of a store share.

    :param root: the store's directory.
    :param patience: seconds to wait for others.
    :raises OSError: if that cannot be, or others do not let go in time.
    """
    until = time.monotonic() + patience
    with shared_file(root / "lock", os.O_RDWR) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise OSError(0, "another process does not let go of the store") from None
                time.sleep(0.005)  # flock(2) has no time-out
            else:
                break
        yield
