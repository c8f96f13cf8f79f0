"""Whether the files in a run's ``output/`` are those that its log names: all of them, whole, and no others.

A file that differs was changed: tampered with, status 1. One that is missing, or that a loss of power may have cut
(outputs are not fsynced), is said not to be established; so is one beside them, which a killed attempt may have left.
No name of a log leads to anywhere but a plain file in that directory.
What a step is said to have observed of a stream is the beginning of its file, and a stream of which it observed
something has one: two stories of one output are not told.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from runbook.audit.outputs import name_of
from runbook.audit.plain_file import open_plain
from runbook.audit.record import Record
from runbook.audit.verdict import Finding, Status
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span

CHANGED = Code(
    number="RB550",
    title="output file changed",
    why="A file in the run's `output/` has not the size and the SHA-256 that the log states. Somebody changed it, or "
    "put another one in its place; the log itself still says what it was.",
)
MISSING = Code(
    number="RB551",
    title="output file not there to be checked",
    why="The log names a file of the run's `output/` that is not there, cannot be read, or is shorter than stated in a "
    "run that was interrupted: outputs are not forced onto the disk, so a loss of power may have cut it.",
    severity=Severity.WARNING,
)
NOT_NAMED = Code(
    number="RB552",
    title="output file that the log does not name",
    why="A file stands in the run's `output/` and no record speaks of it. An attempt that was killed leaves one; so "
    "does somebody who puts it there. It is no part of the evidence.",
    severity=Severity.WARNING,
)
NOT_AN_OUTPUT = Code(
    number="RB553",
    title="output that cannot be",
    why="What a record says of an output contradicts itself: the name of its file is not that of its step, visit, "
    "attempt and stream, another record has it too, sizes and digests do not go together, or the step is said to have "
    "observed something else.",
)
_PIECE = 1024 * 1024
_HEX = re.compile("[0-9a-f]{64}")
_STREAM = re.compile("[a-z_]{1,40}")
_NAMED = 3
"""How many names a message lists."""
_STREAMS = ("stdout", "stderr")
"""The fields of an observation that are streams which are kept in full."""
_OBSERVED = 128 * 1024
"""How many bytes of a file an observation can hold at most: 32 KiB of text."""
_REHEARSED = "drill"
"""The mode in which nothing is performed, and no output kept."""


@dataclass(frozen=True, slots=True)
class _Stated:
    """What a record says of one file."""

    line: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Observed:
    """What a record says that a step observed of one stream; ``cut`` says that more may have followed."""

    line: int
    text: str
    cut: bool


class KeptOutputs:
    """Judges the output files of one log."""

    def __init__(self, file: str, output: Path) -> None:
        """Look into no file yet.

        :param file: the log.
        :param output: the directory that its outputs should be in.
        """
        self._file = file
        self._output = output
        self._stated: dict[str, _Stated] = {}
        self._written: dict[str, str | None] = {}
        self._observed: dict[str, _Observed] = {}
        self._unkept: list[str] = []
        self._mode = ""
        self._resumed = 0
        self._finished = False
        self._findings: list[Finding] = []

    def tell(self, line: int, record: Record) -> None:
        """Take the record of a line (from 1)."""
        match record.type:
            case "run.started":
                self._mode = str(record.fields.get("mode"))
            case "step.output":
                self._state(line, record)
            case "step.finished" if self._mode != _REHEARSED:
                self._observe(line, record.fields)
            case "run.resumed":
                self._resumed = line
            case "run.finished":
                self._finished = True
            case _:
                pass

    def findings(self, *, whole: bool = True) -> tuple[Finding, ...]:
        """There are no more records: what was found in them and in the files.

        :param whole: False if records follow that nobody can believe; these may name the other files.
        """
        missing: list[str] = [*self._unkept]
        for name, stated in self._stated.items():
            changed = self._changed(name, stated)
            if changed is None:
                missing.append(name)
            elif changed:
                self._found(CHANGED, Status.TAMPERED, f"`output/{name}` {changed}", "trust the log", line=stated.line)
        if missing:
            message = f"output files that cannot be checked: {listed(missing)}"
            self._found(MISSING, Status.VALID, message, "put the run's `output/` beside the log")
        others = sorted(name for name in self._names() if name not in self._stated)
        if others and whole:
            message = f"files in `output/` that the log does not name: {listed(others)}"
            self._found(NOT_NAMED, Status.VALID, message, "take them for no part of the run")
        return tuple(self._findings)

    def _state(self, line: int, record: Record) -> None:
        """Take what a record says of an output, if it can be."""
        fields = record.fields
        file, size, dropped = fields.get("file"), fields.get("size"), fields.get("dropped", 0)
        digest, whole = fields.get("sha256"), fields.get("stream_sha256")
        wrong = ""
        if not isinstance(digest, str) or not _HEX.fullmatch(digest) or not _natural(size) or not _natural(dropped):
            wrong = "its size or its digest is none"
        elif (whole is None) is (dropped != 0) or whole == digest:
            wrong = "what was dropped does not go with its digests"
        elif (file is None) is (size != 0):
            wrong = "its size does not go with its file"
        elif file is None and digest != sha256().hexdigest():
            wrong = "its digest is not that of nothing"
        elif isinstance(file, str) and not self._is_name_of(file, fields):
            wrong = "its file has not the name of its attempt and stream"
        elif isinstance(file, str) and file.removeprefix("output/") in self._stated:
            wrong = "its file is that of another output"
        if wrong:
            message = f"{wrong} (rule: output)"
            self._found(NOT_AN_OUTPUT, Status.NOT_A_WALK, message, "trust nothing from this line on", line=line)
        elif isinstance(file, str) and isinstance(size, int) and isinstance(digest, str):
            self._stated[file.removeprefix("output/")] = _Stated(line, size, digest)
        self._written[_name(fields, str(fields.get("stream")))] = (
            file.removeprefix("output/") if isinstance(file, str) else None
        )

    def _observe(self, line: int, fields: Mapping[str, Json]) -> None:
        """Take what a step observed of its streams, as far as no mask covers it."""
        try:
            obs = json.loads(str(fields.get("obs", "{}")))
        except (ValueError, RecursionError):
            return  # which the walk says
        masked, cut = (fields.get(name) or [] for name in ("masked", "truncated"))
        for stream in _STREAMS:
            text = obs.get(stream) if isinstance(obs, dict) else None
            if not isinstance(text, str) or not isinstance(masked, list) or stream in masked:
                continue
            name = _name(fields, stream)
            file = self._written.get(name)
            if file is not None:
                whole = not (isinstance(cut, list) and stream in cut) and obs.get("truncated") is not True
                self._observed[file] = _Observed(line, text, not whole)
            elif text and name not in self._written:
                self._unkept.append(name)

    @staticmethod
    def _is_name_of(file: str, fields: Mapping[str, Json]) -> bool:
        """Whether a file has the name under which the writer keeps such an output."""
        visit, attempt, stream = (fields.get(name) for name in ("visit", "attempt", "stream"))
        if not isinstance(visit, int) or not isinstance(attempt, int) or not isinstance(stream, str):
            return False
        if not _STREAM.fullmatch(stream):
            return False
        return re.fullmatch(re.escape(f"output/{_name(fields, stream)}") + r"(\.[1-9][0-9]{0,5})?", file) is not None

    def _changed(self, name: str, stated: _Stated) -> str | None:
        """In what a file differs from what is stated, empty if in nothing; None if that cannot be known."""
        digest, size, last, head = sha256(), 0, b"", b""
        try:
            with open_plain(self._output / name) as file:
                while size <= stated.size and (piece := file.read(_PIECE)):
                    digest.update(piece)
                    size += len(piece)
                    last = piece[-1:]
                    head += piece[: max(0, _OBSERVED - len(head))]
        except OSError:
            return None
        if size == stated.size and digest.hexdigest() == stated.sha256:
            return self._as_observed(name, head)
        interrupted = not self._finished or self._resumed > stated.line
        if interrupted and (size < stated.size or (size == stated.size and last == b"\0")):
            return None
        return "is not as long as the log says" if size != stated.size else "is not what the log says"

    def _as_observed(self, name: str, head: bytes) -> str | None:
        """Say it where a file that is as stated begins otherwise than its step observed; None if nobody can know."""
        observed = self._observed.get(name)
        text = head.decode("utf-8", "replace")
        if observed is None or text == observed.text or (observed.cut and text.startswith(observed.text)):
            return ""
        if "[MASKED" in text and "[MASKED" not in observed.text:
            return None
        message = f"`output/{name}` says something else than the step observed (rule: output)"
        help_ = "one of the two was changed: trust neither"
        self._found(NOT_AN_OUTPUT, Status.NOT_A_WALK, message, help_, line=observed.line)
        return ""

    def _names(self) -> Iterator[str]:
        try:
            with os.scandir(self._output) as entries:
                yield from (entry.name for entry in entries)
        except OSError:
            return

    def _found(self, code: Code, status: Status, message: str, help_: str, *, line: int | None = None) -> None:
        span = None if line is None else Span(line, 1, line, 2)
        strict = Status.NOT_A_WALK if code is MISSING else None
        diagnostic = Diagnostic(code=code, message=message, file=self._file, span=span, help=help_)
        self._findings.append(Finding(status=status, line=line, strict=strict, diagnostic=diagnostic))


def _name(fields: Mapping[str, Json], stream: str) -> str:
    """The name under which the writer keeps a stream of the attempt of a record."""
    return name_of(str(fields.get("step")), _number(fields.get("visit")), _number(fields.get("attempt")), stream)


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _natural(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def listed(names: Sequence[str]) -> str:
    """The first of these names, on one line that a terminal only shows, and how many more there are."""
    shown = ", ".join(ascii(name)[1:-1][:80] for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED:,} more"
