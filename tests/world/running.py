"""What the tests of running programs share."""

import sys
from collections.abc import Callable

import pytest

from runbook.model.io import ProcessResult, WorldError

Run = Callable[..., ProcessResult]
Living = Callable[[str], list[int]]
Python = Callable[..., str]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc; run it on Linux")


def failure(run: Run, *argv: str, **options: object) -> WorldError:
    """How running a program fails."""
    with pytest.raises(WorldError) as caught:
        run(*argv, **options)
    return caught.value
