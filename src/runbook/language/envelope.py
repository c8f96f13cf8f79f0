"""The schema of everything in a runbook that belongs to no kind: the top level, and the keys of every step.

The kinds' own fields are joined to it in :mod:`runbook.language.schema`. Values here are fixed when the file is read,
so none may be a ``${{ }}`` unless it is a text. The shape follows what editors and validators bear: closed mappings,
``if`` and ``then`` in place of unions, and no pattern but those that every regular-expression engine reads alike.
"""

from runbook.model.canonical import Json, JsonObject
from runbook.model.fragments import closed

# Not `[\s\S]*` inside, for what holds a second `${{` is a text with two of them. No engine need look ahead for it.
_TEMPLATE = r"\$\{\{([^$]|(\$+\{)*\$+[^${]|(\$+\{)+[^${])*\}\}"
_DURATION = "[0-9]{1,9}(ms|s|m|h|d)"
_SNAKE = "^[a-z][a-z0-9_]*$"
REVIEW_EVERY = "180d"
"""How long a review holds where the file does not say."""
_RESERVED: list[Json] = ["in", "true", "false", "null"]
_TEXT: JsonObject = {"type": "string"}


def _ref(name: str, description: str = "") -> JsonObject:
    """A reference to a definition, with what an editor shows beside it."""
    piece: JsonObject = {"$ref": f"#/$defs/{name}"}
    return piece | ({"description": description} if description else {})


def _text(description: str) -> JsonObject:
    return {"type": "string", "description": description}


def _list(item: JsonObject, description: str, minimum: int = 0) -> JsonObject:
    piece: JsonObject = {"type": "array", "items": item, "description": description}
    return piece | ({"minItems": minimum} if minimum else {})


def _map(names: str, value: JsonObject, description: str) -> JsonObject:
    return {
        "type": "object",
        "propertyNames": _ref(names),
        "additionalProperties": value,
        "description": description,
    }


def _flag(description: str) -> JsonObject:
    return {"type": "boolean", "default": False, "description": description}


def _count(description: str, minimum: int, default: int | None = None) -> JsonObject:
    piece: JsonObject = {"type": "integer", "minimum": minimum, "description": description}
    return piece | ({"default": default} if default is not None else {})


def _words(description: str, *words: str) -> JsonObject:
    return {"enum": list(words), "description": description}


def _either_key(piece: JsonObject, keys: int) -> JsonObject:
    """A closed mapping with exactly that many of its keys; which ones its description says."""
    return piece | {"minProperties": keys, "maxProperties": keys}


VALUES: dict[str, JsonObject] = {
    "template": {
        "type": "string",
        "pattern": f"^{_TEMPLATE}$",
        "description": "A text that is wholly one ${{ }}; it keeps the type of its expression.",
    },
    "expression": {
        "type": "string",
        "minLength": 1,
        "description": "A CEL expression, without ${{ }} around it.",
    },
    "duration": {
        "type": "string",
        "pattern": f"^({_DURATION}|{_TEMPLATE})$",
        "description": "A duration: 250ms, 10s, 5m, 2h, 1d.",
        "examples": ["30s", "5m"],
    },
    "time": {
        "type": "string",
        "pattern": f"^{_DURATION}$",
        "description": "A duration: 250ms, 10s, 5m, 2h, 1d.",
        "examples": ["30s", "5m"],
    },
    "name": {"type": "string", "pattern": _SNAKE, "description": "A name in snake_case."},
    "variable": {
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
        "not": {"enum": _RESERVED},
        "description": "A name that an expression can use: letters, digits and underscores.",
    },
    "place": {
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$",
        "description": "The name of an environment.",
    },
    "step_id": {"type": "string", "pattern": _SNAKE, "description": "The id of a step."},
    "value": {"not": {"type": "null"}, "description": "Any value but null."},
}
"""Forms of single values, by the name under which the rest refers to them."""

_INPUT: dict[str, JsonObject] = {
    "type": {
        "enum": ["string", "integer", "number", "boolean", "url", "duration", "timestamp", "list"],
        "default": "string",
        "description": "What the value is.",
    },
    "prompt": _text("The question that the operator reads."),
    "description": _text("More about it, in Markdown."),
    "pattern": _text("A regular expression that the whole text must match."),
    "default": _ref("value", "The value when none is given."),
    "required": {"type": "boolean", "default": True, "description": "Whether a value must be given."},
}

_CONFIRM = closed(
    "What is asked before the step starts, beyond yes or no.",
    phrase=_text("The text that must be typed exactly."),
    reason=_words("`required`: a reason must be given.", "required"),
    approvals=closed(
        "Signed approvals by persons other than the operator.",
        ["count", "from"],
        count=_count("How many different persons.", 1),
        from_=_list(_ref("variable"), "The roles that they must have.", 1),
    ),
    expires=_ref("time", "How long a confirmation or an approval holds."),
    each=_flag("Whether every element of a `for_each` is confirmed by itself."),
)

_RETRY = closed(
    "How a failed attempt is repeated within one visit and one confirmation.",
    ["attempts"],
    attempts=_count("How many attempts in all, the first included.", 1) | {"maximum": 10_000},
    delay=_ref("time", "The pause after the first failure.") | {"default": "1s"},
    backoff={
        "type": "number",
        "minimum": 1,
        "maximum": 100,
        "default": 1,
        "description": "What each further pause is multiplied with.",
    },
    max_delay=_ref("time", "The longest pause."),
)

_GUARD: dict[str, JsonObject] = {
    "when": _ref("expression", "The guard counts only if this is true."),
    "override": _words("How the guard may be overridden: with a reason, or by an approver.", "reason", "approval"),
}

PARTS: dict[str, JsonObject] = {
    "input": closed(
        "A value that the operator gives at the start of a run.",
        **_INPUT,
        enum=_list(_ref("value"), "The values that are allowed.", 1),
    ),
    "form_fields": {
        "type": "object",
        "minProperties": 1,
        "propertyNames": _ref("variable"),
        "additionalProperties": closed(
            "A field of the form.",
            **_INPUT,
            enum={
                "if": _TEXT,
                "then": _ref("expression"),
                "else": _list(_ref("value"), "The values that are allowed.", 1),
                "description": "The values that are allowed: a list, or an expression that yields one.",
            },
            secret=_flag("Whether the value is a secret: neither shown nor logged."),
        ),
        "description": "Typed fields by name.",
    },
    "need": {
        "if": _TEXT,
        "then": _ref("step_id"),
        "else": closed(
            "A step that must have passed, not too long ago.",
            ["step"],
            step=_ref("step_id"),
            within=_ref("time", "How long ago at most."),
        ),
        "description": "A step that must have passed in this run.",
    },
    "guard_cooldown": closed(
        "Refuses the step for a time after its last start, in any run.",
        ["cooldown"],
        cooldown=_ref("time", "For how long."),
        key=_text("What is counted together; by default runbook, step and environment."),
        **_GUARD,
    ),
    "guard_requires_run": closed(
        "Refuses the step unless another live run has passed it.",
        ["requires_run"],
        requires_run=closed(
            "The run that must exist, with a log that verifies.",
            runbook=_ref("name", "The id of its runbook; by default this one."),
            environment=_text("Its environment."),
            finish=_words("How it ended.", "resolved", "mitigated", "completed"),
            within=_ref("time", "How long ago at most."),
            step=_ref("step_id", "The step that passed in it; by default this one."),
            signed={"type": "boolean", "description": "Whether its log must be signed."},
        )
        | {"minProperties": 1},
        **_GUARD,
    ),
    "guard": {
        "type": "object",
        "if": {"type": "object", "required": ["requires_run"]},
        "then": _ref("guard_requires_run"),
        "else": _ref("guard_cooldown"),
        "description": "A rule that may refuse the step.",
    },
}
"""Forms of mappings that stand in several places."""

STEP: dict[str, JsonObject] = {
    "id": {
        "type": "string",
        "pattern": _SNAKE,
        "not": {"enum": [*_RESERVED, "next"]},
        "description": "The step's name, in snake_case; expressions and edges refer to it.",
    },
    "title": _text("One line that the operator reads."),
    "description": _text("Markdown, shown below the title."),
    "section": _text("A heading; steps that share it stand together."),
    "when": _ref("expression", "The step is skipped unless this is true."),
    "needs": _list(_ref("need"), "Steps that must have passed before this one starts."),
    "effect": _words("What the step does to the world.", "none", "change", "irreversible"),
    "because": _text("Why the step has no undo, or why it may do what cannot be taken back."),
    "idempotent": _flag("Whether doing it twice is the same as doing it once; a changing step may then retry."),
    "confirm": _CONFIRM,
    "guards": _list(_ref("guard"), "Rules that may refuse the step."),
    "expect": _ref("expression", "The step fails unless this is true of what it observed."),
    "save": _map("variable", _ref("expression"), "Values to keep as `saved.NAME`."),
    "save_secret": _map("variable", _ref("expression"), "Values to keep as secrets: never logged, lost on resume."),
    "timeout": _ref("time", "How long one attempt may take."),
    "retry": _RETRY,
    "for_each": closed(
        "Repeats the step for each element of a list.",
        ["in"],
        in_=_ref("expression", "The list."),
        at_once=_count("How many at the same time.", 1, 1),
        max_failures=_count("How many failures are borne before the rest is left undone.", 0, 0),
    ),
    "max_visits": _count("How often a run may enter the step; more is a failure.", 1),
    "undo": {
        "if": _TEXT,
        "then": {"type": "string", "enum": ["none"]},
        "else": _ref("undo"),
        "description": "The step that takes the change back, or `none` together with `because`.",
    },
    "probe": _ref("probe", "The step that finds out whether a change whose result nobody saw has happened."),
    "next": _ref("step_id", "Where a passed or skipped step leads; without it, to the step below."),
    "on_fail": _ref("step_id", "Where a failed step leads; `next`: where `next` leads."),
    "on_unknown": _ref("step_id", "Where a change leads whose result nobody saw; `next`: where `next` leads."),
    "site": _text("The worker that performs the step."),
}
"""The keys of every step except ``kind``, in the order in which they are best written."""

_NESTED = ("title", "expect", "timeout", "retry", "save")
NESTED: dict[str, dict[str, JsonObject]] = {
    "read": {key: STEP[key] for key in _NESTED},
    "probe": {key: STEP[key] for key in _NESTED}
    | {"failed_when": _ref("expression", "The change surely did not happen if this is true.")},
    "member": {key: STEP[key] for key in ("id", *_NESTED)},
    "undo": {key: STEP[key] for key in (*_NESTED, "confirm", "probe")},
}
"""The keys of a step inside a step, by what it is there for."""

NESTED_TEXT = {
    "read": "A step that only looks.",
    "probe": "A step that finds out whether a change has happened.",
    "member": "One of several steps that only look, side by side.",
    "undo": "A step that takes a change back.",
}
"""What each of them is, in a sentence."""

_SECRET_SOURCE: JsonObject = closed(
    "Where a secret comes from: exactly one of `env`, `file`, `command` and `prompt`.",
    env=_text("An environment variable."),
    file=_text("A file."),
    command=_list(_TEXT, "A program and its arguments; the secret is what it prints.", 1),
    prompt=_text("A question; the operator types the secret."),
    strip=_words("`newline`: take one newline from its end.", "newline"),
) | {
    "if": {"type": "object", "required": ["strip"]},
    "then": {"type": "object", "minProperties": 2, "maxProperties": 2},
    "else": {"type": "object", "minProperties": 1, "maxProperties": 1},
}

TOP: dict[str, JsonObject] = {
    "runbook": _words("The version of the language.", "v1"),
    "id": {"type": "string", "pattern": _SNAKE, "description": "The runbook's name, in snake_case."},
    "title": _text("One line that says when to use it."),
    "description": _text("Markdown: symptoms, scope, what it does not cover."),
    "symptoms": _list(_TEXT, "What people see when this is the runbook to walk, each in one line."),
    "owner": _text("Who keeps it up to date."),
    "last_reviewed": _text("The day on which its owner last went through it: year, month and day.")
    | {"examples": ["2026-11-21"]},
    "review_every": _ref("time", "How long after a review the next one is due.") | {"default": REVIEW_EVERY},
    "tags": _list(_TEXT, "Words to find it by."),
    "links": _list(
        closed(
            "A page worth opening.",
            ["title", "url"],
            title=_text("What it is."),
            url=_text("Where it is."),
        ),
        "Dashboards, logs, status pages.",
    ),
    "contacts": _list(
        closed(
            "Somebody to call.",
            ["name", "reach"],
            name=_text("Who."),
            reach=_text("How to reach them."),
            when=_text("When to call them."),
        ),
        "Whom to call; shown when a step fails.",
    ),
    "environments": _map(
        "place",
        _map("variable", _ref("value"), "Values by name; the same names in every environment."),
        "Where the runbook can be walked; chosen with -e.",
    ),
    "inputs": _map("variable", _ref("input"), "Values that the operator gives at the start."),
    "secrets": _map("variable", _SECRET_SOURCE, "Secrets by name; used as ${{ secrets.NAME }}."),
    "roles": _map("variable", _list(_TEXT, "The people who have it.", 1), "Roles by name, for approvals."),
    "lock": _text("Two live runs with the same text exclude each other; by default the environment's name."),
    "on_fail": _ref("step_id", "Where every step leads that fails and names no `on_fail`."),
    "reminders": _list(
        _either_key(
            closed(
                "Something to say: `every` so often, or once `after` a time.",
                ["say"],
                every=_ref("time", "Again and again, so often."),
                after=_ref("time", "Once, so long after the start."),
                say=_text("What."),
            ),
            2,
        ),
        "What the operator is reminded of.",
    ),
}
"""The keys of the file except ``defaults`` and ``steps``, which the kinds have a part in."""

TOP_REQUIRED: list[Json] = ["runbook", "id", "steps"]
"""The keys that no file can be without."""
