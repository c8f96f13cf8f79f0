"""What somebody who answers for a run signs for it, with their own key, which stays on their machine.

Only a request for approvals of that very run is signed, and only in one's own name, or its log as it was read from the
store: what comes from the engine is looked at first, and nothing else can be got signed by it.
"""

import dataclasses
from collections.abc import Callable

from temporalio.converter import value_to_type

from runbook.audit.chain import parse_line
from runbook.audit.record import END
from runbook.audit.signing import NotSigned, fingerprint, sign
from runbook.audit.strict import LineError
from runbook.drivers.approval_texts import Unreadable, word_of
from runbook.drivers.approving import handed_over
from runbook.drivers.notary import SIGNING, Credentials, own_key
from runbook.drivers.operator import Hand, Operator, Place, Sought
from runbook.drivers.temporal.notary import UNSIGNED
from runbook.drivers.temporal.payloads import Waited
from runbook.model.approval import NAMESPACE, REQUEST, parse
from runbook.model.canonical import Json, JsonObject
from runbook.model.checkpoint import NAMESPACE as CHECKPOINTS
from runbook.model.checkpoint import CheckpointText
from runbook.model.kind import Preview

Said = tuple[str, dict[str, Json]]
"""The word of an answer, and what is said with it."""
ASKS = Preview(line="ask others to approve it, signed with your key")
TURN = 500
SECONDS = 8.0
"""How long one's key may take to sign the log; the run waits a little longer."""


class Pen:
    """Signs for one run.

    :param request: what a command line says of a request by its number, and its text.
    """

    def __init__(
        self, run: str, operator: Operator, credentials: Credentials, request: Callable[[str], tuple[str, str]]
    ) -> None:
        self._run = run
        self._operator = operator
        self._credentials = credentials
        self._request = request

    def name_key(self, place: Place, *, own: bool) -> Said | Hand:
        """Say which key signs; whoever does not walk the run yet is asked whether they want to.

        :param own: whoever sits here walks the run.
        """
        if not own and (hand := self._operator.ready(place, ASKS)) is not None:
            return hand
        try:
            return "key", {"key": fingerprint(own_key(self._credentials, "answer"))}
        except NotSigned as error:
            return unsigned(error)

    def sign(self, place: Place, text: str) -> Said:
        """Sign a request."""
        try:
            asked = parse(text)
        except ValueError:
            asked = None
        if asked is None or (asked.run, asked.step, asked.decision) != (self._run, place.address, REQUEST):
            return unsigned(NotSigned("what was to be signed is no request of this step", "look who writes there"))
        try:
            signature = sign(text, own_key(self._credentials, "answer"), NAMESPACE, seconds=SIGNING)
        except NotSigned as error:
            return unsigned(error)
        return "signed", {"signature": signature}

    @property
    def signs(self) -> bool:
        """Whether there is a key."""
        return self._credentials.key is not None

    def seal(self, body: JsonObject, size: int, head: str) -> Said:
        """Sign the log as it was read here; or with the end that is to follow on it, and only with that.

        :param size: how many records were read; ``head`` is the hash of the last.
        """
        try:
            if (end := body.get("end")) is not None:
                record = parse_line(str(end).encode())
                if (record.seq, record.prev, record.type) != (size, head, END):
                    return unsigned(NotSigned("what was to be signed is not the end of this log", "verify the log"))
                size, head = size + 1, record.h
            text = CheckpointText(run=self._run, size=size, head=head)
            signature = sign(str(text), own_key(self._credentials, "answer"), CHECKPOINTS, seconds=SECONDS)
        except LineError as error:
            return unsigned(NotSigned(f"what was to be signed is no record: {error.message}", "verify the log"))
        except NotSigned as error:
            return unsigned(error)
        return "signed", {"signature": signature}

    def wait(self, place: Place, body: JsonObject) -> Said | Hand | None:
        """Wait a while for others to approve; what they signed may be handed over here."""
        waited = value_to_type(Waited, body)
        file, text = self._request(waited.request)
        sought = Sought(**dataclasses.asdict(waited), file=file, text=text, over=lambda: False)
        handed = self._operator.approval(place, sought, TURN)
        if not isinstance(handed, str):
            return handed
        try:
            word = handed_over(handed)
        except Unreadable as error:
            self._operator.correct(place, str(error))
            return None
        return "approval", {"word": word_of(word)}


def unsigned(error: NotSigned) -> Said:
    """What is said where nothing was signed."""
    return UNSIGNED, {"why": error.why, "help": error.help}
