"""The time limit of an attempt, the same in every world."""

from runbook.model.io import Performs
from runbook.model.kind import Traits


def limit_of(kind: Performs, timeout: int | None) -> int | None:
    """The milliseconds that an attempt may take: what the step says, else what its kind says, else None."""
    traits = getattr(kind, "TRAITS", None)
    return traits.timeout if timeout is None and isinstance(traits, Traits) else timeout
