"""What a worker says of signatures, by the file of allowed signers that it was started with, as it is at the time."""

from collections.abc import Callable
from pathlib import Path

from temporalio import activity

from runbook.audit.signatures import NotVerified, signers_here
from runbook.audit.signing import NotSigned
from runbook.drivers.checkpointing import signer_of
from runbook.drivers.notary import name_of, verified
from runbook.drivers.temporal import calls
from runbook.drivers.temporal.payloads import Named, Signed, SignedLog, Verified
from runbook.model.diagnostics import Refused


class Witnesses:
    """The activities about signatures of one worker.

    :param signers: the file.
    """

    def __init__(self, signers: Path) -> None:
        self._signers = signers

    def all(self) -> list[Callable[..., object]]:
        """Every one of them."""
        return [self.named, self.listed, self.verify, self.signer]

    @activity.defn(name=calls.NAMED)
    def named(self, operator: str, key: str) -> Named:
        """The name under which the key of an operator is listed."""
        try:
            return Named(name=name_of(self._signers, operator, key))
        except NotSigned as error:
            return Named(why=error.why, help=error.help)
        except Refused as refused:
            first = refused.diagnostics[0]
            return Named(why=f"{first.message} ({first.file})", help=first.help)

    @activity.defn(name=calls.LISTED)
    def listed(self, operator: str, key: str) -> Verified:
        """The same key, if it is listed under a name."""
        try:
            known = signers_here(self._signers)
        except Refused as refused:
            return Verified(why=refused.diagnostics[0].message, unusable=True)
        return Verified(key=key if known is not None and known.lists(operator, key) else "")

    @activity.defn(name=calls.SIGNER)
    def signer(self, asked: SignedLog) -> Named:
        """Under which name a signature of a log counts."""
        try:
            named = f"the key of {asked.operator}"
            signed = {"text": asked.text, "signature": asked.signature, "at": asked.at}
            return Named(name=signer_of(self._signers, asked.operator, named, **signed))
        except NotSigned as error:
            return Named(why=error.why, help=error.help)

    @activity.defn(name=calls.VERIFY)
    def verify(self, signed: Signed) -> Verified:
        """Whether a signature counts."""
        try:
            key = verified(
                self._signers,
                signed.text,
                signed.signature,
                person=signed.person,
                at=signed.at,
                others=signed.others,
            )
        except Refused as refused:
            return Verified(why=refused.diagnostics[0].message, unusable=True)
        except NotVerified as error:
            return Verified(why=str(error))
        return Verified(key=key)
