"""The walk of a run from another machine: what happens is read from the store and shown, what is asked is asked here.

The log is told to a walk of our own, so whoever answers sees the very screen of a walk at hand. Nothing is written
here: an answer goes to the engine, which may refuse it, and what comes of it stands in the log.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from temporalio.converter import value_to_type

from runbook.audit.chain import parse_line
from runbook.audit.postgres.link import Link
from runbook.audit.postgres.records import kept, read
from runbook.audit.store import RunDir
from runbook.drivers.fitting import covered
from runbook.drivers.interrupts import Interrupts
from runbook.drivers.notary import Credentials
from runbook.drivers.operator import Act, No, Note, Operator, Place, Request, Settle, Shown, Yes
from runbook.drivers.retelling import event_of
from runbook.drivers.temporal.client import Closed, Engine, NotTaken, NotYet, Stuck
from runbook.drivers.temporal.payloads import Asked, Reply
from runbook.drivers.temporal.periodic import Periodic
from runbook.drivers.temporal.printing import Printing
from runbook.drivers.temporal.replies import CHECKPOINT
from runbook.drivers.temporal.sealing import Typed
from runbook.drivers.temporal.secrets import UNTYPED
from runbook.drivers.temporal.vouching import Pen
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.diagnostics import Refused
from runbook.model.kind import Preview
from runbook.model.question import AskChoice, AskDone, AskForm, AskItems, AskSent, AskYes, Question
from runbook.model.runbook import Outcome
from runbook.walk import actions as a
from runbook.walk.events import StepCancelled, StepOutput, StepUnknown
from runbook.walk.including import chain
from runbook.walk.run_events import RunPaused
from runbook.walk.tables import RunPhase
from runbook.walk.walk import Walk
from runbook.world.secrets import Prompt

SOON, POLL = 0.02, 0.3
"""Seconds between two looks at the log and at what is asked: after an answer, and where nothing comes for a while."""
LOOK = 5.0
"""Seconds without a question after which it is looked whether the run is walked at all."""
QUESTIONS: Mapping[str, type[Question]] = {
    each.__name__: each for each in (AskDone, AskYes, AskChoice, AskForm, AskItems, AskSent)
}
LEAVE = Act(do="pause", reason="you left")
"""What whoever is asked hands back when the question is not open any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Why nobody answers here any more, though the run is not over; ``closed``: the engine does not walk it."""

    reason: str
    closed: bool = False


class Answering:
    """One sitting of somebody who answers for a run.

    :param walk: as the log tells it so far, in ``count`` records; ``head`` is the hash of the last.
    :param printing: what is under way, as they tell it too; ``periodic`` is what signs the log from time to time.
    """

    def __init__(
        self,
        *,
        walk: Walk,
        count: int,
        head: str,
        run: RunDir,
        link: Link,
        printing: Printing,
        periodic: Periodic,
        engine: Engine,
        workflow: str,
        operator: Operator,
        credentials: Credentials,
        prompt: Prompt | None,
        name: str,
        interrupts: Interrupts,
    ) -> None:
        self._walk = walk
        self._count, self._head = count, head
        self._link = link
        self._printing = printing
        self._run = run.id
        self._dir = run
        self._engine = engine
        self._workflow = workflow
        self._operator = operator
        self._name = name
        self._interrupts = interrupts
        self._looked = 0.0
        self._open: int | None = None
        self._patience = LOOK
        self._held_up = ""
        self._rests = walk.phase is RunPhase.PAUSED
        self._prompt = prompt
        self._typed = Typed(run.id)
        self._paused, self._signs_until = "", 0.0
        self._pen = Pen(run.id, operator, credentials, self._request)
        self._periodic = periodic
        operator.attach(walk, self._idle)

    def go(self) -> Left | None:
        """Answer until the run is over, which is None, or nobody answers any more."""
        answered, since, pause = 0, time.monotonic(), SOON
        while True:
            if (why := self._interrupts.why) is not None or (self._interrupts.presses and not self._stopped()):
                return Left(reason=why or "you left")
            self._follow()
            if self._walk.finish is not None:
                return None
            self._sign()
            self._rests = self._rests and self._walk.phase is RunPhase.PAUSED
            if self._walk.phase is RunPhase.PAUSED and not self._rests and time.monotonic() > self._signs_until:
                return Left(reason=f"the run is paused: {self._paused}")
            asked = self._asked()
            if asked is not None and asked.ask == "resume" and not self._rests:
                self._signs_until = 0.0  # nobody asks for a signature any more
                continue
            if asked is not None and asked.run != self._run:
                return Left(reason="the engine walks a later run of that alert")
            if asked is None or asked.id == answered or asked.seq > self._count:
                elapsed = time.monotonic() - since
                self._operator.working(int(elapsed * 1_000))
                if elapsed > self._patience and not self._walked():
                    return Left(reason="the engine does not walk it any more", closed=True)
                time.sleep(pause)  # the engine and the store are asked again
                pause = min(pause * 2, POLL)
                continue
            self._open = asked.id
            reply = self._reply(asked)
            self._open = None
            if isinstance(reply, Left):
                return reply
            if reply is not None and self._give(asked, reply):
                answered, since, pause, self._patience = asked.id, time.monotonic(), SOON, LOOK

    def _give(self, asked: Asked, reply: tuple[str, dict[str, Json]]) -> bool:
        try:
            self._engine.answer(self._workflow, self._said(asked.id, *reply))
        except NotTaken as refused:
            if not refused.late:
                self._operator.correct(self._place(asked), str(refused))
            return False
        except NotYet:
            self._operator.notice("no worker has taken the answer yet; what comes of it will be shown")
        return True

    def _said(self, number: int, says: str, body: JsonObject) -> Reply:
        return Reply(
            run=self._run,
            id=number,
            says=says,
            body=covered(canonical(body), self._typed.cover),
            by=self._name,
            source=self._operator.source,
            signs=self._pen.signs,
        )

    def _stopped(self) -> bool:
        """Stop what runs, as Ctrl-C does where it runs; false if nothing does, or nobody is there to be asked then."""
        self._interrupts.clear()
        try:
            self._engine.stop(self._workflow, self._name)
        except (NotTaken, NotYet):
            return False
        return self._operator.source == "terminal"

    def _walked(self) -> bool:
        """Whether the engine still walks the run, or it has just ended; asked from time to time."""
        self._patience += LOOK
        if self._engine.walks(self._workflow):
            self._tell(self._engine.holds_up(self._workflow))
            return True
        self._follow()
        return self._walk.finish is not None or (self._walk.phase is RunPhase.PAUSED and not self._rests)

    def _asked(self) -> Asked | None:
        try:
            return self._engine.asking(self._workflow)
        except Stuck:
            self._tell("a worker has tried to walk the run and cannot, and says why where it runs; it tries again")
            return None
        except NotYet:
            self._tell("no worker walks the run now; it goes on when one is there")
            return None
        except Closed:
            self._patience = 0.0  # it has just ended, or was ended there
            return None

    def _tell(self, what: str) -> None:
        """Say what holds the run up, once."""
        said, self._held_up = self._held_up, what
        if what not in {said, ""}:
            self._operator.notice(what)

    def _follow(self) -> None:
        """Show what has happened since, and what is printed."""
        for seq, line in read(self._link, self._run, self._count):
            record = parse_line(line)
            self._count, self._head = seq + 1, record.h
            event = event_of(record)
            if event is None:
                continue
            if isinstance(event, StepOutput | StepUnknown | StepCancelled):
                self._printing.show(self._operator, ended=event.step)
            self._walk.tell(event)
            self._operator.show(event)
            self._printing.tell(event)
            self._periodic.tell(event)
            if isinstance(event, RunPaused):
                self._paused = event.reason
                self._signs_until = time.monotonic() + LOOK if self._pen.signs else 0.0
        self._printing.show(self._operator)

    def _idle(self) -> Act | None:
        """Called at least every half second while somebody is asked: whether the question is still open."""
        if self._interrupts.why is not None or self._interrupts.presses:
            return LEAVE
        if time.monotonic() - self._looked < POLL or self._open is None:
            return None
        self._looked = time.monotonic()
        try:
            asked = self._engine.asking(self._workflow)
        except NotYet:
            return None
        except Closed:
            return LEAVE
        if asked is None or asked.id != self._open:
            return LEAVE
        self._follow()  # what others say is shown meanwhile
        self._sign()
        return None

    def _sign(self) -> None:
        """Sign the log from time to time; nobody waits for it, and what is not taken is made again later."""
        walk = self._walk
        if not self._pen.signs or walk.phase is not RunPhase.GOING or walk.operator != self._name:
            return
        said = self._periodic.look(self._count, self._head)
        if said is not None:
            with suppress(NotTaken, NotYet):
                self._engine.seal(self._workflow, self._said(0, *said))

    def _place(self, asked: Asked) -> Place:
        walk = chain(self._walk)[-1]
        visit = walk.visit_of(asked.step)
        step = visit.step if visit is not None else walk.steps[asked.step]
        return Place(
            step=step, visit=asked.visit, title=asked.title, description=asked.description, prefix=asked.prefix
        )

    def _reply(self, asked: Asked) -> tuple[str, dict[str, Json]] | Left | None:
        """What is said to a question; None where it is not open any more."""
        if asked.ask == CHECKPOINT:
            if self._walk.operator != self._name:
                return None
            self._periodic.close()  # one's key is asked for one signature at a time
            return self._pen.seal(json.loads(asked.body), self._count, self._head)
        if asked.ask == "resume":
            return "go", {}  # that is what whoever comes to a paused run is here for
        place = self._place(asked)
        if asked.problem:
            self._operator.correct(place, asked.problem)
        given = self._put(asked, place)
        match given:
            case Act(do="pause") as act:
                if self._interrupts.why is not None or self._interrupts.presses or act is not LEAVE:
                    return Left(reason=self._interrupts.why or act.reason or "you left")
                return None
            case Act(do=do, reason=reason, to=to):
                return "act", {"do": do, "reason": reason, "to": to}
            case Note(kind=kind, text=text):
                return "note", {"kind": kind, "text": text}
            case Yes(reason=reason):
                return "yes", {"reason": reason, "phrase": _phrase(asked)}
            case No(reason=reason):
                return "no", {"reason": reason}
            case Outcome() as outcome:
                return "take", {"outcome": outcome.value}
            case Settle(outcome=outcome, evidence=evidence):
                return "settle", {"outcome": outcome.value, "evidence": evidence}
            case dict():
                return "answer", given
            case (str(says), dict(body)):
                return says, body
            case None:
                return None if asked.ask in {"wait", "approval"} else ("go", {})
            case _:  # pragma: no cover - nothing else is handed back
                raise AssertionError(given)

    def _put(self, asked: Asked, place: Place) -> object:
        """Ask it here."""
        body = json.loads(asked.body)
        match asked.ask:
            case "ready":
                return self._operator.ready(place, value_to_type(Preview, body))
            case "take":
                return self._operator.take(place, value_to_type(Shown, body))
            case "go_on":
                return self._operator.go_on(place, [str(each) for each in body])
            case "confirm":
                return self._operator.confirm(place, value_to_type(Request, body))
            case "answer":
                return self._answer(place, body)
            case "secret":
                return self._secret(body)
            case "decide":
                wanted = [each for each in chain(self._walk)[-1].pending() if isinstance(each, a.AskOperator)]
                return self._operator.decide(place, wanted[0]) if wanted else LEAVE
            case "wait":
                return self._operator.wait(place, 500, int(body["due"]))
            case "sign":
                return self._pen.name_key(place, own=self._walk.operator == self._name)
            case "signature":
                return self._pen.sign(place, str(body["text"]))
            case "approval":
                return self._pen.wait(place, body)
            case _:  # pragma: no cover - a newer worker
                raise AssertionError(asked.ask)

    def _answer(self, place: Place, body: dict[str, Json]) -> object:
        """Ask what the step wants to know; what is secret of that is sealed."""
        key = body.pop("key", None)
        question = value_to_type(QUESTIONS[str(body.pop("ask"))], body)
        given = self._operator.answer(place, question)
        fields = given.get("fields") if isinstance(given, dict) else None
        if isinstance(question, AskForm) and isinstance(given, dict) and isinstance(fields, dict):
            secret = {each.name for each in question.fields if each.secret and fields.get(each.name) not in {None, ""}}
            sealed: dict[str, Json] = {name: self._typed.seal(str(key), name, fields[name]) for name in sorted(secret)}
            return {**given, "fields": {**fields, **sealed}}
        return given

    def _secret(self, body: dict[str, Json]) -> object:
        """Ask for a secret of the runbook, and seal it."""
        name = str(body["name"])
        if self._prompt is None:
            return Act(do="pause", reason=f"the secret `{name}` must be typed, and there is no terminal")
        try:
            typed = self._prompt(name, str(body["question"]))
        except Refused as refused:
            first = refused.diagnostics[0]
            return UNTYPED, {"why": first.message, "help": first.help}
        return "secret", {"sealed": self._typed.seal(str(body["key"]), name, typed)}

    def _request(self, number: str) -> tuple[str, str]:
        """What a command line says of a request, and its text as the store has it."""
        text = kept(self._link, self._run, f"requests/{number}.txt")
        return self._dir.argument_of(number), text.decode()


def _phrase(asked: Asked) -> Json:
    """The phrase that was typed: whoever asks here takes no other for a yes."""
    phrase: Json = json.loads(asked.body)["phrase"]
    return phrase
