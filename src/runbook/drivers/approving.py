"""Asking other persons to approve an action, and taking in what they sign.

Rules. The operator signs the request, so that nobody else can ask in that name; neither the operator nor any key that
is listed under that name can approve it. What comes in, from whichever side, is looked at the same way, and what does
not count is on record with the reason. Where nobody can be asked, the step is refused, and it is said what to do.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runbook.audit.signatures import NotVerified, signers_here
from runbook.audit.signing import NotSigned
from runbook.drivers.approval_texts import ApprovalWord, RequestText, Unreadable, is_word, read_word, written
from runbook.drivers.journal import Journal, wall_ms
from runbook.drivers.notary import Notary, Signer, read_small
from runbook.drivers.operator import Hand, Operator, Place, Sought
from runbook.drivers.preparing import AnAction
from runbook.model.approval import REQUEST, ApprovalText, parse
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.walk import events as e
from runbook.walk import run_events as r
from runbook.walk.approving import objection, override_of, text_of, wanted
from runbook.walk.results import Approval, Visit
from runbook.walk.rules import IllegalEvent
from runbook.walk.tables import VISIT
from runbook.walk.walk import Walk
from runbook.world.clock import later

OWN_APPROVAL = Code(
    number="RB322",
    title="operator who has approved",
    why="Who approves an action does not walk it. The allowed signers list one key under two names: with it an action "
    "was approved that has not started yet, and the run would be gone on with under the other name.",
)
VALID = 3_600_000
"""Milliseconds for which a request is open where the file does not say."""
_OPEN = {phase for phase, told in VISIT.items() if e.ApprovalGiven in told}
_TURN = 500


class SignedApprovals:
    """Asks for the approvals of one live session.

    :param hurry: has the inbox looked into at once when the session looks the next time.
    """

    def __init__(self, journal: Journal, operator: Operator, *, notary: Notary, hurry: Callable[[], None]) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        self._notary = notary
        self._hurry = hurry

    def request(self, visit: Visit, place: Place, action: AnAction | None) -> Hand | None:
        """Have the operator sign a request, and tell it; where that cannot be, the step is refused."""
        try:
            return self._request(visit, place, action)
        except Refused as refused:
            first = refused.diagnostics[0]
            self._refuse(visit, f"{first.message} ({first.file}); {first.help}")
        except NotSigned as refused:
            self._refuse(visit, f"{refused.why}; {refused.help}")
        except NotVerified as refused:
            self._refuse(visit, f"your own signature does not count: {refused}; mend {self._notary.signers}")
        except OSError as error:
            self._refuse(visit, f"the request cannot be written: {(error.strerror or str(error)).lower()}")
        return None

    def _request(self, visit: Visit, place: Place, action: AnAction | None) -> Hand | None:
        signer = self._notary.signer(place)
        if not isinstance(signer, Signer):
            return signer
        count, roles, digest, override = wanted(self._walk, visit)
        what = action.what if action is not None else override_of(visit, self._reason())
        approval = Approval(
            request=self._notary.number(),
            action=action.digest if action is not None else str(digest),
            count=count,
            roles=roles,
            not_after=later(self._journal.now(), validity(visit)),
            override=override,
            by=signer.name,
            key=signer.key,
        )
        text = text_of(self._walk, visit, approval, signer.name, REQUEST)
        if self._journal.covered(text) != text:
            raise NotSigned("the request would hold what a secret covers", "rename the run, or change the secret")
        signature = self._notary.sign(place, text)
        if not isinstance(signature, str):
            return signature
        if self._notary.verify(text, signature, signer.name, self._journal.now()) != signer.key:
            raise NotVerified("it was made with another key than the one that was named")
        request = RequestText(
            text=text,
            signature=signature,
            what=what,
            runbook=self._walk.runbook.title or self._walk.runbook.id,
            title=place.title or visit.step.id,
            environment=self._walk.environment or "",
            operator=self._walk.operator,
            count=count,
            members=members_of(self._walk, approval),
        )
        self._notary.keep(approval.request, written(request))
        tell_requested(self._journal, visit, approval, text, signature)
        self._journal.sync()
        return None

    def _reason(self) -> str:
        return (self._walk.intent.reason if self._walk.intent else None) or ""

    def _refuse(self, visit: Visit, reason: str) -> None:
        self._journal.tell(e.StepRefused, step=visit.step.id, visit=visit.number, by="approval", reason=reason)

    def await_(self, visit: Visit, place: Place) -> Hand | None:
        """Wait a while, and take in what somebody hands over; a request that nobody answered in time is over."""
        approval = visit.approval
        if approval is None:  # pragma: no cover - only an open request is waited for
            return None
        if (why := over(approval, self._journal.now())) is not None:
            self._refuse(visit, why)
            return None
        self._journal.sync()
        self._hurry()
        file, text = self._notary.kept(approval.request)
        sought = sought_of(self._journal, visit, approval, file=file, text=text)
        given = self._operator.approval(place, sought, _TURN)
        if not isinstance(given, str):
            return given
        try:
            word = handed_over(given)
        except Unreadable as error:
            self._operator.correct(place, str(error))
            return None
        self._take(word, None)
        return None

    def is_of(self, walk: Walk) -> bool:
        """Whether it asks for the approvals of that walk."""
        return self._walk is walk

    def waits(self) -> bool:
        """Whether approvals may come in now."""
        return _waiting(self._walk, None) is not None

    def arrived(self, fields: Mapping[str, Json], inbox: str) -> None:
        """Take in an approval that came by the inbox."""
        self._take(ApprovalWord(text=str(fields["text"]), signature=str(fields["signature"])), inbox)

    def _take(self, word: ApprovalWord, inbox: str | None) -> None:
        """Tell what an approval comes to."""
        signed: ApprovalText | None = None
        key, why = "", "nothing waits for an approval"
        try:
            signed = parse(word.text)
        except ValueError as error:
            why = f"it is none: {error}"
        visit = _waiting(self._walk, signed.request if signed is not None else None)
        if visit is not None and signed is not None:
            key, why = self._judged(visit, signed, word)
        person = signed.approver if signed is not None and _is_name(signed.approver) else None
        if visit is None or visit.approval is None:
            text = f"an approval of {self._journal.covered(person or 'somebody')} does not count: {why}"
            self._journal.tell(r.Warned, text=text, inbox=inbox)
        else:
            told = {"step": visit.step.id, "visit": visit.number, "request": visit.approval.request, "inbox": inbox}
            given = {**told, "approver": person, "key": key, "text": word.text, "signature": word.signature}
            try:
                if key:
                    self._journal.tell(e.ApprovalGiven, **given)
            except IllegalEvent as refused:  # it expired in the instant in which it was told
                why = refused.message
            if why:
                approver = self._journal.covered(person) if person else None
                self._journal.tell(e.ApprovalRefused, **told, approver=approver, reason=why)
        self._journal.sync()

    def _judged(self, visit: Visit, signed: ApprovalText, word: ApprovalWord) -> tuple[str, str]:
        """The fingerprint of the key of an approval that counts; else nothing, and why it does not."""
        approval = visit.approval
        if approval is None:  # pragma: no cover - looked at before
            return "", "nothing waits for an approval"
        if (other := _other(self._walk, visit, approval, signed)) is not None:
            return "", other
        now = self._journal.now()
        operators = (approval.by, self._walk.operator)
        try:
            key = self._notary.verify(word.text, word.signature, signed.approver, now, operators)
        except Refused as refused:
            return "", f"{refused.diagnostics[0].message}: {self._notary.signers}"
        except NotVerified as error:
            return "", str(error)
        if self._journal.covered(word.text) != word.text:
            return "", "it holds what a secret covers"
        why = objection(self._walk, visit, signed.approver, key, now)
        return (key, "") if why is None else ("", why)


def handed_over(given: str) -> ApprovalWord:
    """The approval that somebody hands over: itself, or the name of a file with it.

    :raises Unreadable: if it is neither.
    """
    try:
        return read_word(given if is_word(given) else read_small(given))
    except (OSError, Unreadable) as error:
        why = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
        raise Unreadable(f"`{given[:60]}` is neither an approval nor a file with one: {why}") from None


def deliver(asking: Sequence[SignedApprovals], walk: Walk, fields: Mapping[str, Json], inbox: str) -> bool:
    """Hand an approval to whoever waits for one: in a walk, or in one inside it; false if nobody walks there yet."""
    inmost = walk
    while (inner := inmost.inner()) is not None:
        inmost = inner
    if not any(each.is_of(inmost) for each in asking):
        return False
    waiting = [each for each in asking if each.waits()]
    (waiting or asking)[-1].arrived(fields, inbox)
    return True


def open_requests(walk: Walk) -> set[str]:
    """The requests for which the walk, or one inside it, still wants approvals."""
    visits = [walk.visit, *walk.visit.elements.values()] if walk.visit and walk.finish is None else []
    own = {v.approval.request for v in visits if v.approval and not v.approval.complete and v.phase in _OPEN}
    return own.union(*(open_requests(visit.inner) for visit in visits if visit.inner is not None))


def may_take_over(walk: Walk, operator: str, signers: Path) -> None:
    """Look that nobody goes on with a run in which an approval that still counts was given with one of their own keys.

    :raises Refused: if somebody would.
    """
    known = signers_here(signers)
    if known is not None and (why := approved_by_own_key(walk, operator, known.lists)) is not None:
        raise Refused(Diagnostic(code=OWN_APPROVAL, message=why, help="have somebody else go on: --operator"))


def approved_by_own_key(walk: Walk, operator: str, lists: Callable[[str, str], bool]) -> str | None:
    """Why somebody may not walk: an approval was given with a key that is theirs under another name.

    :param lists: whether a key is listed under a name; asked only where somebody has approved.
    """
    visits = [walk.visit, *walk.visit.elements.values()] if walk.visit else []
    for visit in visits:
        for person, key in visit.approval.given.items() if visit.approval else ():
            if person != operator and lists(operator, key):
                step = walk.prefix + visit.step.id
                return f"`{person}` approved `{step}` with a key of `{operator}`, who would walk it"
        if visit.inner is not None and (found := approved_by_own_key(visit.inner, operator, lists)) is not None:
            return found
    return None


def members_of(walk: Walk, approval: Approval) -> tuple[str, ...]:
    """Who may approve a request: whoever has one of the roles, but the operator."""
    members = dict.fromkeys(person for role in approval.roles for person in walk.runbook.roles.get(role, ()))
    return tuple(person for person in members if person not in {approval.by, walk.operator})


def tell_requested(journal: Journal, visit: Visit, approval: Approval, text: str, signature: str) -> None:
    """Tell that others are asked to approve; ``text`` is what the operator signed."""
    journal.tell(
        e.ApprovalRequested,
        step=visit.step.id,
        visit=visit.number,
        request=approval.request,
        action=approval.action,
        count=approval.count,
        roles=approval.roles,
        not_after=approval.not_after,
        override=approval.override,
        by=approval.by,
        key=approval.key,
        text=text,
        signature=signature,
    )


def sought_of(journal: Journal, visit: Visit, approval: Approval, *, file: str = "", text: str = "") -> Sought:
    """The approvals of an open request as an operator sees them; ``file`` holds the request, which is ``text``."""
    return Sought(
        preview="an override of its guards" if approval.override else f"the action {approval.action[:12]}…",
        file=file,
        text=text,
        request=approval.request,
        count=approval.count,
        given=tuple(approval.given),
        members=members_of(journal.walk, approval),
        not_after=approval.not_after,
        due=journal.mono() + max(wall_ms(approval.not_after) - wall_ms(journal.now()), 0),
        over=lambda: visit.approval is not approval or approval.complete,
    )


def over(approval: Approval, now: str) -> str | None:
    """Why nobody can approve a request any more; None if it is open."""
    if now <= approval.not_after:
        return None
    return f"the request was open until {approval.not_after}, and {len(approval.given)} of {approval.count} approved"


def validity(visit: Visit) -> int:
    """The milliseconds for which a request of a step is open."""
    asked = visit.step.confirm
    return asked.expires if asked is not None and asked.expires is not None else VALID


def _waiting(walk: Walk, request: str | None) -> Visit | None:
    """The visit that has an open request for which approvals may come in now: that one, else another."""
    visits = (*walk.visit.elements.values(), walk.visit) if walk.visit is not None else ()
    waiting = [visit for visit in visits if visit.approval is not None and visit.phase in _OPEN]
    asked = (visit for visit in waiting if visit.approval is not None and visit.approval.request == request)
    return next(asked, next(iter(waiting), None))


def _other(walk: Walk, visit: Visit, approval: Approval, signed: ApprovalText) -> str | None:
    """In what an approval is one of something else; None if it is one of the open request."""
    ours = parse(text_of(walk, visit, approval, signed.approver))
    for name, what in (("run", "run"), ("request", "request"), ("decision", "decision"), ("action", "action")):
        if getattr(ours, name) != getattr(signed, name):
            return f"it is of another {what} than the open request"
    return None if ours == signed else "what it says is not what was asked for: it was altered"


def _is_name(text: str) -> bool:
    return text.isprintable() and len(text) <= 200
