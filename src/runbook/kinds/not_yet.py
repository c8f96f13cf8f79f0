"""What a kind does that this version checks and cannot walk: nothing, and it says so."""

from runbook.model.canonical import JsonObject
from runbook.model.io import Io, NotSent
from runbook.model.kind import Automated


class NotYet(Automated):
    """A kind whose steps are refused before a walk; should one be performed all the same, nothing happens."""

    def perform(self, io: Io) -> JsonObject:
        """Refuse."""
        del io
        raise NotSent(f"this version cannot walk a `{self.NAME}` step yet", "do it in a `manual` step")
