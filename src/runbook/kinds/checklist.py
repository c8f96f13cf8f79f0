"""The kind ``checklist``: yes, no or not verified, for each of several items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Asked, Observed, Preview, Traits, Verdict
from runbook.model.question import AskItems, Item
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved

_ANSWERS = {"yes": "yes", "no": "no", "not_verified": "not verified"}
"""The three answers, and how they are worded unless the file words them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist(Asked):
    """Several things to look at, each answered yes, no or not verified; some of them a machine can look at.

    Use it after a repair, for maintenance, or to tell what works and what does not. An item with a ``check`` is
    answered by that step: yes if it passes, no if it fails. Any *no* fails the checklist. What nobody verified stays
    open and is listed in the report; it fails the checklist only with ``require: all``. ``answers`` words the three
    answers otherwise.

    For example::

        kind: checklist
        items:
          - {id: sign_in, title: Sign-in works}
          - id: certificate
            title: The certificate has more than 14 days left
            check: {kind: http, url: "https://app.example.com", expect: tls.days_left > 14}
    """

    items: Sequence[Mapping[str, Resolved]]
    require: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)

    NAME: ClassVar[str] = "checklist"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["items"],
        items={
            "type": "array",
            "items": fragments.closed(
                "One thing to look at.",
                ["id", "title"],
                id=fragments.name("Its name, in answers and in what is observed."),
                title=fragments.text("What must be so."),
                check=fragments.read("The step that looks at it in place of a person."),
            ),
            "minItems": 1,
            "description": "What to look at.",
        },
        require=fragments.enumeration("`all`: what nobody verified fails the checklist too.", "all"),
        answers=fragments.closed(
            "Other words for the three answers.",
            yes=fragments.text("In place of yes."),
            no=fragments.text("In place of no."),
            not_verified=fragments.text("In place of not verified."),
        ),
    )
    TRAITS: ClassVar[Traits] = Traits(person=True, nested=("items[].check",), observes_failure=True)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "items": Observed(
            type="map<string,string>", text="For each item `yes`, `no` or `not_verified`.", after_failure=True
        ),
        "open": Observed(type="list<string>", text="The items that nobody verified.", after_failure=True),
        "failed": Observed(type="list<string>", text="The items whose answer is no.", after_failure=True),
        "notes": Observed(type="map<string,string>", text="What was noted beside items.", after_failure=True),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "journeys",
            "title": "Walk the main journeys",
            "kind": "checklist",
            "items": [
                {"id": "sign_in", "title": "Sign-in works"},
                {
                    "id": "certificate",
                    "title": "The certificate has more than 14 days left",
                    "check": {"kind": "http", "url": "https://app.example.com", "expect": "tls.days_left > 14"},
                },
            ],
            "require": "all",
        },
    )

    @classmethod
    def asks(cls, fields: Mapping[str, Json]) -> bool:
        """A person is asked unless a machine looks at every item."""
        items = fields.get("items")
        return not all("check" in item for item in items if isinstance(item, dict)) if isinstance(items, list) else True

    def preview(self) -> Preview:
        """What is looked at, and by whom."""
        lines = [item.title + (" (looked at by the machine)" if item.checked else "") for item in self._items()]
        return Preview(line=f"{len(lines)} item{'' if len(lines) == 1 else 's'}", detail="\n".join(lines))

    def question(self) -> AskItems | None:
        """The items; None where a machine looks at all of them."""
        items = self._items()
        if all(item.checked for item in items):
            return None
        yes, no, not_verified = (self.answers.get(key, words) for key, words in _ANSWERS.items())
        return AskItems(items=items, labels=(yes, no, not_verified))

    def observe(self, answer: JsonObject, *, by: str) -> JsonObject:
        """The answers by item, those of the machine among them, and what is open or failed."""
        del by
        given, notes = answer.get("items", {}), answer.get("notes", {})
        titles = {item.id: item.title for item in self._items()}
        if not isinstance(given, dict) or not isinstance(notes, dict):
            raise ValueError("the answer has no `items`")  # noqa: TRY004 - it does not fit the question
        for name in (*given, *notes):
            if name not in titles:
                raise ValueError(f"`{name}` is no item of this checklist")
        for name in titles:
            if given.get(name) not in _ANSWERS:
                raise ValueError(f"`{name}` wants one of {', '.join(_ANSWERS)}")
        return {
            "items": {name: given[name] for name in titles},
            "open": [name for name in titles if given[name] == "not_verified"],
            "failed": [name for name in titles if given[name] == "no"],
            "notes": {name: str(note) for name, note in notes.items()},
        }

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """Any no fails; what is open fails only where all is required."""
        failed = observation["failed"]
        if failed:
            return Verdict(outcome=Outcome.FAILED, reason=f"{self._titles(failed)}: {self.answers.get('no', 'no')}")
        if self.require == "all" and (open_items := observation["open"]):
            words = self.answers.get("not_verified", "not verified")
            return Verdict(outcome=Outcome.FAILED, reason=f"{self._titles(open_items)}: {words}")
        return Verdict(outcome=Outcome.PASSED)

    def _items(self) -> tuple[Item, ...]:
        return tuple(Item(id=str(i["id"]), title=str(i["title"]), checked="check" in i) for i in self.items)

    def _titles(self, names: Json) -> str:
        """The titles of items, for a reason."""
        titles = {item.id: item.title for item in self._items()}
        return ", ".join(titles.get(str(name), str(name)) for name in names) if isinstance(names, list) else str(names)
