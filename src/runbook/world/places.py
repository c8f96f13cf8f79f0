"""Where a path of a runbook leads: from the working directory of the run, or from a home (``~``)."""

from contextlib import suppress
from pathlib import Path


def placed(directory: str, path: str) -> Path:
    """A path as it is meant: absolute, from a home, or from the working directory."""
    with suppress(RuntimeError):  # there is no such user: it is a name like any other
        return Path(directory, Path(path).expanduser())
    return Path(directory, path)
