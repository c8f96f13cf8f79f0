"""Who signs and who verifies for a run that an engine walks: its operator where they answer, and the workers.

The text is made by the walk, and signed by whoever answers, whose key stays where it is. Whether a signature counts is
for a worker that walks runs to say, by the file of allowed signers that it was started with.
"""

from collections.abc import Callable, Sequence

from temporalio import workflow

from runbook.audit.signatures import NO_SIGNERS, NotVerified
from runbook.audit.signing import NotSigned
from runbook.drivers.notary import Signer
from runbook.drivers.operator import Hand, Place
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.payloads import Named, Signed, Verified
from runbook.drivers.temporal.remote import RemoteOperator
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Diagnostic, Refused

SIGNERS = "the allowed signers of the workers that walk runs"
UNSIGNED = "unsigned"
"""What is said where nothing could be signed: ``why``, and what would help."""


class RemoteNotary:
    """The notary of one run.

    :param who: who walks now.
    """

    def __init__(self, run: str, operator: RemoteOperator, who: Callable[[], str]) -> None:
        self._run = run
        self._operator = operator
        self._who = who

    @property
    def signers(self) -> str:
        """Where whose key is whose stands."""
        return SIGNERS

    def number(self) -> str:
        """A number by the chance of the engine."""
        return workflow.uuid4().hex

    def signer(self, place: Place) -> Signer | Hand:
        """Ask whoever answers for their key, and a worker for the name that it is listed under."""
        reply = self._operator.put("sign", place, {}, "key", UNSIGNED)
        if not isinstance(reply, tuple):
            return reply
        key = str(_said(*reply).get("key"))
        named = calls.done(calls.NAMED, [self._who(), key], Named)
        if named.why:
            raise NotSigned(named.why, named.help)
        return Signer(name=named.name, key=key)

    def sign(self, place: Place, text: str) -> str | Hand:
        """Have whoever answers sign a text."""
        reply = self._operator.put("signature", place, {"text": text}, "signed", UNSIGNED)
        return str(_said(*reply).get("signature")) if isinstance(reply, tuple) else reply

    def verify(self, text: str, signature: str, person: str, at: str, others: Sequence[str] = ()) -> str:
        """Have a worker verify."""
        signed = Signed(text=text, signature=signature, person=person, at=at, others=others)
        verified = _usable(calls.done(calls.VERIFY, [signed], Verified))
        if verified.why:
            raise NotVerified(verified.why)
        return verified.key

    def keep(self, number: str, text: str) -> None:
        """Have it kept in the store."""
        calls.done(calls.REQUEST, [self._run, number, text], bool)

    def kept(self, number: str) -> tuple[str, str]:
        """Its number: whoever answers reads the rest in the store."""
        return number, ""


def lists(operator: str, key: str) -> bool:
    """Whether a key is listed under a name at the workers that walk runs.

    :raises Refused: if their allowed signers cannot be used.
    """
    return bool(_usable(calls.done(calls.LISTED, [operator, key], Verified)).key)


def _said(says: str, body: JsonObject) -> JsonObject:
    """What was answered.

    :raises NotSigned: if it says why nothing was signed.
    """
    if says == UNSIGNED:
        raise NotSigned(str(body.get("why") or "nothing was signed"), str(body.get("help") or "answer with --key FILE"))
    return body


def _usable(verified: Verified) -> Verified:
    """What a worker says of a signature.

    :raises Refused: if its allowed signers cannot be used.
    """
    if verified.unusable:
        raise Refused(Diagnostic(code=NO_SIGNERS, message=verified.why, file=SIGNERS, help="mend it there"))
    return verified
