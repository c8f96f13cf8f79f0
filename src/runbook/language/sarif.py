"""Renders diagnostics as SARIF, which code scanning and editors read.

Static Analysis Results Interchange Format (SARIF) Version 2.1.0, OASIS Standard, 2020. Columns are code points, ends
are exclusive, paths relative to ``%SRCROOT%`` unless they are absolute. A fingerprint is made of the code, the path
and what stands on the line: it outlives lines that come and go above.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from runbook.language.frames import visible
from runbook.language.pages import page
from runbook.model.canonical import Json, JsonObject
from runbook.model.diagnostics import Code, Diagnostic
from runbook.version import VERSION

SCHEMA = "https://json.schemastore.org/sarif-2.1.0-rtm.5.json"


def sarif(found: Sequence[tuple[Diagnostic, str]], *, complete: bool) -> str:
    """A log with one run.

    :param found: each diagnostic with the text of its file, empty where there is none to show.
    :param complete: false if something could not be looked at.
    """
    codes = sorted({diagnostic.code.number: diagnostic.code for diagnostic, _ in found}.items())
    numbers = [number for number, _ in codes]
    seen: Counter[str] = Counter()
    results: list[Json] = [_result(diagnostic, text, numbers, seen) for diagnostic, text in found]
    rules: list[Json] = [_rule(code) for _, code in codes]
    driver: JsonObject = {"name": "runbook", "semanticVersion": VERSION, "rules": rules}
    run: JsonObject = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": complete}],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: Code) -> JsonObject:
    """A code, with its page as help."""
    text = f"{code.why}\n\n`runbook explain {code.number}` tells this in a terminal."
    examples = page(code.number)
    return {
        "id": code.number,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.why},
        "help": {"text": f"{code.why}\n\n{examples}".strip(), "markdown": f"{text}\n\n{examples}".strip()},
        "defaultConfiguration": {"level": code.severity.value},
    }


def _result(diagnostic: Diagnostic, text: str, numbers: Sequence[str], seen: Counter[str]) -> JsonObject:
    number, span = diagnostic.code.number, diagnostic.span
    said = visible(diagnostic.message) + (f"\n{visible(diagnostic.help)}" if diagnostic.help else "")
    uri = _location(diagnostic.file)
    line = text.split("\n")[span.line - 1].strip() if span and text else ""
    identity = "\0".join([number, str(uri.get("uri", "")), line])
    seen[identity] += 1
    digest = hashlib.sha256(f"{identity}\0{seen[identity]}".encode("utf-8", "backslashreplace")).hexdigest()
    physical: JsonObject = {"artifactLocation": uri}
    if span is not None:
        physical["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    return {
        "ruleId": number,
        "ruleIndex": numbers.index(number),
        "level": diagnostic.severity.value,
        "message": {"text": said},
        "locations": [{"physicalLocation": physical}] if uri else [],
        "partialFingerprints": {"runbook/v1": digest},
    }


def _location(file: str | None) -> dict[str, Json]:
    """Where a file is; empty for what is in none."""
    if file is None:
        return {}
    path = Path(file)
    # A name that is no text is told byte by byte, as a URI can.
    uri = quote(path.as_posix(), safe="/", errors="surrogateescape")
    if path.is_absolute():
        return {"uri": f"file://{uri}"}
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}
