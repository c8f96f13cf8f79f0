"""What the parts of a file must agree on, and no schema can say: names that exist once, environments alike.

Each rule looks at data that the schema has found nothing wrong with.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from runbook.language import places
from runbook.language.document import Document
from runbook.language.every_step import Written
from runbook.language.places import Path
from runbook.language.step_binding import own_fields
from runbook.language.typed import elements, mapping, text, texts, time, whole
from runbook.language.written import short
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Span

RESERVED = Code(
    number="RB129",
    title="reserved name",
    why="`in`, `true`, `false` and `null` are words of the expression language, so no expression could refer to a step "
    "of that name; `next` says where a step leads; `environment.name` is the environment's own name.",
)
UNLIKE_ENVIRONMENTS = Code(
    number="RB130",
    title="environments with different keys",
    why="An expression such as `environment.base_url` must have a value in every environment, or a runbook that was "
    "tried on staging would fail in production. So every environment has the same keys.",
)
SAME_ID = Code(
    number="RB131",
    title="two parts with one id",
    why="Answers, logs and scenarios name an option, an item or an inner step by its id; with two of that name, nobody "
    "could tell which one was meant.",
)
UNKNOWN_ROLE = Code(
    number="RB132",
    title="role that does not exist",
    why="Approvals come from persons in a role, and the file says who they are. A role that nobody has could never "
    "approve anything.",
)
UNKNOWN_ENVIRONMENT = Code(
    number="RB133",
    title="environment that does not exist",
    why="A guard that wants a run of this very runbook in another environment can be met only if there is one of "
    "that name in the file.",
)
UNKNOWN_STEP = Code(
    number="RB138",
    title="step of a required run that does not exist",
    why="A guard that wants a run of this very runbook in which a step passed can be met only if there is a step of "
    "that name in the file.",
)
NEVER_MET = Code(
    number="RB139",
    title="guard that no first run can meet",
    why="A guard wants a run in which this very step passed. In the first run there is none, so the step is refused; "
    "and so it is in every later one. A `when` has to let some runs go without: those on staging.",
)
IDLE_GUARD = Code(
    number="RB148",
    title="guard that refuses nothing",
    why="A cooldown of no time lets every start go. Whoever reads the file would think that the step is guarded.",
)
LEADS_NOWHERE = Code(
    number="RB134",
    title="a key that a last step cannot have",
    why="A run ends when a `finish` is entered: nothing can fail there, nothing follows, nothing is done. A key that "
    "says what happens afterwards would never be read.",
)
TOO_FEW = Code(
    number="RB137",
    title="too few who could approve",
    why="So many different persons must approve, and the roles do not have as many: the step could never start. The "
    "operator is none of them, so a role has one person more than it takes.",
)
OTHER_VARIANT = Code(
    number="RB136",
    title="a field of another provider",
    why="Some fields belong to one word of another field: `region` to the provider `cloud_run`, `list` to `custom`. "
    "Elsewhere nobody would read them, so a step that has one was meant otherwise; and where one is needed, nothing "
    "can be guessed in its place.",
)

_ADDRESS_PARTS = frozenset({"undo", "probe", "until"})
_AT_THE_END = frozenset({"id", "title", "description", "section", "kind", "needs"})


def consistency(document: Document, steps: Sequence[Written], *, whole: bool = True) -> Iterator[Diagnostic]:
    """Everything on which the parts of a file do not agree, in no particular order.

    :param whole: false if something is wrong at the top of the file: then nothing is held against that.
    """
    top = mapping(document.data)
    facts = _Facts(document, top)
    # Of a step in which something else is wrong the id is known all the same; one without may be any.
    named = [text(mapping(raw).get("id")) for raw in elements(top.get("steps"))]
    ids = frozenset((*named, *(text(step.raw.get("id")) for step in steps))) if all(named) else None
    if whole:
        yield from facts.environments()
    for step in steps:
        yield from facts.groups(step)
        yield from facts.ids(step)
        if whole:
            yield from facts.variants(step)  # `defaults` may hold what a step lacks
            yield from facts.roles(step)
            yield from facts.guards(step, ids)
        if step.kind.TRAITS.ends:
            yield from facts.end(step)


class _Facts:
    """The rules about one file: each method yields what breaks it."""

    def __init__(self, document: Document, top: Mapping[str, Json]) -> None:
        """Look at a file."""
        self.document = document
        self.top = top

    def diagnostic(self, code: Code, span: Span, message: str, help_: str) -> Diagnostic:
        """A diagnostic at a place of the file."""
        return Diagnostic(code=code, message=message, file=self.document.file, span=span, help=help_)

    def environments(self) -> Iterator[Diagnostic]:
        """The same keys in each, and none called ``name``."""
        environments = {name: mapping(keys) for name, keys in mapping(self.top.get("environments")).items()}
        first_with: dict[str, str] = {}
        for name, keys in environments.items():
            for key in keys:
                first_with.setdefault(key, name)
        for name, keys in environments.items():
            for key, other in first_with.items():
                if key not in keys:
                    yield self.diagnostic(
                        UNLIKE_ENVIRONMENTS,
                        self.document.key_span(("environments", name)),
                        f"the environment `{name}` has no `{key}`, and `{other}` has one",
                        f"add `{key}` to `{name}`, or take it out of the others",
                    )
            if "name" in keys:
                yield self.diagnostic(
                    RESERVED,
                    self.document.key_span(("environments", name, "name")),
                    "an environment cannot have a key `name`: `environment.name` is its own name",
                    "choose another name, such as `service_name`",
                )

    def groups(self, step: Written) -> Iterator[Diagnostic]:
        """Exactly one, or at most one, of the fields that exclude each other, defaults filled in."""
        given = own_fields(step.raw, step.kind, mapping(self.top.get("defaults")).get(step.kind.NAME))
        traits = step.kind.TRAITS
        for group in (*traits.exactly_one, *traits.at_most_one):
            count = sum(name in given for name in group)
            if count > 1 or (count == 0 and group in traits.exactly_one):
                from runbook.language.key_complaints import exclusive  # only for the words about a mistake

                for complaint in exclusive(f"this `{step.kind.NAME}` step", group, given, step.path):
                    span = self.document.key_span(complaint.path)
                    yield self.diagnostic(complaint.code, span, complaint.message, complaint.help)

    def variants(self, step: Written) -> Iterator[Diagnostic]:
        """No field that is only for another word than the one that its step has, and each that the word needs."""
        given = own_fields(step.raw, step.kind, mapping(self.top.get("defaults")).get(step.kind.NAME))
        for chosen, words in step.kind.TRAITS.variants.items():
            word = text(given.get(chosen))
            variant = words.get(word)
            if variant is None:
                continue
            for name in step.raw:
                others = [other for other, its in words.items() if name in its.knows]
                if others and word not in others:
                    span = self.document.key_span((*step.path, name))
                    message = f"`{name}` is not for the {chosen} `{word}`, but for {' and '.join(others)}"
                    yield self.diagnostic(OTHER_VARIANT, span, message, f"take `{name}` out")
            for name in sorted(variant.needs - given.keys()):
                at = (*step.path, chosen) if chosen in step.raw else (*step.path, "kind")
                message = f"the {chosen} `{word}` needs `{name}`, which this `{step.kind.NAME}` step does not have"
                help_ = f"add `{name}`; `runbook kinds {step.kind.NAME}` tells its fields"
                yield self.diagnostic(OTHER_VARIANT, self.document.span(at), message, help_)

    def ids(self, step: Written) -> Iterator[Diagnostic]:
        """Each id once among options, items and inner steps, and none that an address uses otherwise."""
        inside = {places.root_of(place) for place in step.kind.TRAITS.nested}
        pieces = mapping(step.kind.SCHEMA["properties"])
        for name, value in step.raw.items():
            if not _elements_have_ids(pieces.get(name)):
                continue
            seen: set[str] = set()
            for index, element in enumerate(elements(value)):
                part = text(mapping(element).get("id"))
                span = self.document.span
                path: Path = (*step.path, name, index, "id")
                if part in seen:
                    message = f"there are two `{part}` in `{name}`"
                    help_ = f"give one of them another id, such as `{part}_2`"
                    yield self.diagnostic(SAME_ID, span(path), message, help_)
                if name in inside and part in _ADDRESS_PARTS:
                    message = f"`{part}` cannot be an id here: `STEP.{part}` is the address of the step's own `{part}`"
                    help_ = f"choose another id, such as `{part}_it`"
                    yield self.diagnostic(RESERVED, span(path), message, help_)
                seen.add(part)

    def roles(self, step: Written) -> Iterator[Diagnostic]:
        """Only roles that the file declares."""
        known = mapping(self.top.get("roles"))
        approvals = mapping(mapping(step.raw.get("confirm")).get("approvals"))
        for index, role in enumerate(texts(approvals.get("from"))):
            if role not in known:
                yield self.diagnostic(
                    UNKNOWN_ROLE,
                    self.document.span((*step.path, "confirm", "approvals", "from", index)),
                    f"there is no role `{role}`",
                    _meant(role, known) or f"add it: `roles: {{{role}: [somebody@example.com]}}`",
                )
        wanted = texts(approvals.get("from"))
        count = whole(approvals.get("count"), 0)
        members = {person for role in wanted for person in texts(known.get(role))}
        if len(members) < count and all(role in known for role in wanted):
            yield self.diagnostic(
                TOO_FEW,
                self.document.span((*step.path, "confirm", "approvals", "count")),
                f"{count} must approve, and {_persons(len(members))} the role{'s' * (len(wanted) > 1)} "
                + ", ".join(f"`{role}`" for role in wanted),
                "lower the `count`, or add persons to the role",
            )
        yield from self.overrides(step, wanted or tuple(known))

    def overrides(self, step: Written, roles: Iterable[str]) -> Iterator[Diagnostic]:
        """Somebody who could approve an override."""
        known = mapping(self.top.get("roles"))
        if any(texts(known.get(role)) for role in roles):
            return
        for index, guard in enumerate(elements(step.raw.get("guards"))):
            if mapping(guard).get("override") == "approval":
                yield self.diagnostic(
                    TOO_FEW,
                    self.document.span((*step.path, "guards", index, "override")),
                    "somebody must approve the override, and no role of the file has anybody",
                    "add them: `roles: {oncall: [somebody@example.com]}`",
                )

    def guards(self, step: Written, ids: frozenset[str] | None) -> Iterator[Diagnostic]:
        """Guards that can refuse and can be met; a run of this very runbook has its environments and steps only."""
        known = mapping(self.top.get("environments"))
        for index, raw in enumerate(elements(step.raw.get("guards"))):
            guard, path = mapping(raw), (*step.path, "guards", index)
            if "cooldown" in guard and time(guard["cooldown"]) == 0:
                span = self.document.span((*path, "cooldown"))
                yield self.diagnostic(IDLE_GUARD, span, "a cooldown of no time refuses nothing", "write how long")
            rule = mapping(guard.get("requires_run"))
            if not rule or rule.get("runbook", self.top["id"]) != self.top["id"]:
                continue
            name, wanted = text(rule.get("environment")), text(rule.get("step")) or text(step.raw.get("id"))
            if name and "${{" not in name and name not in known:
                yield self.diagnostic(
                    UNKNOWN_ENVIRONMENT,
                    self.document.span((*path, "requires_run", "environment")),
                    f"this runbook has no environment `{short(name)}`",
                    _meant(name, known) or "name one of this file's environments, or the other `runbook`",
                )
            elif ids is not None and wanted not in ids:
                yield self.diagnostic(
                    UNKNOWN_STEP,
                    self.document.span((*path, "requires_run", "step")),
                    f"this runbook has no step `{short(wanted)}`",
                    _meant(wanted, dict.fromkeys(ids)) or "name one of this file's steps, or the other `runbook`",
                )
            elif wanted == step.raw.get("id") and not guard.keys() & {"when", "override"}:
                yield self.diagnostic(
                    NEVER_MET,
                    self.document.key_span((*path, "requires_run")),
                    "this step must have passed in a run before it can pass in any",
                    'add a `when` that lets the first run go: `when: environment.name == "production"`',
                )

    def end(self, step: Written) -> Iterator[Diagnostic]:
        """Nothing on a last step that would happen after it."""
        for key in step.raw:
            if key not in _AT_THE_END and key not in mapping(step.kind.SCHEMA["properties"]):
                yield self.diagnostic(
                    LEADS_NOWHERE,
                    self.document.key_span((*step.path, key)),
                    f"the run ends with this step, so its `{key}` would never be used",
                    f"take `{key}` out",
                )


def _elements_have_ids(piece: Json) -> bool:
    """Whether a field is a list whose elements are named by an id, such as ``options``; a request's JSON is not."""
    schema = mapping(piece)
    items = mapping(schema.get("items") or mapping(schema.get("else")).get("items"))
    return "id" in mapping(items.get("properties")) or items.get("$ref") == "#/$defs/member"


def _persons(count: int) -> str:
    return {0: "nobody has", 1: "one person has"}.get(count, f"{count} persons have")


def _meant(word: str, words: Mapping[str, Json]) -> str:
    from runbook.language.near import nearest  # only where something is misspelt

    guess = nearest(word, words)
    return f"did you mean `{guess}`?" if guess else ""
