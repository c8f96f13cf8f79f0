"""Diagnostics as data: what is wrong, where, and the one thing to do next. Rendering them is somebody else's work.

A code is declared once, as a constant, in the module that raises it: ``RB1xx`` text and schema, ``RB2xx`` graph and
safety, ``RB3xx`` walk, ``RB4xx`` world, ``RB5xx`` log, ``RB6xx`` plug-ins.
A message is lower case, has no full stop and stands alone; a help is one act that the reader can do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from runbook.model.canonical import JsonObject


class Severity(Enum):
    """How bad it is: an error stops ``check`` and ``run``, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A kind of mistake: its number (``RB104``), a short title, and a paragraph for ``runbook explain``."""

    number: str
    title: str
    why: str
    severity: Severity = Severity.ERROR


class Span(NamedTuple):
    """A piece of a text; lines and columns count from 1, columns in code points; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One mistake at one place.

    ``file`` is the path as the user wrote it, or None for something that is in no file (a flag, the environment).
    ``span`` is None when the whole file is meant. ``label`` stands under the marked piece in a frame.
    """

    code: Code
    message: str
    file: str | None = None
    span: Span | None = None
    label: str = ""
    help: str = ""

    @property
    def severity(self) -> Severity:
        """The severity of its code."""
        return self.code.severity

    def as_json(self) -> JsonObject:
        """The fixed JSON form: ``{code, severity, file, line, column, message, help}``."""
        return {
            "code": self.code.number,
            "severity": self.severity.value,
            "file": self.file,
            "line": self.span.line if self.span else None,
            "column": self.span.column if self.span else None,
            "message": self.message,
            "help": self.help,
        }


class Refused(Exception):  # noqa: N818 - what the user reads is "refused", and it is not our error
    """Something that cannot be done as asked, with at least one diagnostic that says why and what to do next."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        """Carry the diagnostics, in the order in which they are to be shown."""
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics: Sequence[Diagnostic] = diagnostics
