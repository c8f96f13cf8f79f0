"""A runbook from the texts of its files, as they were submitted."""

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from runbook.kinds.registry import KINDS
from runbook.language.included import Origin
from runbook.language.loading import load
from runbook.model.diagnostics import Refused, Severity
from runbook.model.runbook import Runbook


def runbook_of(files: Mapping[str, str]) -> Runbook:
    """The runbook of the first file.

    :raises Refused: if this version cannot read it.
    """
    return _loaded(tuple(files.items()))


@lru_cache(maxsize=64)
def _loaded(files: tuple[tuple[str, str], ...]) -> Runbook:
    with tempfile.TemporaryDirectory(prefix="runbook-files-") as directory:
        places = {name: Path(directory, f"{sha256(text.encode()).hexdigest()}.yaml") for name, text in files}
        for name, text in files:
            places[name].write_bytes(text.encode())
        nowhere = Path(directory, "none")
        first = files[0][0]
        find = Origin(name=first, find=lambda name: str(places.get(name, nowhere)))
        loaded = load(str(places[first]), KINDS, find)
    if loaded.runbook is None:
        raise Refused(*(each for each in loaded.diagnostics if each.severity is Severity.ERROR))
    return loaded.runbook
