"""A program to run, here or on another machine: what ``command`` and ``ssh`` share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook.kinds.showing import quoted, settings, shown, telling_line
from runbook.kinds.strict_json import parsed
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Observed, Preview, Verdict
from runbook.model.runbook import Outcome
from runbook.model.secrets import Text

if TYPE_CHECKING:
    from runbook.model.io import Process, ProcessResult

_VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"
_SHELLS = {"bash": ("bash", "--norc", "-euo", "pipefail", "-c"), "sh": ("sh", "-eu", "-c")}
_SIGNALS = {
    "SIGHUP": 1,
    "SIGINT": 2,
    "SIGQUIT": 3,
    "SIGILL": 4,
    "SIGTRAP": 5,
    "SIGABRT": 6,
    "SIGFPE": 8,
    "SIGKILL": 9,
    "SIGSEGV": 11,
    "SIGPIPE": 13,
    "SIGALRM": 14,
    "SIGTERM": 15,
}
"""The signals that have the same number on Linux and macOS."""
_WANTED_A_TERMINAL = (
    "a terminal is required",
    "a password is required",
    "no tty present",
    "not a tty",
    "not a terminal",
    "inappropriate ioctl for device",
    "/dev/tty",
    "terminal environment variable not set",
    "term environment variable not set",
    "error opening terminal",
)
"""What programs write that want a terminal or a password, in lower case."""

FIELDS: dict[str, JsonObject] = {
    "argv": fragments.texts("The program and its arguments; each stays one argument, whatever is in it.", minimum=1),
    "script": fragments.text("A script for the shell; it holds no ${{ }}: values come in through `env`."),
    "shell": fragments.enumeration(
        "What runs the script: bash -euo pipefail, or sh -eu.", "bash", "sh", default="bash"
    ),
    "env": fragments.mapping_of_text("Environment variables to add.", names=_VARIABLE),
    "cwd": fragments.text("The directory to run in."),
    "stdin": fragments.text("What it reads from its standard input, which is empty otherwise."),
    "files": fragments.mapping_of_text(
        "Texts by the name of a variable: each is in a private file while it runs, and the variable holds its path.",
        names=_VARIABLE,
    ),
    "output": fragments.enumeration(
        "How its standard output is read: also as one JSON value, or as lines.", "text", "json", "lines", default="text"
    ),
}
"""The pieces of schema of the fields below."""

OBSERVES: Mapping[str, Observed] = {
    "exit_code": Observed(type="int", text="Its exit status; 128 and the signal's number if a signal ended it."),
    "signal": Observed(type="string", text="The signal that ended it, such as SIGKILL; empty if none did."),
    "stdout": Observed(type="string", text="What it wrote to its standard output."),
    "stderr": Observed(type="string", text="What it wrote to its standard error."),
    "json": Observed(type="dyn", text="Its standard output read as JSON; with `output: json`."),
    "json_error": Observed(type="string", text="Why that is not possible, where it is not.", always=False),
    "lines": Observed(type="list<string>", text="The lines of its standard output; with `output: lines`."),
    "duration_ms": Observed(type="int", text="How many milliseconds it ran."),
    "truncated": Observed(type="bool", text="Whether it wrote more than is kept."),
    "output_incomplete": Observed(type="bool", text="Whether something it left behind still held its output open."),
}


def observes(fields: Mapping[str, Json]) -> Mapping[str, Observed]:
    """What a step with these fields observes: ``json`` and ``lines`` only where ``output`` asks for them."""
    extra = {"json": {"lines"}, "lines": {"json", "json_error"}}
    left_out = extra.get(str(fields.get("output")), {"json", "json_error", "lines"})
    return {name: observed for name, observed in OBSERVES.items() if name not in left_out}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The fields of a program to run, what they come to, and what to make of its end."""

    argv: Sequence[str] | None = None
    script: str | None = None
    shell: str = "bash"
    env: Mapping[str, Text] = field(default_factory=dict)
    cwd: str | None = None
    stdin: Text | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    output: str = "text"

    def preview(self) -> Preview:
        """The command line or the script, exactly, and everything that is given to it."""
        if self.script is None:
            line, lines = quoted(self.argv or ()), []
        else:
            line, lines = f"{' '.join(_SHELLS[self.shell][:-1])}, the script:", self.script.splitlines()
        lines += [f"with {setting}" for setting in settings(self.env, "=")]
        lines += [f"with a file in {setting}" for setting in settings(self.files, ":\n")]
        lines += [f"in {self.cwd}"] if self.cwd is not None else []
        lines += [f"reading:\n{shown(self.stdin)}"] if self.stdin is not None else []
        return Preview(line=line, detail="\n".join(lines))

    def process(self) -> "Process":
        """The program to run."""
        from runbook.model.io import Process  # not for a checker

        argv = tuple(self.argv or ()) if self.script is None else (*_SHELLS[self.shell], self.script)
        return Process(argv=argv, env=self.env, cwd=self.cwd, stdin=self.stdin, files=self.files)

    def observation(self, result: "ProcessResult") -> JsonObject:
        """What a step observes of the way it ended."""
        code = result.exit_code if result.exit_code is not None else 128 + _SIGNALS.get(result.signal or "", 0)
        observation: JsonObject = {
            "exit_code": code,
            "signal": result.signal or "",
            "stdout": result.stdout,
            "stderr": result.stderr,
            "duration_ms": result.duration_ms,
            "truncated": result.truncated,
            "output_incomplete": result.incomplete,
        }
        if self.output == "lines":
            lines = result.stdout.removesuffix("\n").split("\n") if result.stdout else []
            observation["lines"] = [line.removesuffix("\r") for line in lines]
        elif self.output == "json":
            try:
                observation["json"] = parsed(result.stdout)
            except ValueError as error:
                observation["json_error"] = "it was cut" if result.truncated else str(error)
        return observation

    def judge(self, observation: Mapping[str, Json]) -> Verdict:
        """Exit status 0 passes, with JSON where JSON was wanted. After any other end a change may have happened."""
        code = observation["exit_code"]
        if code != 0:
            return Verdict(outcome=Outcome.FAILED, reason=_why(code, observation), changed="maybe")
        if "json_error" in observation:
            reason = f"its standard output cannot be read as JSON: {observation['json_error']}"
            return Verdict(outcome=Outcome.FAILED, reason=reason, changed="maybe")
        return Verdict(outcome=Outcome.PASSED, changed="yes")


def _why(code: Json, observation: Mapping[str, Json]) -> str:
    """Why a program failed: how it ended, what it said of it, and what to do if it wanted a terminal."""
    signal = observation.get("signal")
    stderr = observation.get("stderr")
    inner = next((name for name, number in _SIGNALS.items() if code == 128 + number), None)
    if signal:
        ended = f"ended by {signal}" + (" (out of memory?)" if signal == "SIGKILL" else "")
    elif code == 126:
        ended = "exit status 126: a program in it cannot be executed"
    elif code == 127:
        ended = "exit status 127: a program in it was not found"
    elif inner is not None:
        ended = f"exit status {code}: a program in it was ended by {inner}"
    else:
        ended = f"exit status {code}"
    said = telling_line(stderr)
    if isinstance(stderr, str) and any(mark in stderr.lower() for mark in _WANTED_A_TERMINAL):
        said += "; it wanted a terminal or a password: make it a `manual` step"
    return f"{ended}: {said}".removesuffix(": ")
