"""Carrying out what an operator does to the walk in place of an answer: told to the walk, which may refuse it."""

from dataclasses import replace

from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act, Hand, Note, Operator, Place
from runbook.drivers.preparing import Renderer
from runbook.model.evaluator import ExpressionError
from runbook.walk import run_events as r
from runbook.walk.scope import Scope
from runbook.walk.walk import IllegalEvent


class Acting:
    """Carries out the acts of one session."""

    def __init__(self, journal: Journal, operator: Operator, renderer: Renderer) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        self._renderer = renderer

    def carry_out(self, hand: Hand, place: Place | None) -> bool:
        """Write a note, or tell an act; whether that was possible. What the walk refuses is said, and nothing happened.

        :param place: where the operator was asked.
        """
        if isinstance(hand, Note):
            visit = self._walk.visit
            where = visit.step.id if visit else None
            by = hand.by or self._walk.operator
            self._journal.tell(r.NoteAdded, step=where, kind=hand.kind, text=hand.text, by=by)
            self._journal.sync()
            return True
        try:
            if hand.do == "go_to":
                hand = replace(hand, to=(hand.to or "").removeprefix(self._walk.prefix))
                self._look_ahead(hand.to or "")
            self.tell(hand, place)
        except IllegalEvent as refused:
            self._refused(hand, refused.message, place)
            return False
        return True

    def tell(self, act: Act, place: Place | None) -> None:
        """Tell an act.

        :param place: where the operator was asked; that may be an element of a loop.
        :raises IllegalEvent: if it is not possible now.
        """
        visit = self._walk.visit
        if act.do in {"skip", "retry"} and visit is not None and place is not None:
            visit = visit.elements.get(place.step.id, visit)
        self._journal.tell(
            r.OperatorActed,
            step=visit.step.id if visit else None,
            visit=visit.number if visit else None,
            do=act.do,
            to=act.to,
            reason=act.reason,
            by=act.by or self._walk.operator,
            source="inbox" if act.inbox else self._operator.source,
            inbox=act.inbox,
        )

    def _refused(self, act: Act, why: str, place: Place | None) -> None:
        if act.inbox is not None:
            self._journal.tell(r.Warned, text=f"`{act.do}` of {act.by} is not possible: {why}", inbox=act.inbox)
        elif place is not None:
            self._operator.correct(place, why)

    def _look_ahead(self, target: str) -> None:
        """Refuse a jump to a step whose needs or references are not met; say what to walk first.

        :raises IllegalEvent: with the reason.
        """
        for objection in self._walk.objections(target):
            raise IllegalEvent("gate", objection)
        step = self._walk.steps[target]
        for _, reason in self._walk.unmet(step, self._journal.mono()):
            raise IllegalEvent("needs", f"`{target}` cannot be next: {reason}")
        try:
            prepare = self._renderer.prepare if step.for_each is None else self._renderer.prepare_loop
            prepare(step, Scope(self._walk))
        except ExpressionError as error:
            raise IllegalEvent("unset", f"`{target}` cannot be next: {error.message}") from error
