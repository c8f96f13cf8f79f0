"""Signs the log of a run that an engine walks: whoever answers does, with their own key, at each pause and at the end.

Rules. Only who answered last is asked, and only where they have a key; they sign what they have read in the store
themselves. They are waited for no longer than a key is at hand. Where nobody signs, the log says so, and the run goes
on. What was signed of the end is kept once the log has that end, because nothing can be told after it.
"""

from runbook.audit.chain import line_of
from runbook.drivers.journal import Journal
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.log import EngineLog
from runbook.drivers.temporal.payloads import LogSigner, SignedLog
from runbook.drivers.temporal.remote import RemoteOperator
from runbook.drivers.temporal.replies import body_of
from runbook.model.canonical import JsonObject
from runbook.model.checkpoint import CheckpointText
from runbook.walk import run_events as r
from runbook.walk.records import to_record

SECONDS = 10.0
"""How long a pause, or the end, waits for a signature: somebody at another machine may have to touch a key."""


class RemoteSealer:
    """Has the log of one run signed."""

    def __init__(self, journal: Journal, log: EngineLog, operator: RemoteOperator) -> None:
        self._journal = journal
        self._log = log
        self._operator = operator

    def pause(self) -> None:
        """Have all signed that the run came to, and tell it."""
        if not self._operator.signs:
            return
        self._log.flush()
        text = CheckpointText(run=self._log.run, size=self._log.count, head=self._log.head)
        signed = self._signed(text, {})
        if signed is not None:
            signature, signer = signed
            file = calls.done(calls.CHECKPOINT, [self._log.run, text.size, str(text), signature], str)
            self._journal.tell(r.CheckpointSigned, size=text.size, head=text.head, file=file, signer=signer)
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

    def _signed(self, text: CheckpointText, body: JsonObject) -> tuple[str, str] | None:
        """The signature of a text, and whose it is; None, which is told, where there is none that counts."""
        reply = self._operator.sign(body, SECONDS)
        if reply is None:
            self._warn(f"nobody who answers signed within {SECONDS:.0f} s", "answer with --key FILE until it is over")
            return None
        said = body_of(reply)
        if reply.says != "signed":
            self._warn(str(said.get("why") or "nothing was signed"), str(said.get("help") or "answer with --key FILE"))
            return None
        signature, operator = str(said.get("signature")), self._journal.walk.operator
        asked = SignedLog(text=str(text), signature=signature, operator=operator, at=self._journal.now())
        signed_by = calls.done(calls.SIGNER, [asked], LogSigner)
        if signed_by.why:
            self._warn(signed_by.why, signed_by.help)
            return None
        return signature, signed_by.signer

    def _warn(self, why: str, help_: str) -> None:
        self._journal.tell(r.Warned, text=f"the log is not signed: {why}; {help_}")
