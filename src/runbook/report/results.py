"""What came of a visit, in a few words that stand alone."""

import json
from collections.abc import Iterable, Iterator, Mapping

from runbook.model.canonical import Json, JsonObject
from runbook.model.durations import spoken
from runbook.model.runbook import Fidelity
from runbook.report.content import Item, Visit
from runbook.report.deeds import fields_of
from runbook.report.visits import deed_of, last_seen, own_attempts

_WORTH_A_WORD = 1_000
_WORDS = {"yes": "yes", "no": "no", "not_verified": "not verified"}


def result_of(visit: Visit) -> str:
    """The outcome of a visit with what a reader wants to know about it, and how long it took where that was long."""
    said = _result(visit)
    # A wait says itself how long it was.
    if visit.kind == "wait" or visit.took_ms is None or visit.took_ms < _WORTH_A_WORD:
        return said
    return f"{said} ({spoken(visit.took_ms)})"


def _result(visit: Visit) -> str:
    match visit.outcome:
        case "passed":
            return _passed(visit)
        case "refused":
            return because("may not start", visit.reason)
        case "open":
            began = own_attempts(visit)
            return because("no result is on record" if began else "entered, and not started", visit.reason)
        case "left":
            return because("left by a jump", visit.reason)
        case "failed" if visit.kind == "checklist":
            return f"failed: {counted(items_of(visit))}"
        case outcome:
            return because(f"{outcome}{_tries(visit, 'after')}{_says(visit)}", visit.reason)


def word_of(visit: Visit) -> str:
    """The outcome of a visit in one word; in a dry run the label of one that is not worth its name."""
    return visit.outcome if performed(visit) else own_attempts(visit)[-1].fidelity


def performed(visit: Visit) -> bool:
    """Whether the outcome is one of something that was performed, and says something: in a dry run it may not."""
    own = own_attempts(visit)
    return not own or own[-1].fidelity in {"", Fidelity.RAN.value}


def _passed(visit: Visit) -> str:
    seen, said = last_seen(visit), _says(visit)
    if not performed(visit):
        return visit.reason
    if visit.settled:
        return because(f"passed, says {_settler(visit)}", visit.settled[-1].evidence)
    if visit.undoes is not None:
        return f"taken back{said}"
    match visit.kind:
        case "choice":
            return f"{chosen(visit)}{said or ', by its conditions'}"
        case "gate":
            return because(f"yes{said}", visit.reason)
        case "manual":
            return because(f"done{said}", _text(seen, "evidence"))
        case "message":
            to = audience(visit)
            return f"sent to {to}{said}" if to else f"sent{said}"
        case "checklist":
            return counted(items_of(visit))
        case "ask":
            return f"filled in{said}: {named(seen)}"
        case "wait":
            return _waited(visit)
        case "finish":
            return _text(_fields(visit), "outcome")
        case _:
            counts = [f"{seen[name]} {name}" for name in ("passed", "failed", "unknown") if seen.get(name)]
            return f"passed: {', '.join(counts)}" if "items" in seen and counts else f"passed{_tries(visit, 'at')}"


def because(said: str, reason: str) -> str:
    """What happened, and why where that is known."""
    return f"{said}: {reason}" if reason else said


def chosen(visit: Visit) -> str:
    """The label of the option that was taken."""
    choice = str(last_seen(visit).get("chosen"))
    return labels(visit).get(choice) or choice


def labels(visit: Visit) -> Mapping[str, str]:
    """What the options of a choice say, as the operator read them, by their ids; none of a visit of another kind."""
    options = _objects(_fields(visit).get("options")) if visit.kind == "choice" else []
    return {str(option.get("id")): str(option.get("label") or "") for option in options}


def numbered(visits: Iterable[Visit]) -> Iterator[tuple[int, Visit, str]]:
    """Every visit with its number, and what the option says that led there; empty where none did."""
    said: dict[tuple[str | None, str], str] = {}
    for number, visit in enumerate(visits, 1):
        yield number, visit, said.get((visit.source, visit.via), "")
        said |= {(visit.step, f"option:{option}"): label for option, label in labels(visit).items()}


def audience(visit: Visit) -> str:
    """For whom a message was."""
    return _text(_fields(visit), "audience")


def posted(visit: Visit) -> bool:
    """Whether a message goes to a webhook; else it is copied and sent by hand."""
    return _fields(visit).get("webhook") is not None


def question(visit: Visit) -> str:
    """The question of a gate."""
    return _text(_fields(visit), "question")


def items_of(visit: Visit) -> tuple[Item, ...]:
    """The items of a checklist with their answers; none where it was not answered."""
    fields, seen = _fields(visit), last_seen(visit)
    answers, notes = seen.get("items"), seen.get("notes")
    if not isinstance(answers, dict):
        return ()
    worded = fields.get("answers")
    words = {**_WORDS, **(worded if isinstance(worded, dict) else {})}
    items = []
    for item in _objects(fields.get("items")):
        name = str(item.get("id"))
        answer = str(answers.get(name) or "not_verified")
        items.append(
            Item(
                id=name,
                title=str(item.get("title") or name),
                answer=answer,
                words=str(words.get(answer, answer)),
                checked="check" in item,
                note=_text(notes, name) if isinstance(notes, dict) else "",
            )
        )
    return tuple(items)


def counted(items: Iterable[Item]) -> str:
    """Answers counted, and the items that are not as they should be by name."""
    by_answer: dict[str, list[Item]] = {}
    for item in items:
        by_answer.setdefault(item.answer, []).append(item)
    said = []
    for answer in sorted(by_answer, key=[*_WORDS].index if by_answer.keys() <= _WORDS.keys() else str):
        found = by_answer[answer]
        names = "" if answer == "yes" else f" ({'; '.join(item.title for item in found)})"
        said.append(f"{len(found)} {found[0].words}{names}")
    return ", ".join(said)


def named(values: JsonObject) -> str:
    """Values by their names, in a line; what is no text as JSON writes it."""
    written = {
        name: text if isinstance(text, str) else json.dumps(text, ensure_ascii=False) for name, text in values.items()
    }
    return ", ".join(f"{name} = {text}" for name, text in written.items())


def _waited(visit: Visit) -> str:
    waited = visit.waits[-1] if visit.waits else None
    if waited is None or not waited.waited_ms:
        return "passed at once"
    looked = f", looked {waited.checks} times" if waited.checks > 1 else ""
    why = {"operator": ", stopped by the operator", "passed": "; it passed"}.get(waited.why or "", "")
    return f"waited {spoken(waited.waited_ms)}{looked}{why}"


def _tries(visit: Visit, word: str) -> str:
    """How many attempts it took, where it was more than one."""
    tries = len(own_attempts(visit))
    if tries < 2:
        return ""
    return f" {word} attempt {tries}" if word == "at" else f" {word} {tries} attempts"


def _says(visit: Visit) -> str:
    """Whose word it is."""
    return f", says {visit.answers[-1].by}" if visit.answers else ""


def _settler(visit: Visit) -> str:
    by = visit.settled[-1].by
    return "its probe" if by == "probe" else by


def _fields(visit: Visit) -> JsonObject:
    deed = deed_of(visit)
    return fields_of(deed) if deed else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(values: JsonObject, name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""
