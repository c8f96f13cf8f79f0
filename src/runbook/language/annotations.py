"""Renders diagnostics as workflow commands, which GitHub shows beside the lines of a pull request.

One line a diagnostic: ``::error file=F,line=L,col=C,endColumn=E,title=T::MESSAGE`` (GitHub, Workflow commands for
GitHub Actions). In its data ``%``, carriage return and line feed are escaped, in its properties ``:`` and ``,`` too,
so that nothing in a file can begin a command of its own.
"""

from runbook.language.frames import visible
from runbook.model.diagnostics import Diagnostic

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def annotation(diagnostic: Diagnostic) -> str:
    """A diagnostic as one line, without its end."""
    span = diagnostic.span
    properties = {"file": diagnostic.file} if diagnostic.file is not None else {}
    if span is not None:
        properties |= {"line": str(span.line)}
        # Columns are of one line; where a piece has several, only their numbers are told.
        one_line = span.line == span.end_line
        columns = {"col": str(span.column), "endColumn": str(max(span.column, span.end_column - 1))}
        properties |= columns if one_line else {"endLine": str(span.end_line - (span.end_column == 1))}
    properties |= {"title": f"{diagnostic.code.number} {diagnostic.code.title}"}
    told = ",".join(f"{name}={_escaped(visible(value), _PROPERTY)}" for name, value in properties.items())
    said = "\n".join(visible(text) for text in (diagnostic.message, diagnostic.help) if text)
    return f"::{diagnostic.severity.value} {told}::{_escaped(said, _DATA)}"


def _escaped(text: str, signs: dict[str, str]) -> str:
    return "".join(signs.get(sign, sign) for sign in text)
