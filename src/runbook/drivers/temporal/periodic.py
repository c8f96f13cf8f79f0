"""Signs from time to time the log of a run that an engine walks, at whoever answers for it; nobody asks for that.

Rules. It is time for it as it is for a walk at hand, by the time that the log tells and what has passed since its last
record was read. The key signs in the background; what came of it, or why nothing did, goes to the engine as it comes.
"""

import time

from runbook.audit.signing import NotSigned, Signing, late
from runbook.drivers.checkpointing import EVERY_MS, EVERY_RECORDS, PATIENCE
from runbook.drivers.notary import Credentials, own_key
from runbook.drivers.temporal.vouching import Said, unsigned
from runbook.model.checkpoint import NAMESPACE, CheckpointText
from runbook.walk import run_events as r

_TELLS_OF_IT = 1
"""How many records follow a checkpoint where nothing else has happened."""


class Periodic:
    """Signs one run; its events are told from the first on."""

    def __init__(self, run: str, credentials: Credentials) -> None:
        """Sign nothing yet."""
        self._run = run
        self._credentials = credentials
        self._size = self._mono = self._last = 0
        self._read = time.monotonic()
        self._paused = self._taken_over = False
        self._begun: tuple[CheckpointText, Signing] | None = None

    def tell(self, event: r.Event) -> None:
        """Know how far it is signed."""
        self._last, self._read = event.mono, time.monotonic()
        match event:
            case r.CheckpointSigned():
                self._tried(event.size)
            case r.RunPaused():
                self._paused = True
            case r.RunResumed():
                self._paused = False
            case r.RunHandedOver() if not self._paused:  # else who left has signed at the pause
                self._taken_over = True
            case _:
                pass

    def look(self, size: int, head: str) -> Said | None:
        """Begin to sign where it is time to, and hand out what came of that.

        :param size: how many records were read; ``head`` is the hash of the last.
        """
        try:
            if self._begun is not None:
                return self._made(*self._begun)
            if self._due(size):
                self._tried(size)
                key = own_key(self._credentials, "answer")
                text = CheckpointText(run=self._run, size=size, head=head)
                self._begun = (text, Signing(str(text), key, NAMESPACE))
        except NotSigned as error:
            self.close()
            return unsigned(error)
        return None

    def close(self) -> None:
        """Wait for no signature any more."""
        if self._begun is not None:
            self._begun[1].close()
            self._begun = None

    def _due(self, size: int) -> bool:
        new = size - self._size
        late = self._now() - self._mono >= EVERY_MS
        return new > _TELLS_OF_IT and (late or new >= EVERY_RECORDS or self._taken_over)

    def _now(self) -> int:
        return self._last + int((time.monotonic() - self._read) * 1_000)

    def _tried(self, size: int) -> None:
        self._size, self._mono, self._taken_over = size, self._now(), False

    def _made(self, text: CheckpointText, signing: Signing) -> Said | None:
        signature = signing.wait(0)
        if signature is not None:
            self.close()
            return "signed", {"size": text.size, "head": text.head, "signature": signature}
        if signing.seconds >= PATIENCE:
            raise late(PATIENCE)
        return None
