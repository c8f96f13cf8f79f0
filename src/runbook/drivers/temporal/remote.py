"""The operator of a run that a workflow walks: somebody at another machine, who is waited for as long as it takes.

What is asked is published, with the number of records that stand before it, and answered by an update that says which
question it means. An answer that cannot fit is refused at once and is in no history. Whoever answers is the operator
from then on, and where that was somebody else before, the log says so first.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Sequence

from temporalio import workflow

from runbook.drivers.approval_texts import is_word
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.operator import Act, Hand, Idle, No, Note, Place, Request, Settle, Shown, Sought, Yes
from runbook.drivers.operator import as_json as question_as_json
from runbook.drivers.temporal.bridge import wait_for
from runbook.drivers.temporal.log import EngineLog
from runbook.drivers.temporal.payloads import Asked, Carried, Kept, Reply, Waited
from runbook.drivers.temporal.replies import (
    CHECKPOINT,
    OVER,
    TooLate,
    body_of,
    confirmation_fits,
    hand_fits,
    hand_of,
    look_at_name,
    only,
    outcome_fits,
    plain,
    unsealed,
)
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.kind import Preview
from runbook.model.question import AskForm, AskYes, Question
from runbook.model.runbook import Outcome
from runbook.walk.actions import AskOperator
from runbook.walk.including import chain
from runbook.walk.run_events import Event
from runbook.walk.running import reminder_due
from runbook.walk.tables import Phase, RunPhase
from runbook.walk.walk import Walk

_Fits = Callable[[Reply], str | None]


class RemoteOperator:
    """Whoever answers the questions of one run."""

    def __init__(self, log: EngineLog) -> None:
        self._log = log
        self._idle: Idle = lambda: None
        self._walk: Walk | None = None
        self._now: Callable[[], int] = lambda: 0
        self._take_over: Callable[[str], str | None] = lambda _: None
        self._count = 0
        self._problem = ""
        self._fits: _Fits = lambda _: "nothing is asked now"
        self._given: Reply | None = None
        self._heard = 0
        self.interrupts = Interrupts()
        self.busy: Callable[[], bool] = lambda: False
        self.offered: Callable[[], bool] = lambda: False
        """Whether a signature of the log is there that nobody asked for, and can be taken in."""
        self.sealing: Callable[[], str] = str
        """The public key that secrets are sealed for where they are typed."""
        self.acts: deque[Act] = deque()
        self.arrived = 0
        """The number of what others have put into the inbox last, as far as anybody has said so."""
        self.taken = 0
        """Up to which number the inbox was looked at."""
        self.asked: Asked | None = None
        self.source = "terminal"
        self.signs = False
        """Whether who answered last has a key that signs."""

    def meet(self, now: Callable[[], int], take_over: Callable[[str], str | None]) -> None:
        """Know the clock of the walk, and how to tell that somebody else is its operator now, or why that cannot be."""
        self._now = now
        self._take_over = take_over

    @property
    def called(self) -> bool:
        """Whether somebody wants something that nobody asked for, and nobody has heard of it yet."""
        return bool(self.acts) or self.arrived > self.taken or self.interrupts.presses > self._heard

    def carried(self, kept: Kept) -> Carried:
        """What goes on into the next history, with the secrets that no log holds."""
        return Carried(
            count=self._log.count,
            head=self._log.head,
            asked=self._count,
            arrived=self.arrived,
            source=self.source,
            signs=self.signs,
            kept=kept,
        )

    @property
    def quiet(self) -> bool:
        """Whether nobody has said anything that is still to be taken."""
        return not self.called and not self.interrupts.presses and self._given is None

    def carry_on(self, carried: Carried) -> None:
        """Go on behind what was asked before; the inbox is looked at anew where anything ever came."""
        self._count, self.arrived = carried.asked, carried.arrived
        self.source, self.signs = carried.source, carried.signs

    def heard(self) -> None:
        """Whoever performs has heard how hard to stop it."""
        self._heard = self.interrupts.presses

    def look_at_stop(self, by: str) -> None:
        """Refuse to stop what does not run.

        :raises ValueError: with one line for whoever wants it.
        """
        look_at_name(by)
        if not self.busy():
            raise ValueError("nothing runs now")

    def stop(self, by: str) -> None:
        """Stop what runs, the next time harder.

        :raises ValueError: with one line for whoever wants it, if that cannot be.
        """
        if (why := self._walked_by(by)) is not None:
            raise ValueError(why)
        self.look_at_stop(by)  # it may be over by now
        self.interrupts.presses += 1

    def attach(self, walk: Walk, idle: Idle) -> None:
        """Meet the walk."""
        self._walk = walk
        self._idle = idle

    def show(self, event: Event) -> None:
        """Whoever looks reads the log."""

    def arrive(self, place: Place) -> None:
        """Whoever looks reads the log."""

    def notice(self, text: str) -> None:
        """Nobody listens."""

    def output(self, stream: str, chunk: bytes) -> None:
        """Outputs are kept where they are performed."""

    def working(self, elapsed_ms: int) -> None:
        """Nobody looks."""

    def correct(self, place: Place | None, problem: str) -> None:
        """Say it with the next question."""
        del place
        self._problem = problem

    def ready(self, place: Place, preview: Preview) -> Hand | None:
        """Reads are done without asking, unless a person stopped one; the rest is asked about."""
        visit = chain(self._walk)[-1].visit_of(place.step.id) if self._walk is not None else None
        stopped = visit is not None and visit.phase is Phase.INTERRUPTED
        if not place.step.effect.changes and place.step.kind != "finish" and not stopped:
            return None
        return self._hand(self._ask("ready", place, plain(preview), lambda reply: only(reply, "go")))

    def take(self, place: Place, shown: Shown) -> Outcome | Hand:
        """Show what a dry run does not do, and ask as what it is taken."""
        reply = self._ask("take", place, plain(shown), lambda reply: outcome_fits(reply, "take"))
        return reply if isinstance(reply, Act | Note) else Outcome(str(body_of(reply)["outcome"]))

    def go_on(self, place: Place, left: Sequence[str]) -> Hand | None:
        """Ask whether a loop that was stopped may go on."""
        return self._hand(self._ask("go_on", place, list(left), lambda reply: only(reply, "go")))

    def confirm(self, place: Place, request: Request) -> Yes | No | Hand:
        """Ask for a confirmation."""
        reply = self._ask("confirm", place, plain(request), lambda reply: confirmation_fits(reply, request.phrase))
        if isinstance(reply, Act | Note):
            return reply
        reason = body_of(reply).get("reason")
        if reply.says == "no":
            return No(reason=str(reason))
        return Yes(reason=reason if isinstance(reason, str) else None)

    def approval(self, place: Place, sought: Sought, ms: int) -> str | Hand | None:
        """Wait until an approval is handed over, something has happened, or the request is over."""
        del ms
        known = self._log.count
        waited = Waited(
            preview=sought.preview,
            request=sought.request,
            count=sought.count,
            given=sought.given,
            members=sought.members,
            not_after=sought.not_after,
            due=sought.due,
        )

        def fits(reply: Reply) -> str | None:
            if reply.says != "approval":
                return only(reply, "approval")
            return None if is_word(str(body_of(reply).get("word"))) else "it is no approval"

        # At the very moment at which a request is over it is still open.
        reply = self._ask(
            "approval", place, plain(waited), fits, until=sought.due + 1, over=lambda: self._log.count > known
        )
        if isinstance(reply, Act | Note):
            return reply
        return None if reply is OVER else str(body_of(reply)["word"])

    def put(
        self, ask: str, place: Place, body: Json, *says: str, fits: Callable[[Reply], str | None] = lambda _: None
    ) -> tuple[str, JsonObject] | Hand:
        """Ask something else, which is answered by one of these words; which one, and what was said with it.

        :param fits: why an answer by the first of them does not fit.
        """

        def look(reply: Reply) -> str | None:
            return fits(reply) if reply.says == says[0] else None if reply.says in says else only(reply, says[0])

        reply = self._ask(ask, place, body, look)
        return reply if isinstance(reply, Act | Note) else (reply.says, body_of(reply))

    def answer(self, place: Place, question: Question) -> JsonObject | Hand:
        """Ask what the step wants to know."""

        def fits(reply: Reply) -> str | None:
            if isinstance(question, AskYes) and reply.says == "answer":
                confirm = body_of(reply).get("confirm")
                if confirm not in {"no", question.phrase or "yes"}:
                    return "it wants the exact phrase, or `no`" if question.phrase else "it is answered by yes or no"
            return only(reply, "answer") or unsealed(question, reply)

        asked = question_as_json(question)
        if isinstance(question, AskForm) and any(field.secret for field in question.fields):
            asked["key"] = self.sealing()
        reply = self._ask("answer", place, asked, fits)
        return reply if isinstance(reply, Act | Note) else body_of(reply)

    def decide(self, place: Place, asked: AskOperator) -> Settle | Hand:
        """Ask what to do where the walk cannot go on by itself."""
        body: JsonObject = {"because": asked.because, "choices": [choice.value for choice in asked.choices]}
        reply = self._ask("decide", place, body, lambda reply: outcome_fits(reply, "settle"))
        if isinstance(reply, Act | Note):
            return reply
        return Settle(
            outcome=Outcome(str(body_of(reply)["outcome"])), evidence=str(body_of(reply).get("evidence") or "")
        )

    def wait(self, place: Place, ms: int, due: int) -> Hand | None:
        """Let time pass until it is over, however long that is, or somebody wants something."""
        del ms
        reply = self._ask("wait", place, {"due": due}, lambda reply: only(reply, ""), until=due)
        return reply if isinstance(reply, Act | Note) else None

    def rest(self, idle: Idle) -> Hand | None:
        """Wait until somebody goes on with a run that is paused, which is None.

        :param idle: what is to be done as long as nobody does; what it returns is returned.
        """
        before, self._idle = self._idle, idle
        try:
            return self._hand(self._ask("resume", None, {}, lambda reply: only(reply, "go")))
        finally:
            self._idle = before

    def next_reminder(self) -> float | None:
        """Seconds until somebody is to be reminded of something; None where nobody is."""
        walk = self._walk
        if walk is None or walk.phase is not RunPhase.GOING:
            return None
        dues = [reminder_due(walk, index) for index in range(len(walk.runbook.reminders))]
        known = [due for due in dues if due is not None]
        return max((min(known) - self._now()) / 1_000, 0.001) if known else None

    def look_at(self, reply: Reply) -> None:
        """Refuse an answer that cannot be one.

        :raises ValueError: with one line for whoever gave it.
        """
        asked = self.asked
        if asked is None or self._given is not None:
            raise TooLate("nothing is asked now")
        if (reply.run, reply.id) != (asked.run, asked.id):
            raise TooLate("that question is not open any more")
        look_at_name(reply.by)
        if reply.source not in {"terminal", "answers"}:
            raise ValueError("an answer says where it comes from")
        body_of(reply)
        acts = reply.says in {"act", "note"} and asked.ask != CHECKPOINT
        problem = hand_fits(reply) if acts else self._fits(reply)
        if problem is not None:
            raise ValueError(problem)

    def give(self, reply: Reply) -> None:
        """Take an answer that was looked at."""
        self._given = reply

    def _ask(
        self,
        ask: str,
        place: Place | None,
        body: Json,
        fits: _Fits,
        *,
        until: int | None = None,
        over: Callable[[], bool] = lambda: False,
    ) -> Reply | Act | Note:
        """Publish a question and wait for its answer, until the walk's clock shows a time, or until it is over."""
        if (act := self._idle()) is not None:
            return act
        if over():
            return OVER
        self._publish(ask, place, body, fits)
        try:
            while self._given is None:
                left = None if until is None else (until - self._now()) / 1_000
                if left is not None and left <= 0:
                    return OVER
                self._sleep(left)
                if self._given is None and (act := self._idle()) is not None:
                    return act
                self._log.flush()
                if self._given is None and over():
                    return OVER
            given = self._given
        finally:
            self.asked = self._given = None
        if (why := self._walked_by(given.by)) is not None:
            self._problem = why
            return self._ask(ask, place, body, fits, until=until, over=over)
        self.source, self.signs = given.source, given.signs
        return hand_of(given) if given.says in {"act", "note"} else given

    def sign(self, body: JsonObject, seconds: float) -> Reply | None:
        """Have whoever answers sign the log, and nothing be told meanwhile; None where nobody does in so many seconds.

        :param body: ``end``, the line of a record that is signed too and not stored yet; or nothing.
        """
        walk = self._walk

        def fits(reply: Reply) -> str | None:
            if walk is not None and reply.by != walk.operator:
                return "its operator signs the log"
            return None if reply.says in {"signed", "unsigned"} else only(reply, "signed")

        self._publish(CHECKPOINT, None, body, fits)
        try:
            with contextlib.suppress(TimeoutError):
                wait_for(workflow.wait_condition(lambda: self._given is not None, timeout=seconds))
            return self._given
        finally:
            self.asked = self._given = None

    def _publish(self, ask: str, place: Place | None, body: Json, fits: _Fits) -> None:
        """Say what is asked, when all before it is stored."""
        self._log.flush()
        self._count += 1
        self._fits = fits
        problem, self._problem = self._problem, ""
        self.asked = Asked(
            run=self._log.run,
            id=self._count,
            seq=self._log.count,
            ask=ask,
            step=place.step.id if place is not None else "",
            visit=place.visit if place is not None else 0,
            title=place.title if place is not None else "",
            description=place.description if place is not None else "",
            prefix=place.prefix if place is not None else "",
            body=canonical(body),
            problem=problem,
        )

    def _sleep(self, left: float | None) -> None:
        """Wait for an answer, for whoever wants something, for a reminder, or so many seconds."""
        pauses = [pause for pause in (left, self.next_reminder()) if pause is not None]
        with contextlib.suppress(TimeoutError):
            wait_for(workflow.wait_condition(self._news, timeout=min(pauses) if pauses else None))

    def _news(self) -> bool:
        return self._given is not None or self.called or self.offered()

    def _walked_by(self, by: str) -> str | None:
        """Whoever answers is the operator; why they cannot be."""
        if self._walk is None or by == self._walk.operator:
            return None
        return self._take_over(by)

    @staticmethod
    def _hand(reply: Reply | Act | Note) -> Hand | None:
        return reply if isinstance(reply, Act | Note) else None
