"""Whether what a log holds is what comes out when it is computed again: piece by piece, where secrets are covered.

A piece of text that is covered agrees with anything that stands in its place, and so nobody can say that it was that:
its path is listed. Everything around it has to agree, shape included.
"""

import dataclasses
from collections.abc import Callable, Mapping

from runbook.drivers.preparing import MASK
from runbook.model.canonical import Json, JsonObject, canonical
from runbook.model.kind import KindClass
from runbook.model.repeated import in_full


def same_text(written: str, again: str) -> bool:
    """Whether a text of the log is this one, secrets covered or not."""
    if MASK not in written:
        return written == again
    front, *pieces = written.split(MASK)
    pieces = [piece.partition("]")[2] for piece in pieces]
    if not again.startswith(front) or not again.endswith(pieces[-1]):
        return False
    place = len(front)
    for piece in pieces[:-1]:
        found = again.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return place <= len(again) - len(pieces[-1])


class Agreement:
    """Compares JSON of a log with the same computed again; ``unknown`` lists the paths at which nobody can say."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def values(self, written: Json, again: Json, path: str = "") -> bool:
        """Whether a value is this one, secrets covered or not."""
        match written, again:
            case dict(), dict():
                return self._objects(written, again, path)
            case list(), list():
                pairs = zip(written, again, strict=False)
                return len(written) == len(again) and all(
                    self.values(one, other, f"{path}[{place}]") for place, (one, other) in enumerate(pairs)
                )
            case str(), str() | int() | float() if written != again and MASK in written:
                self.unknown.append(path)
                return same_text(written, again if isinstance(again, str) else canonical(again))
            case _:
                return canonical(written) == canonical(again)

    def _objects(self, written: JsonObject, again: JsonObject, path: str) -> bool:
        """Whether an object is this one; the keys of data may be covered too, and then stand in another order."""
        plain = [key for key in written if key in again]
        covered = [key for key in written if key not in again]
        left = [key for key in again if key not in written]
        if len(covered) != len(left):
            return False
        if not all(self.values(written[key], again[key], f"{path}.{key}" if path else key) for key in plain):
            return False
        for key in covered:
            place = f"{path}.{key}"
            self.unknown.append(place)
            found = [other for other in left if MASK in key and same_text(key, other)]
            fitting = next((other for other in found if self.values(written[key], again[other], place)), None)
            if fitting is None:
                return False
            left.remove(fitting)
        return True

    def actions(
        self,
        written: Json,
        again: JsonObject,
        *,
        version: str,
        version_of: Callable[[object], object],
        class_of: Callable[[str], KindClass],
        path: str = "",
    ) -> bool:
        """Whether an action, with those inside it, is this one.

        A field that only one of two versions of a kind has is one of which nobody can say, if the file leaves it out.

        :param version: of the program that computes again.
        :param version_of: what the log says of the version of a kind.
        :param class_of: the class of a kind in this version.
        """
        if not isinstance(written, dict):
            return False
        written, again = in_full(written), in_full(again)
        if written.keys() != again.keys() or written["kind"] != again["kind"]:
            return False
        if written["version"] != version_of(written["kind"]):
            return False
        defaults = None if written["version"] == version else _defaults(class_of(str(again["kind"])))

        def inner(one: Json, this: Json, name: str) -> bool:
            return isinstance(this, dict) and self.actions(
                one, this, version=version, version_of=version_of, class_of=class_of, path=f"{path}{name}."
            )

        def part(name: str) -> bool:
            match name, written[name], again[name]:
                case "kind" | "version", _, _:
                    return True
                case "fields", dict() as fields, dict() as these:
                    return self._fields(fields, these, defaults, path)
                case "nested", dict() as some, dict() as those:
                    return some.keys() == those.keys() and all(inner(some[each], those[each], each) for each in those)
                case "undo", undo, this:
                    return inner(undo, this, "undo")
                case _, value, this:
                    return self.values(value, this, path + name)

        return all(part(name) for name in again)

    def _fields(self, written: JsonObject, again: JsonObject, defaults: Mapping[str, object] | None, path: str) -> bool:
        """Whether the fields of an action are these; with ``defaults`` another version wrote them."""
        for name in written.keys() | again.keys():
            if name in written and name in again:
                agrees = self.values(written[name], again[name], path + name)
            elif defaults is None:
                agrees = False
            else:
                agrees = name not in defaults if name in written else again[name] == defaults[name]
                self.unknown.append(path + name)
            if not agrees:
                return False
        return True


def _defaults(class_: KindClass) -> Mapping[str, object]:
    """The fields that a kind has in this version, each with what it is where a file does not write it."""
    fields = dataclasses.fields(class_)  # type: ignore[arg-type]  # every kind is a dataclass
    found: dict[str, object] = {}
    for each in fields:
        made = each.default_factory
        value = each.default if made is dataclasses.MISSING else made()
        found[each.name.removesuffix("_")] = list(value) if isinstance(value, tuple) else value
    return found
