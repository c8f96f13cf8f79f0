"""Asking a person what a step wants to know, and making an observation of the answer."""

from collections.abc import Mapping

from runbook.drivers.fitting import LONGEST, look_at_length
from runbook.drivers.journal import Journal
from runbook.drivers.operator import Act, Hand, Note, Operator, Place, as_json
from runbook.drivers.preparing import Prepared, Renderer, Secrets
from runbook.drivers.recording import Recorder, place_of
from runbook.model.canonical import Json, JsonObject, canonical, size
from runbook.model.diagnostics import Refused
from runbook.model.kind import is_asked
from runbook.model.question import AskForm, AskYes, Question
from runbook.walk import approving
from runbook.walk import events as e
from runbook.walk.results import Visit
from runbook.walk.scope import Scope


class Asker:
    """Asks the questions of one session."""

    def __init__(
        self, *, journal: Journal, operator: Operator, renderer: Renderer, secrets: Secrets, recorder: Recorder
    ) -> None:
        self._journal = journal
        self._walk = journal.walk
        self._operator = operator
        self._renderer = renderer
        self._secrets = secrets
        self._recorder = recorder

    def ask(
        self, visit: Visit, prepared: Prepared, place: Place, question: Question, checked: Mapping[str, Json]
    ) -> Hand | None:
        """Ask, and tell the answer and what it comes to; an act of the operator in place of an answer is returned.

        :param checked: what a machine has answered of a checklist's items.
        """
        question = self._renderer.demanding(visit.step, question, Scope(self._walk))
        if not visit.open_question:
            asked = canonical(as_json(question))
            if size(asked) > LONGEST:
                # The action says what is asked, without what was filled in.
                asked = canonical({"ask": type(question).__name__})
            self._journal.tell(e.QuestionAsked, **place_of(visit), question=asked)
            self._journal.sync()
        reply = self._operator.answer(place, question)
        if isinstance(reply, Act | Note):
            return reply
        kind = prepared.kind
        if not is_asked(kind):  # pragma: no cover - only such a kind has a question
            raise TypeError(kind.NAME)
        answer = dict(reply)
        try:
            self._keep_secrets(question, answer)
            if isinstance(question, AskYes):
                _look_at_yes(question, answer)
            if visit.step.nested:
                given = answer.get("items")
                answer["items"] = {**(given if isinstance(given, dict) else {}), **checked}
            if (approved := approving.names(visit)) is not None:
                answer["approvals"] = approved
            look_at_length(answer)
            observation = kind.observe(answer, by=self._walk.operator)
        except (ValueError, Refused) as problem:
            self._operator.correct(place, str(problem))
            return None
        self._journal.tell(
            e.AnswerGiven,
            **place_of(visit),
            answer=canonical(answer),
            by=self._walk.operator,
            source=self._operator.source,
        )
        self._recorder.conclude(visit, prepared, observation)
        return None

    def _keep_secrets(self, question: Question, answer: JsonObject) -> None:
        """Take the values of secret fields out of an answer, before anything is written down."""
        fields = answer.get("fields")
        if not isinstance(question, AskForm) or not isinstance(fields, dict):
            return
        kept = dict(fields)
        for field in question.fields:
            if field.secret:
                self._secrets.take(field, kept.pop(field.name, None))
        answer["fields"] = kept


def _look_at_yes(question: AskYes, answer: JsonObject) -> None:
    """Turn the phrase into the yes that it is; anything but the exact phrase is none.

    :raises ValueError: with one line for the person.
    """
    confirm = answer.get("confirm")
    if question.phrase is not None and confirm != "no":
        if confirm != question.phrase:
            raise ValueError("type the phrase exactly, or `no`")
        answer["confirm"] = "yes"
    if question.reason_required and not str(answer.get("reason") or "").strip():
        raise ValueError("a reason is required")
