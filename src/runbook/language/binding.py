"""From data that the schema has judged to a frozen :class:`Runbook`, with every default filled in.

Nothing here can be wrong about a file: what the schema cannot see is judged afterwards, in ``safety`` and ``lint``.
"""

from collections.abc import Mapping

from runbook.language import typed
from runbook.language.document import Document
from runbook.language.envelope import REVIEW_EVERY
from runbook.language.step_binding import Steps, readable
from runbook.model.canonical import Json
from runbook.model.inputs import input_of
from runbook.model.kind import Registry
from runbook.model.runbook import Contact, Link, Reminder, Runbook, SecretSource

_SOURCES = ("env", "file", "command", "prompt")


def bind(document: Document, registry: Registry) -> Runbook:
    """The runbook that a file says, which the schema has found nothing wrong with."""
    top = typed.mapping(document.data)
    steps = Steps(document, registry)
    return Runbook(
        id=typed.text(top["id"]),
        title=typed.text(top.get("title")) or readable(typed.text(top["id"])),
        description=typed.text(top.get("description")),
        owner=typed.text(top.get("owner")),
        tags=typed.texts(top.get("tags")),
        links=tuple(
            Link(title=typed.text(link["title"]), url=typed.text(link["url"]))
            for link in map(typed.mapping, typed.elements(top.get("links")))
        ),
        contacts=tuple(
            Contact(
                name=typed.text(contact["name"]),
                reach=typed.text(contact["reach"]),
                when=typed.text(contact.get("when")),
            )
            for contact in map(typed.mapping, typed.elements(top.get("contacts")))
        ),
        environments={name: typed.mapping(keys) for name, keys in typed.mapping(top.get("environments")).items()},
        inputs={name: input_of(name, typed.mapping(raw)) for name, raw in typed.mapping(top.get("inputs")).items()},
        secrets={
            name: _secret(name, typed.mapping(source)) for name, source in typed.mapping(top.get("secrets")).items()
        },
        roles={name: typed.texts(people) for name, people in typed.mapping(top.get("roles")).items()},
        lock=typed.text_or_none(top.get("lock")),
        on_fail=typed.text_or_none(top.get("on_fail")),
        reminders=tuple(
            Reminder(
                say=typed.text(reminder["say"]),
                every=typed.time(reminder.get("every")),
                after=typed.time(reminder.get("after")),
            )
            for reminder in map(typed.mapping, typed.elements(top.get("reminders")))
        ),
        symptoms=typed.texts(top.get("symptoms")),
        last_reviewed=typed.text(top.get("last_reviewed")),
        review_every=typed.time(top.get("review_every", REVIEW_EVERY)) if "last_reviewed" in top else None,
        steps=tuple(
            steps.step(typed.mapping(raw), ("steps", index)) for index, raw in enumerate(typed.elements(top["steps"]))
        ),
    )


def _secret(name: str, raw: Mapping[str, Json]) -> SecretSource:
    kind = next(kind for kind in _SOURCES if kind in raw)
    value = raw[kind]
    return SecretSource(
        name=name,
        kind=kind,
        value=typed.texts(value) if isinstance(value, list) else typed.text(value),
        strip_newline=raw.get("strip") == "newline",
    )
