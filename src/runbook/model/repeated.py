"""The action of a step that is repeated: those of all its elements as one, with what they have in common written once.

``{"for_each": [{"item": …, …}, …], "kind": …, "same": {…}, "version": …}``: what is done for an element is its own part
laid over ``same``, object into object. So a long script stands once in a record, and not once a machine.
"""

from collections.abc import Sequence

from runbook.model.canonical import Json, JsonObject, canonical

_OF_ALL = ("kind", "version")


def joined(items: Sequence[Json], actions: Sequence[JsonObject], kind: str, version: str) -> JsonObject:
    """The actions of all elements as one.

    :param actions: what is done for each of ``items``; all of that kind and version.
    """
    parts = [{name: part for name, part in action.items() if name not in _OF_ALL} for action in actions]
    same = _common(parts) if parts else {}
    each: list[Json] = [{"item": item, **_less(part, same)} for item, part in zip(items, parts, strict=True)]
    return {"kind": kind, "version": version, "for_each": each, **({"same": same} if same else {})}


def elements(action: JsonObject) -> list[JsonObject] | None:
    """What is done for each element, with its ``item``, in full; None if it is no such action."""
    parts = _parts(action)
    return None if parts is None else [{**part, **{n: action[n] for n in _OF_ALL if n in action}} for part in parts]


def in_full(action: JsonObject) -> JsonObject:
    """The action of a step that is repeated with nothing written once for all; any other as it is.

    Earlier versions wrote every element in full, and what these have in common depends on the version.
    """
    parts = _parts(action)
    if parts is None:
        return action
    return {**{name: part for name, part in action.items() if name != "same"}, "for_each": [*parts]}


def _parts(action: JsonObject) -> list[JsonObject] | None:
    """What each element does, without what is that of all; None if it is no such action."""
    each, same = action.get("for_each"), action.get("same", {})
    if not isinstance(each, list) or not isinstance(same, dict):
        return None
    parts = [_over(part, same) for part in each if isinstance(part, dict) and "item" in part]
    return parts if len(parts) == len(each) else None


def _common(parts: Sequence[JsonObject]) -> JsonObject:
    """What all have in common, object by object."""
    found: JsonObject = {}
    for name, value in parts[0].items():
        if not all(name in part for part in parts):
            continue
        values = [part[name] for part in parts]
        objects = [value for value in values if isinstance(value, dict)]
        if len({canonical(value) for value in values}) == 1:
            found[name] = value
        elif len(objects) == len(values) and (inner := _common(objects)):
            found[name] = inner
    return found


def _less(part: JsonObject, same: JsonObject) -> JsonObject:
    """A part without what it has in common with the others."""
    rest: JsonObject = {}
    for name, value in part.items():
        if name not in same:
            rest[name] = value
        elif isinstance(value, dict) and isinstance(known := same[name], dict) and (inner := _less(value, known)):
            rest[name] = inner
    return rest


def _over(part: JsonObject, same: JsonObject) -> JsonObject:
    """A part laid over what all have in common."""
    laid: JsonObject = dict(same)
    for name, value in part.items():
        known = laid.get(name)
        laid[name] = _over(value, known) if isinstance(value, dict) and isinstance(known, dict) else value
    return laid
