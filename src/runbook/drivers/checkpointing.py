"""Signing the log while it is walked: at each pause, at a hand-over, from time to time, and at the end.

Rules. Whether the key will count is looked at when a sitting begins, and told while it can still be mended. A key is
never waited for in the middle of a walk: from time to time it signs in the background, and what came of that is told
when nothing is in flight. At a pause and at the end it has five seconds. Where it does not sign, the log says so once
and the run goes on, unsigned; nor does a key sign what would count for nobody. A checkpoint covers what is on disk, and
nothing else.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from runbook.audit.chained import Chained
from runbook.audit.checkpoints import keep
from runbook.audit.signatures import NotVerified, Signers, read_signers
from runbook.audit.signing import NotSigned, Signing, fingerprint, key_of, late
from runbook.audit.store import RunDir
from runbook.drivers.journal import Journal
from runbook.model.checkpoint import NAMESPACE, CheckpointText
from runbook.model.diagnostics import Refused
from runbook.walk import run_events as r
from runbook.walk.records import to_record

SECONDS = 5.0
"""How long a pause, or the end of a run, waits for a signature: somebody may have to touch a key."""
QUIET = 0.3
"""Seconds after which it is said what is waited for."""
AT_FIRST = 1.0
"""Seconds that the look at the key may take when a sitting begins."""
PATIENCE = 60.0
"""Seconds within which a key signs in the background."""
EVERY_MS, EVERY_RECORDS = 900_000, 5_000
"""After so many milliseconds, or records, a run is signed again; whoever verifies has some 10 ms to spend on each."""


class Sealer(Protocol):
    """What signs the log of a session."""

    def pause(self) -> None:
        """The run is paused, and that is on disk."""

    def finish(self, finish: str) -> None:
        """Tell that the run ends so, and make it durable."""


class Unsealed:
    """Signs nothing."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def pause(self) -> None:
        """Nothing is to be done."""

    def finish(self, finish: str) -> None:
        """Tell that the run ends so."""
        self._journal.tell(r.RunFinished, finish=finish)
        self._journal.sync()


class Checkpointing:
    """Signs the log of a live session.

    :param key: the operator's key.
    :param signers: the file of allowed signers here, which says under which name the key is listed.
    :param announce: says something to whoever sits here, which is not on record.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        run: RunDir,
        log: Chained,
        key: Path,
        signers: Path,
        announce: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._run = run
        self._log = log
        self._key = key
        self._signers = signers
        self._announce = announce
        self._signed = (log.count, journal.mono(), journal.walk.operator)
        self._begun: tuple[CheckpointText, Signing] | None = None
        self._looked = False
        self._said = False

    def idle(self) -> None:
        """Sign in the background if it is time to, and tell what was signed; nothing is waited for."""
        if self._walk.in_flight() or self._walk.finish is not None:
            return
        if not self._looked and self._walk.started is not None:
            self._looked = True
            self._foresee()
        if self._begun is not None:
            self._collect(*self._begun)
        elif self._due():
            self._begin()

    def pause(self) -> None:
        """Sign all that the run came to, and tell it."""
        text = CheckpointText(run=self._run.id, size=self._log.count, head=self._log.head)
        signed = self._wait(text)
        if signed is not None:
            self._tell(text, *signed)
        self._journal.sync()

    def finish(self, finish: str) -> None:
        """Sign the log with its end, and tell that it ends so.

        Nothing follows the end, not even that it was not signed. So the key signs what the log will be, and what it has
        signed is kept once the log is that; where it does not sign, the log says so before it ends.
        """
        self._journal.sync()
        end = self._journal.event(r.RunFinished, finish=finish)
        head = self._log.head_after(end.TYPE, to_record(end), ts=end.ts, mono=end.mono)
        text = CheckpointText(run=self._run.id, size=self._log.count + 1, head=head)
        signed = self._wait(text)
        if signed is None:
            self._journal.tell(r.RunFinished, finish=finish)
        else:
            self._journal.record(end)
        self._journal.sync()
        if signed is not None:
            try:
                keep(self._run, text, signed[0])
            except OSError as error:
                self._announce(f"the last checkpoint cannot be kept: {_why(error)}; the end of the run is unsigned")

    def close(self) -> None:
        """Wait for no signature any more."""
        if self._begun is not None:
            self._begun[1].close()
            self._begun = None

    def _due(self) -> bool:
        count, mono, operator = self._signed
        if self._walk.started is None:
            return False
        if not count:
            self._signed = (self._log.count, 0, self._walk.operator)  # the run has only begun
            return False
        late = self._journal.mono() - mono >= EVERY_MS
        return late or self._log.count - count >= EVERY_RECORDS or self._walk.operator != operator

    def _begin(self) -> None:
        self._journal.sync()
        text = CheckpointText(run=self._run.id, size=self._log.count, head=self._log.head)
        self._signed = (text.size, self._journal.mono(), self._walk.operator)
        try:
            self._begun = (text, Signing(str(text), self._key, NAMESPACE))
        except NotSigned as error:
            self._warn(error)

    def _collect(self, text: CheckpointText, signing: Signing) -> None:
        try:
            signature = signing.wait(0)
            if signature is not None:
                self._tell(text, signature, self._signer(text, signature))
            elif signing.seconds < PATIENCE:
                return
            else:
                self._warn(late(PATIENCE))
        except NotSigned as error:
            self._warn(error)
        self.close()
        self._journal.sync()

    def _wait(self, text: CheckpointText) -> tuple[str, str] | None:
        """The signature of a text, and by whom; None, which is told, where the key does not sign in time."""
        self.close()
        try:
            with Signing(str(text), self._key, NAMESPACE) as signing:
                signature = signing.wait(QUIET)
                if signature is None:
                    self._announce(f"signing the log, at most {SECONDS:.0f} s: touch your key if it waits for that")
                    signature = signing.wait(SECONDS - signing.seconds)
            if signature is not None:
                return signature, self._signer(text, signature)
        except NotSigned as error:
            self._warn(error)
        else:
            self._warn(late(SECONDS))
        return None

    def _tell(self, text: CheckpointText, signature: str, signer: str) -> None:
        """Keep a checkpoint, and tell that it was signed."""
        try:
            file = keep(self._run, text, signature)
        except OSError as error:
            self._warn(NotSigned(f"a checkpoint cannot be kept: {_why(error)}", "look at the run's `checkpoints/`"))
            return
        self._said = False
        self._journal.tell(r.CheckpointSigned, size=text.size, head=text.head, file=file, signer=signer)

    def _signer(self, text: CheckpointText, signature: str) -> str:
        """The name under which a signature is made.

        :raises NotSigned: if it would count for nobody.
        """
        operator = self._walk.operator
        now = self._journal.now()
        person = signer_of(self._signers, operator, str(self._key), text=str(text), signature=signature, at=now)
        if person == operator:
            return operator
        self._announce(f"the log is signed by {person}, and its operator is {operator}: name both alike, --operator")
        return self._journal.covered(person)

    def _foresee(self) -> None:
        """Tell while it can be mended that what this key signs would count for nobody, or that there is no such key."""
        try:
            key = fingerprint(self._key, seconds=AT_FIRST)
            signers = read_signers(self._signers)
        except NotSigned as error:
            if not self._key.is_file():
                self._warn(error)
            return  # what else there is to say is said when it is to sign
        except Refused:
            return
        person = _person(signers, self._walk.operator, key)
        refusal = None if person is None else _refusal(self._signers, str(self._key), signers, person, key)
        if refusal is not None:
            self._warn(refusal)

    def _warn(self, error: NotSigned) -> None:
        """Tell that nothing was signed: once, until something is."""
        if not self._said:
            self._said = True
            self._journal.tell(r.Warned, text=f"the log is not signed: {error.why}; {error.help}")


def signer_of(file: Path, operator: str, named: str, *, text: str, signature: str, at: str) -> str:
    """The name under which a checkpoint is signed: the operator's; or, where nobody knows that name, the key's.

    :param file: the allowed signers. ``named`` is what the key is called.
    :param at: when it was signed, as a UTC time.
    :raises NotSigned: if it would count for nobody.
    """
    key = key_of(signature) or ""
    try:
        signers = read_signers(file)
    except Refused:
        return operator
    person = _person(signers, operator, key)
    if person is None:
        return operator
    try:
        signers.verify(text, signature, person, NAMESPACE, at)
    except NotVerified as error:
        if not error.unknown:
            raise _refusal(file, named, signers, person, key) or NotSigned(
                f"{named} does not count for `{person}`: {error}", f"look at its line in {file}"
            ) from None
    return person


def _refusal(file: Path, named: str, signers: Signers, person: str, key: str) -> NotSigned | None:
    """Why a key does not count for a person, as far as the file of signers says so by itself."""
    if signers.lists(person, key, NAMESPACE) or signers.certifies(person):
        return None
    if signers.lists(person, key):
        why = f"the allowed signers list {named} for `{person}`, and not for `{NAMESPACE}`"
        return NotSigned(why, f"add that to the `namespaces` of its line in {file}")
    why = f"the allowed signers list another key than {named} for `{person}`"
    return NotSigned(why, "name the key of whoever walks: --key")


def _person(signers: Signers, operator: str, key: str) -> str | None:
    """For whom a key has to count: the operator; or, where nobody knows that name, whom the key is listed for."""
    return operator if signers.knows(operator) else next(iter(signers.names(key)), None)


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
