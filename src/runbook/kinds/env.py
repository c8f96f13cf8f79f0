"""The kind ``env``: verifies environment variables without showing one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from runbook.kinds import dotenv, variable_rules
from runbook.kinds.showing import quoted
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.io import Cancelled, Io, Process, ProcessResult, WorldError
from runbook.model.kind import Automated, Observed, Preview, Traits, Verdict
from runbook.model.machine import HOST_AS_WRITTEN
from runbook.model.runbook import Outcome
from runbook.model.secrets import Resolved

_NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
_NAMES: JsonObject = {"type": "array", "items": {"type": "string", "pattern": _NAME}}
_RULES: JsonObject = {
    "type": "object",
    "propertyNames": {"type": "string", "pattern": _NAME},
    "additionalProperties": variable_rules.RULES,
}
_SAID = {"missing": "missing", "typos": "misspelt", "invalid": "invalid", "forbidden": "must not be set"}
"""The lists that tell of something wrong, in the order in which a reason names them."""
_DECISIVE = ("missing", "invalid", "forbidden")


def _names(text: str) -> Observed:
    return Observed(type="list<string>", text=text, after_failure=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Env(Automated):
    """Looks whether environment variables are there and have the form they must have, without showing a value.

    Use it first when an application does not load: a name that is missing or misspelt, a value that is too short, or
    one with a newline, a carriage return or a quote at its edge. ``from`` says where to look: ``process`` (the
    variables of this walk), ``secrets`` (those of the runbook), ``{file: PATH}``, ``{command: [PROGRAM, …]}`` or
    ``{ssh: {host: MACHINE, command: [PROGRAM, …]}}`` for what is written like a ``.env`` file: ``NAME=value`` a line,
    comments and quotes as shells have them, and nothing is expanded.

    ``require`` is a list of names, or a mapping of names to rules; ``forbid`` lists names that must not be set. An
    empty value is invalid unless ``min_length: 0`` allows it. A source that cannot be read puts every required name
    into ``missing``, and the reason says why. All five lists are set after a failure too, for the step that mends it.

    For example::

        kind: env
        from: {command: [vercel, env, pull, /dev/stdout]}
        require:
          NEXT_PUBLIC_CONVEX_URL: {format: url}
          SESSION_SECRET: {min_length: 32, secret: true}
    """

    from_: str | Mapping[str, Resolved] = "process"
    require: Sequence[str] | Mapping[str, Mapping[str, Resolved]] = ()
    forbid: Sequence[str] = ()

    NAME: ClassVar[str] = "env"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        from_=fragments.word_or(
            ["process", "secrets"],
            {
                **fragments.closed(
                    "Exactly one of them.",
                    file=fragments.text("A file of variables."),
                    command=fragments.texts("A program and its arguments; it prints the variables.", minimum=1),
                    ssh=fragments.closed(
                        "A program on another machine that prints the variables.",
                        ["host", "command"],
                        host=fragments.text(
                            "The machine: a name, an address, or an alias of ~/.ssh/config.", pattern=HOST_AS_WRITTEN
                        ),
                        command=fragments.texts("The program and its arguments.", minimum=1),
                        transport=fragments.enumeration(
                            "What connects, as in `ssh` steps.", "paramiko", "openssh", default="paramiko"
                        ),
                    ),
                ),
                "minProperties": 1,
                "maxProperties": 1,
            },
            "Where to look: `process`, `secrets`, `{file: PATH}`, `{command: [PROGRAM, …]}` or `{ssh: …}`.",
        )
        | {"default": "process"},
        require={
            "if": {"type": "array"},
            "then": _NAMES,
            "else": _RULES,
            "description": "The names that must be set: a list, or a mapping of names to rules.",
        },
        forbid=_NAMES | {"description": "The names that must not be set."},
    )
    TRAITS: ClassVar[Traits] = Traits(observes_failure=True)
    OBSERVES: ClassVar[Mapping[str, Observed]] = {
        "present": _names("The required names that are set."),
        "missing": _names("The required names that are not set."),
        "invalid": _names("A line for each required name whose value breaks a rule; never the value."),
        "typos": _names("Names that look like a missing one: `SESION_SECRET (for SESSION_SECRET)`."),
        "forbidden": _names("The forbidden names that are set."),
        "unreadable": Observed(
            type="string", text="Why the source could not be read, if so.", after_failure=True, always=False
        ),
    }
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "verify_env",
            "title": "Verify the environment variables",
            "kind": "env",
            "from": {"command": ["vercel", "env", "pull", "/dev/stdout", "--environment", "production"]},
            "require": {
                "NEXT_PUBLIC_CONVEX_URL": {"format": "url"},
                "SESSION_SECRET": {"min_length": 32, "secret": True},
            },
            "forbid": ["DEBUG"],
        },
        {"id": "tools_set_up", "kind": "env", "require": ["KUBECONFIG", "AWS_PROFILE"]},
    )

    def preview(self) -> Preview:
        """Where it looks, and for what."""
        rules = self._rules()
        names = [f"{name}: {variable_rules.described(rules[name])}" if rules[name] else name for name in rules]
        match self.from_:
            case {"command": [*argv]}:
                names.insert(0, f"running {quoted(map(str, argv))}")
            case {"ssh": {"host": host, "command": [*argv]}}:
                names.insert(0, f"running {quoted(map(str, argv))} on {host}")
        line = f"look for {len(rules)} variable{'' if len(rules) == 1 else 's'} in {self._source()}"
        return Preview(line=line, detail="\n".join([*names, *(f"{name}: not set" for name in self.forbid)]))

    def perform(self, io: Io) -> JsonObject:
        """Read the source and compare. A source that cannot be read is an observation too."""
        rules = self._rules()
        try:
            found = self._read(io)
        except Cancelled:
            raise  # a person stopped it: that says nothing about the variables
        except WorldError as error:
            return self._unread(error.reason)
        except ValueError as error:
            return self._unread(f"{self._source()} cannot be read: {error}")
        missing = [name for name in rules if name not in found]
        wrong = {name: variable_rules.findings(found[name], rules[name]) for name in rules if name in found}
        others = [name for name in found if name not in rules]
        return {
            "present": list(wrong),
            "missing": list(missing),
            "invalid": [f"{name}: {'; '.join(said)}" for name, said in wrong.items() if said],
            "typos": list(variable_rules.misspelt(missing, others)),
            "forbidden": [name for name in self.forbid if name in found],
        }

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """Nothing missing, invalid or forbidden passes. What a scenario does not tell was not found."""
        if "unreadable" in observation:
            return Verdict(outcome=Outcome.FAILED, reason=str(observation["unreadable"]))
        if not any(observation.get(name) for name in _DECISIVE) and not observation["missing"]:
            return Verdict(outcome=Outcome.PASSED)
        said = [
            f"{words}: {', '.join(map(str, names))}"
            for name, words in _SAID.items()
            if isinstance(names := observation.get(name), list) and names
        ]
        return Verdict(outcome=Outcome.FAILED, reason="; ".join(said))

    def _unread(self, reason: str) -> JsonObject:
        """What is observed where the source cannot be read: everything is missing, and why."""
        names: list[Json] = list(self._rules())
        return {"present": [], "missing": names, "invalid": [], "typos": [], "forbidden": [], "unreadable": reason}

    def _rules(self) -> Mapping[str, Mapping[str, Resolved]]:
        """The rules by name; a name in a list has none."""
        return self.require if isinstance(self.require, Mapping) else {name: {} for name in self.require}

    def _source(self) -> str:
        match self.from_:
            case {"file": str() as path}:
                return path
            case {"command": [program, *_]}:
                return f"the output of {program}"
            case {"ssh": {"host": str() as host, "command": [program, *_]}}:
                return f"the output of {program} on {host}"
            case "secrets":
                return "the runbook's secrets"
            case _:
                return "the environment of this walk"

    def _read(self, io: Io) -> Mapping[str, str]:
        """The variables of the source."""
        match self.from_:
            case {"file": str() as path}:
                return dotenv.variables(io.read(path))
            case {"command": [*argv]}:
                return _printed(io.run(_process(argv), quiet=True))
            case {"ssh": {"host": str() as host, "command": [*argv], **more}}:
                transport = str(more.get("transport", "paramiko"))
                return _printed(io.ssh(host, _process(argv), transport=transport, quiet=True))
            case "secrets":
                return io.secret_values()
            case _:
                return io.environ()


def _process(argv: Sequence[Resolved]) -> Process:
    return Process(argv=tuple(map(str, argv)))


def _printed(result: ProcessResult) -> Mapping[str, str]:
    """The variables that a program has printed.

    :raises ValueError: if it failed, or they cannot be read.
    """
    if result.exit_code != 0:
        raise ValueError(f"it ended with {result.signal or f'exit status {result.exit_code}'}")
    if result.truncated:
        raise ValueError("it is longer than can be read")
    return dotenv.variables(result.stdout.encode())
