"""The signatures in a log, verified with what the verifier holds for true: whose keys are whose.

A walk can be legal and its approvals forged: whoever writes a log can write any name into it. Only the allowed signers
of whoever judges it, at the time of the record, say whether that person signed that text.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from runbook.audit.checkpoints import Checkpoints
from runbook.audit.record import Record
from runbook.audit.signatures import NotVerified, Signers
from runbook.audit.store import RunDir
from runbook.audit.verdict import Finding, Status, Verdict
from runbook.drivers.simulated_approvals import SIMULATED
from runbook.model.approval import NAMESPACE, parse
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span
from runbook.model.runbook import Mode

WRONG_SIGNATURE = Code(
    number="RB561",
    title="signature that does not count",
    why="An approval, or the request for one, is not signed by the person whom the log names: the text or the "
    "signature was altered, the key is another one, is not listed under that name, had expired or was revoked. That "
    "somebody has a valid signature with some key proves nothing.",
)
NOT_ESTABLISHED = Code(
    number="RB562",
    title="signature that nobody could judge",
    why="The log holds signed approvals, and there are no allowed signers here that say whose key is whose. That the "
    "walk was legal holds only if those persons approved it.",
    severity=Severity.WARNING,
)


_LOOKED_AT = frozenset({"run.started", "run.handed_over", "approval.requested", "approval.given", "step.started"})


class Witness:
    """Looks at the signatures of one log: the approvals in it, and the checkpoints beside it.

    :param log: the log.
    :param signers: the allowed signers, asked for when the first signature is there; None: there are none here.
    """

    def __init__(self, log: Path, signers: Callable[[], Signers | None]) -> None:
        self._file = str(log)
        self._ask = signers
        self.checkpoints = Checkpoints(self._file, RunDir(log.parent).checkpoints, self._allowed)
        self._told: list[tuple[int, Record]] = []
        self._asked = False
        self._signers: Signers | None = None
        self._run = self._mode = self._operator = ""
        self._asked_for: set[str] = set()
        self._keys: dict[str, list[tuple[str, str]]] = {}
        self._by: dict[str, str] = {}
        self._unknown = 0
        self._found: list[Finding] = []

    def tell(self, line: int, record: Record) -> None:
        """Take note of the record of a line (from 1)."""
        self.checkpoints.tell(line, record)
        if record.type in _LOOKED_AT:
            step = str(record.fields.get("step"))
            if record.type == "approval.requested":
                self._asked_for.add(step)
            if record.type != "step.started" or step in self._asked_for:
                self._told.append((line, record))

    def look(self, verdict: Verdict, anchored: int) -> Verdict:
        """The verdict on a log, with what is wrong with the signatures, and what nobody could say.

        :param verdict: on the chain. ``anchored`` is how many records an anchor covers.
        :raises Refused: if there are allowed signers that cannot be used.
        """
        found = [*self._approvals(), *self.checkpoints.findings(verdict)]
        return self.checkpoints.over(verdict, anchored).adding(found)

    def _allowed(self) -> Signers | None:
        if not self._asked:
            self._asked, self._signers = True, self._ask()
        return self._signers

    def _approvals(self) -> Sequence[Finding]:
        for line, record in self._told:
            match record.type:
                case "run.started":
                    self._run, self._mode, self._operator = (
                        str(record.fields.get(name)) for name in ("run", "mode", "operator")
                    )
                case "run.handed_over":
                    self._operator = str(record.fields.get("to"))
                case "step.started":
                    self._used(line, str(record.fields.get("step")))
                case "approval.requested":
                    self._by[str(record.fields.get("request"))] = str(record.fields.get("by"))
                    self._keys[str(record.fields.get("step"))] = []
                    self._look(line, record, "by")
                case _:
                    self._look(line, record, "approver")
        self._told.clear()
        if not self._unknown:
            return self._found
        diagnostic = Diagnostic(
            code=NOT_ESTABLISHED,
            message=f"{self._unknown} signatures of approvals could not be judged: no allowed signers are here",
            file=self._file,
            help="name them: --allowed-signers FILE",
        )
        return [*self._found, Finding(status=Status.VALID, strict=Status.SIGNATURE, diagnostic=diagnostic)]

    def _look(self, line: int, record: Record, who: str) -> None:
        person, key, text, signature = (str(record.fields.get(name)) for name in (who, "key", "text", "signature"))
        if self._mode == Mode.DRILL.value:
            if signature or key != SIMULATED + person:
                self._wrong(line, f"the approval of `{person}` is no simulated one, and the run is a drill")
            return
        if not signature or key.startswith(SIMULATED):
            self._wrong(line, f"`{person}` has signed nothing")
            return
        if (run := _run_of(text)) not in {self._run, None}:
            self._wrong(line, f"what `{person}` signed is of the run `{run}`, and was copied in", Status.TAMPERED)
            return
        signers = self._allowed()
        if signers is None:
            self._unknown += 1
            return
        try:
            signed = signers.verify(text, signature, person, NAMESPACE, record.ts)
        except NotVerified as error:
            if error.unknown:
                self._unknown += 1
            else:
                self._wrong(line, f"the signature of `{person}` does not count: {error}")
            return
        asked = self._by.get(str(record.fields.get("request")), "")
        if signed != key:
            self._wrong(line, f"`{person}` signed with {signed}, and the record says {key}")
        elif who == "approver" and asked and signers.lists(asked, signed):
            self._wrong(line, f"`{person}` approved with a key of `{asked}`, who asked")
        elif who == "approver":
            self._keys.setdefault(str(record.fields.get("step")), []).append((person, signed))

    def _used(self, line: int, step: str) -> None:
        """A step starts on its approvals: none of their keys is one of who walks now."""
        signers = self._signers
        for person, key in self._keys.pop(step, []):
            if signers is not None and signers.lists(self._operator, key):
                self._wrong(
                    line, f"it starts with the approval of `{person}`, by a key of `{self._operator}`, who walks"
                )

    def _wrong(self, line: int, message: str, status: Status = Status.SIGNATURE) -> None:
        diagnostic = Diagnostic(
            code=WRONG_SIGNATURE,
            message=message,
            file=self._file,
            span=Span(line, 1, line, 2),
            help="ask that person; until then nobody has approved it",
        )
        self._found.append(Finding(status=status, line=line, diagnostic=diagnostic))


def _run_of(text: str) -> str | None:
    """The run that an approval is of; None where the text is none."""
    try:
        return parse(text).run
    except ValueError:
        return None
