"""Which files a directory means: those below it that say what they are, in order, and nothing that is hidden."""

import os
from collections.abc import Iterator

SUFFIXES = (".yaml", ".yml")


def files_below(directory: str, keys: tuple[str, ...]) -> list[str]:
    """The YAML files below a directory with a line that begins with one of these; what cannot be read is among them.

    Directories and files whose name begins with a dot are passed over; so is a symbolic link to a directory.
    """
    return sorted(path for path in _yaml(directory) if _says(path, keys))


def says(path: str, key: str) -> bool:
    """Whether a file has a line that begins so; what cannot be read has none."""
    try:
        return _has(path, (key,))
    except OSError:
        return False


def _yaml(directory: str) -> Iterator[str]:
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.normpath(os.path.join(folder, name))  # noqa: PTH118 - pathlib is not for a single file
            if name.endswith(SUFFIXES) and not name.startswith(".") and os.path.isfile(path):  # noqa: PTH113
                yield path


def _says(path: str, keys: tuple[str, ...]) -> bool:
    try:
        return _has(path, keys)
    except OSError:
        return True  # whoever reads it says why it cannot be read


def _has(path: str, keys: tuple[str, ...]) -> bool:
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - the path is the user's word
        return any(line.startswith(keys) for line in file)
