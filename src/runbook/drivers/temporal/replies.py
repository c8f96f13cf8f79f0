"""What can be an answer at all, and what an operator may do in place of one, as it comes through the engine."""

import dataclasses
import json

from runbook.drivers.messages import NOTES
from runbook.drivers.operator import Act, Hand, Note, Request, Shown
from runbook.drivers.temporal.payloads import SEALED, Reply, Waited, is_sealed
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Preview
from runbook.model.question import AskForm, Question
from runbook.model.runbook import Outcome
from runbook.walk.tables import HANDS

CHECKPOINT = "checkpoint"
"""The word for what is asked of the program that answers, and not of who sits at it: to sign the log."""
LONGEST = 200_000
"""Characters of an answer at most; what a record can hold is looked at when it is taken."""
OVER = Reply(run="", id=0, says="over", body="{}", by="", source="")
"""The time that was waited for has passed."""


class TooLate(ValueError):  # noqa: N818 - said of an answer
    """What is answered is not asked now, or not any more."""


def look_at_name(by: str) -> None:
    """Refuse what is no name.

    :raises ValueError: with one line for whoever gave it.
    """
    if not by.strip() or len(by) > 200 or not by.isprintable():
        raise ValueError("an answer says who gives it")


def body_of(reply: Reply) -> JsonObject:
    """What an answer holds.

    :raises ValueError: if it is no object of JSON.
    """
    try:
        body = json.loads(reply.body)
    except RecursionError:
        body = None
    if not isinstance(body, dict) or len(reply.body) > LONGEST:
        raise ValueError("an answer is an object, and not longer than a record can hold")
    return body


def only(reply: Reply, says: str) -> str | None:
    """Why an answer is not of the kind that is wanted; None if it is."""
    return None if reply.says == says else f"it is no answer to that question: `{reply.says}`"


def unsealed(question: Question, reply: Reply) -> str | None:
    """Why an answer must not go through the engine, because a secret stands in it that others could read; else None."""
    fields = body_of(reply).get("fields")
    if not isinstance(question, AskForm) or not isinstance(fields, dict):
        return None
    open_ = [each.name for each in question.fields if each.secret and not is_sealed(fields.get(each.name, SEALED))]
    return f"`{open_[0]}` is a secret, and is sealed where it is typed" if open_ else None


def outcome_fits(reply: Reply, says: str) -> str | None:
    """Why an answer is no outcome, under that word; None if it is."""
    if reply.says != says:
        return only(reply, says)
    outcomes = [outcome.value for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN)]
    return None if body_of(reply).get("outcome") in outcomes else "an outcome is passed, failed or unknown"


def confirmation_fits(reply: Reply, phrase: str | None) -> str | None:
    """Why an answer neither confirms something nor says why it is not confirmed; None if it does."""
    if reply.says == "no":
        return None if isinstance(body_of(reply).get("reason"), str) else "a no says why"
    if reply.says != "yes":
        return only(reply, "yes")
    return "it wants the exact phrase" if phrase is not None and body_of(reply).get("phrase") != phrase else None


def hand_fits(reply: Reply) -> str | None:
    """Why something is not what an operator may do in place of an answer; None if it is."""
    body = body_of(reply)
    texts = [body.get(name) for name in ("reason", "to")]
    if not all(text is None or isinstance(text, str) for text in texts):
        return "a reason is a text"
    if reply.says == "note":
        fits = body.get("kind") in NOTES and isinstance(body.get("text"), str) and str(body["text"]).strip()
        return None if fits else "a note has a kind and a text"
    return None if body.get("do") in HANDS else "that is nothing that an operator does"


def hand_of(reply: Reply) -> Hand:
    """What an operator does in place of an answer, in a reply that fits."""
    body = body_of(reply)
    if reply.says == "note":
        return Note(kind=str(body["kind"]), text=str(body["text"]))
    reason, to = body.get("reason"), body.get("to")
    return Act(
        do=str(body["do"]),
        reason=reason if isinstance(reason, str) else None,
        to=to if isinstance(to, str) else None,
    )


def plain(value: "Preview | Request | Shown | Waited") -> Json:
    """Something that is shown, as JSON."""
    plain: Json = dataclasses.asdict(value)
    return plain
