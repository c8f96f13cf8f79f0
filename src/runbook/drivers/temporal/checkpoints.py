"""Signs the log of a run that an engine walks: whoever answers does, with their own key.

Rules. At each pause and at the end who answered last is asked, and only where they have a key; they sign what they have
read in the store themselves. They are waited for no longer than a key is at hand. From time to time they sign without
being asked, and nobody waits: a run at which nobody sits goes on as ever. Where a key does not sign, the log says so
once, and the run goes on. What was signed of the end is kept once the log has that end, because nothing can be told
after it.
"""

import zlib

from runbook.audit.chain import line_of, parse_line
from runbook.drivers.journal import Journal
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.log import EngineLog
from runbook.drivers.temporal.notary import UNSIGNED
from runbook.drivers.temporal.payloads import Named, Reply, SignedLog
from runbook.drivers.temporal.remote import RemoteOperator
from runbook.drivers.temporal.replies import TooLate, body_of
from runbook.model.canonical import JsonObject
from runbook.model.checkpoint import CheckpointText
from runbook.walk import run_events as r
from runbook.walk.records import to_record
from runbook.walk.tables import RunPhase
from runbook.walk.walk import Walk

SECONDS = 10.0
"""How long a pause, or the end, waits for a signature: somebody at another machine may have to touch a key."""


class RemoteSealer:
    """Has the log of one run signed."""

    def __init__(self, journal: Journal, log: EngineLog, operator: RemoteOperator) -> None:
        self._journal = journal
        self._log = log
        self._operator = operator
        self._size = 0
        self._said = False

    def pause(self) -> None:
        """Have all signed that the run came to, and tell it."""
        if not self._operator.signs:
            return
        self._log.flush()
        text = CheckpointText(run=self._log.run, size=self._log.count, head=self._log.head)
        signed = self._signed(text, {})
        if signed is not None:
            self._tell(text, *signed)
        self._log.flush()

    def finish(self, finish: str) -> None:
        """Have the log signed with its end, and tell that it ends so."""
        if not self._operator.signs:
            self._journal.tell(r.RunFinished, finish=finish)
            return
        self._log.flush()
        end = self._journal.event(r.RunFinished, finish=finish)
        raw, head = line_of(
            seq=self._log.count,
            prev=self._log.head,
            ts=end.ts,
            mono=end.mono,
            type_=end.TYPE,
            fields=to_record(end),
        )
        text = CheckpointText(run=self._log.run, size=self._log.count + 1, head=head)
        signed = self._signed(text, {"end": raw.decode("ascii")})
        if signed is None:
            self._journal.tell(r.RunFinished, finish=finish)
            return
        self._journal.record(end)
        self._log.flush()
        calls.done(calls.CHECKPOINT, [self._log.run, text.size, str(text), signed[0]], str)

    def take(self, reply: Reply) -> None:
        """Take in what was signed, or why nothing was, of a log that has gone on since."""
        said = body_of(reply)
        if reply.says != "signed":
            self._counts(reply, "")
            return
        text = CheckpointText(run=self._log.run, size=_size(said), head=str(said.get("head")))
        if text.size <= self._size:
            return  # whoever answers at two places signs twice
        line = zlib.decompress(calls.done(calls.READ, [text.run, text.size - 1, text.size], bytes))
        if not line or parse_line(line[:-1]).h != text.head:
            self._warn("what was signed is not this log", "verify the log")
            return
        signed = self._counts(reply, str(text))
        if signed is not None:
            self._tell(text, *signed)

    def _tell(self, text: CheckpointText, signature: str, signer: str) -> None:
        """Keep a checkpoint, and tell that it was signed."""
        file = calls.done(calls.CHECKPOINT, [text.run, text.size, str(text), signature], str)
        self._size, self._said = text.size, False
        self._journal.tell(r.CheckpointSigned, size=text.size, head=text.head, file=file, signer=signer)

    def _signed(self, text: CheckpointText, body: JsonObject) -> tuple[str, str] | None:
        """The signature of a text, and whose it is; None, which is told, where there is none that counts."""
        reply = self._operator.sign(body, SECONDS)
        if reply is None:
            self._warn(f"nobody who answers signed within {SECONDS:.0f} s", "answer with --key FILE until it is over")
            return None
        return self._counts(reply, str(text))

    def _counts(self, reply: Reply, text: str) -> tuple[str, str] | None:
        """The signature of a text in a reply, and whose it is; None, which is told, where there is none that counts."""
        said = body_of(reply)
        if reply.says != "signed":
            self._warn(str(said.get("why") or "nothing was signed"), str(said.get("help") or "answer with --key FILE"))
            return None
        signature, operator = str(said.get("signature")), self._journal.walk.operator
        asked = SignedLog(text=text, signature=signature, operator=operator, at=self._journal.now())
        signed_by = calls.done(calls.SIGNER, [asked], Named)
        if signed_by.why:
            self._warn(signed_by.why, signed_by.help)
            return None
        return signature, signed_by.name

    def _warn(self, why: str, help_: str) -> None:
        """Tell that nothing was signed: once, until something is."""
        if not self._said:
            self._said = True
            self._journal.tell(r.Warned, text=f"the log is not signed: {why}; {help_}")


class Offered:
    """What whoever answers has signed in the middle of the run, until it can be told: when nothing is in flight."""

    def __init__(self, log: EngineLog) -> None:
        """Nothing is signed."""
        self._log = log
        self._sealer: RemoteSealer | None = None
        self._walk: Walk | None = None
        self._reply: Reply | None = None

    def attend(self, sealer: RemoteSealer, walk: Walk) -> RemoteSealer:
        """Know who tells it in a sitting."""
        self._sealer, self._walk = sealer, walk
        return sealer

    def look_at(self, reply: Reply) -> None:
        """Refuse what cannot be told.

        :raises ValueError: with one line for whoever gave it.
        """
        walk, size = self._walk, _size(body_of(reply))
        if walk is None or walk.phase is not RunPhase.GOING or self._reply is not None:
            raise TooLate("nothing can be signed now")
        if (reply.run, reply.by) != (self._log.run, walk.operator):
            raise ValueError("its operator signs the log")
        if reply.says != UNSIGNED and not (reply.says == "signed" and 0 < size <= self._log.count):
            raise ValueError("that is no signature of its log")

    def give(self, reply: Reply) -> None:
        """Take what was looked at."""
        self._reply = reply

    def fits_in(self) -> bool:
        """Whether there is something that can be told now."""
        return self._reply is not None and self._walk is not None and not self._walk.in_flight()

    def take(self) -> None:
        """Have it told, if it can be; of a run that is paused or over nothing is."""
        if self._reply is None or not self.fits_in():
            return
        reply, self._reply = self._reply, None
        if self._sealer is not None and self._walk is not None and self._walk.phase is RunPhase.GOING:
            self._sealer.take(reply)


def _size(said: JsonObject) -> int:
    """How many records were signed; 0 where that is not said."""
    size = said.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) else 0
