"""Binds the steps of a file, nested ones included: effect, confirmation and the file's defaults are settled here.

A step's effect is the one it says, else the one its kind sees in its fields; where neither says, the file is refused
by ``safety``, and the effect is taken to be a change until then. No key weakens what an irreversible step asks.
"""

from collections.abc import Mapping

from runbook.language import places, typed
from runbook.language.document import Document
from runbook.language.envelope import STEP
from runbook.language.places import Path
from runbook.model.canonical import Json
from runbook.model.kind import KindClass, Registry
from runbook.model.runbook import Approvals, Confirm, Effect, ForEach, Guard, Need, Nested, Retry, Step

_ENVELOPE = frozenset(STEP) | {"kind", "failed_when"}


def readable(name: str) -> str:
    """A title made of an id: ``Check health`` of ``check_health``."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def own_fields(raw: Mapping[str, Json], kind: KindClass, defaults: Json) -> Mapping[str, Json]:
    """The kind's own fields of a step, with the file's defaults for the kind below them.

    A default gives way where the step has another field of a group that excludes each other, or a word that does not
    know it.
    """
    own = {name: value for name, value in raw.items() if name not in _ENVELOPE}
    if not isinstance(defaults, dict):
        return own
    groups = (*kind.TRAITS.exactly_one, *kind.TRAITS.at_most_one)
    settled = {name for group in groups if not own.keys().isdisjoint(group) for name in group}
    for chosen, words in kind.TRAITS.variants.items():
        variant = words.get(typed.text(own.get(chosen, defaults.get(chosen))))
        settled |= {name for its in words.values() for name in its.knows} - variant.knows if variant else set()
    return {**{name: value for name, value in defaults.items() if name not in settled}, **own}


class Steps:
    """Binds the steps of one file: it holds the file's defaults, environments and places."""

    def __init__(self, document: Document, registry: Registry) -> None:
        """Remember what every step of the file shares."""
        top = typed.mapping(document.data)
        self.document = document
        self.registry = registry
        self.defaults = typed.mapping(top.get("defaults"))
        self.named_environments = bool(top.get("environments"))

    def step(self, raw: Mapping[str, Json], path: Path) -> Step:
        """One step of the runbook."""
        kind = typed.text(raw["kind"])
        step_id = typed.text(raw["id"])
        fields = self.fields(kind, raw)
        effect = self.effect(kind, raw, fields)
        undo, probe = raw.get("undo"), raw.get("probe")
        return Step(
            id=step_id,
            kind=kind,
            title=typed.text(raw.get("title")) or readable(step_id),
            span=self.document.span((*path, "id")),
            effect=effect,
            fields=fields,
            nested=self.inside(kind, raw, path),
            description=typed.text(raw.get("description")),
            section=typed.text(raw.get("section")),
            when=typed.text_or_none(raw.get("when")),
            needs=tuple(_need(need) for need in typed.elements(raw.get("needs"))),
            because=typed.text(raw.get("because")),
            idempotent=raw.get("idempotent") is True,
            confirm=self.confirm(raw.get("confirm"), effect, step_id),
            guards=tuple(_guard(typed.mapping(guard)) for guard in typed.elements(raw.get("guards"))),
            expect=typed.text_or_none(raw.get("expect")),
            save=typed.texts_by_name(raw.get("save")),
            save_secret=typed.texts_by_name(raw.get("save_secret")),
            timeout=typed.time(raw.get("timeout")),
            retry=_retry(raw.get("retry")),
            for_each=_for_each(raw.get("for_each")),
            max_visits=typed.whole(raw["max_visits"], 1) if "max_visits" in raw else None,
            undo=self.nested(undo, (*path, "undo")) if isinstance(undo, dict) else None,
            no_undo=undo == "none",
            probe=self.nested(probe, (*path, "probe")) if isinstance(probe, dict) else None,
            next=typed.text_or_none(raw.get("next")),
            on_fail=typed.text_or_none(raw.get("on_fail")),
            on_unknown=typed.text_or_none(raw.get("on_unknown")),
            site=typed.text_or_none(raw.get("site")),
        )

    def nested(self, raw: Mapping[str, Json], path: Path) -> Nested:
        """A step inside a step."""
        kind = typed.text(raw["kind"])
        probe = raw.get("probe")
        return Nested(
            kind=kind,
            fields=self.fields(kind, raw),
            span=self.document.span((*path, "kind")),
            title=typed.text(raw.get("title")),
            expect=typed.text_or_none(raw.get("expect")),
            timeout=typed.time(raw.get("timeout")),
            retry=_retry(raw.get("retry")),
            save=typed.texts_by_name(raw.get("save")),
            confirm=_confirm(raw["confirm"]) if "confirm" in raw else None,
            probe=self.nested(probe, (*path, "probe")) if isinstance(probe, dict) else None,
            failed_when=typed.text_or_none(raw.get("failed_when")),
        )

    def fields(self, kind: str, raw: Mapping[str, Json]) -> Mapping[str, Json]:
        """The kind's own fields of a step, defaults filled in."""
        return own_fields(raw, self.registry[kind], self.defaults.get(kind))

    def inside(self, kind: str, raw: Mapping[str, Json], path: Path) -> Mapping[str, Nested]:
        """The steps inside a step's own fields, by the last part of their address."""
        return {
            places.name_at(inner, raw): self.nested(value, (*path, *inner))
            for place in self.registry[kind].TRAITS.nested
            for inner, value in places.found(place, raw)
            if isinstance(value, dict)
        }

    def effect(self, kind: str, raw: Mapping[str, Json], fields: Mapping[str, Json]) -> Effect:
        """What a step does to the world."""
        if "effect" in raw:
            return Effect(raw["effect"])
        return self.registry[kind].effect_of(fields) or Effect.CHANGE

    def confirm(self, raw: Json, effect: Effect, step_id: str) -> Confirm | None:
        """What is asked before a step; of an irreversible one a phrase and a reason, whatever the file says."""
        if effect is not Effect.IRREVERSIBLE:
            return _confirm(raw) if isinstance(raw, dict) else None
        asked = _confirm(raw)
        return Confirm(
            phrase=asked.phrase or ("${{ environment.name }}" if self.named_environments else step_id),
            reason=True,
            approvals=asked.approvals,
            expires=asked.expires,
            each=asked.each,
        )


def _confirm(raw: Json) -> Confirm:
    asked = typed.mapping(raw)
    approvals = asked.get("approvals")
    return Confirm(
        phrase=typed.text_or_none(asked.get("phrase")),
        reason=asked.get("reason") == "required",
        approvals=_approvals(approvals) if isinstance(approvals, dict) else None,
        expires=typed.time(asked.get("expires")),
        each=asked.get("each") is True,
    )


def _approvals(raw: Mapping[str, Json]) -> Approvals:
    return Approvals(count=typed.whole(raw["count"], 1), roles=typed.texts(raw["from"]))


def _need(raw: Json) -> Need:
    if isinstance(raw, str):
        return Need(step=raw)
    need = typed.mapping(raw)
    return Need(step=typed.text(need["step"]), within=typed.time(need.get("within")))


def _guard(raw: Mapping[str, Json]) -> Guard:
    about = {"when", "override"}
    return Guard(
        kind="requires_run" if "requires_run" in raw else "cooldown",
        rule={key: value for key, value in raw.items() if key not in about},
        when=typed.text_or_none(raw.get("when")),
        override=typed.text_or_none(raw.get("override")),
    )


def _retry(raw: Json) -> Retry | None:
    if not isinstance(raw, dict):
        return None
    delay = typed.time(raw.get("delay"))
    return Retry(
        attempts=typed.whole(raw["attempts"], 1),
        delay=1_000 if delay is None else delay,
        backoff=typed.decimal(raw.get("backoff"), 1.0),
        max_delay=typed.time(raw.get("max_delay")),
    )


def _for_each(raw: Json) -> ForEach | None:
    if not isinstance(raw, dict):
        return None
    return ForEach(
        source=typed.text(raw["in"]),
        at_once=typed.whole(raw.get("at_once"), 1),
        max_failures=typed.whole(raw.get("max_failures"), 0),
    )
