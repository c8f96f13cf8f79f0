"""Where the store of this user is unless somebody says otherwise, and what a new run in it is called."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from runbook.audit import footing

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


def state_dir(flag: str | None, environ: Mapping[str, str]) -> Path:
    """Where the store is: ``--state-dir``, ``$RUNBOOK_STATE_DIR``, ``$XDG_STATE_HOME/runbook``, or its place at home.

    At home it is ``~/.local/state/runbook``. A relative ``XDG_STATE_HOME`` is passed over (XDG Base Directory
    Specification, "Environment variables").

    :raises Refused: if none of these says anything and there is no home.
    """
    if chosen := flag or environ.get("RUNBOOK_STATE_DIR"):
        return Path(chosen).absolute()
    if (base := environ.get("XDG_STATE_HOME", "")).startswith("/"):
        return Path(base) / "runbook"
    try:
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError:
        raise footing.refusal(
            footing.UNUSABLE, "there is no home for a state directory", None, footing.ANOTHER
        ) from None
    return home / ".local" / "state" / "runbook"


def new_run_id(runbook: str, at: datetime) -> str:
    """An id for a new run, such as ``20261121-0312-app_not_loading-x7k2``: sorted by name they are sorted by time.

    :param at: when it begins, in UTC.
    """
    return f"{at:%Y%m%d-%H%M}-{runbook[:45]}-{''.join(secrets.choice(_ALPHABET) for _ in range(4))}"
