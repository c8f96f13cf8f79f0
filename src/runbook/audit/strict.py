"""Why a line is not a record: the slow and complete look that a line gets once the fast one has refused it.

Each way in which a line can be wrong has a message of its own. A log that somebody has merely run through an editor or
``jq`` is told from one whose contents were changed, because what to do next differs: fetch the original bytes again.
"""

import json
import re
from hashlib import sha256

from runbook.audit.record import HEADER, RESERVED, known
from runbook.model.canonical import Json
from runbook.model.diagnostics import Code

LINE_CAP = 64 * 1024
"""The most bytes that a line may have, its LF included."""
MAX_DEPTH = 64
"""How deep lists and objects of a record may be nested; what a parser makes of more depends on its stack."""
HASH_TAIL = 72
"""The bytes of ``,"h":"<64 hex>"}``: all that the hash does not cover."""
HASHED_END = re.compile(rb',"h":"([0-9a-f]{64})"\}')
STAMP = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}\.[0-9]{3}Z"
"""The pattern of a time stamp."""
HIGHEST = 2**63 - 1
"""The highest whole number of a record; the lowest is ``-HIGHEST - 1``."""
COUNTS = 10**18
"""What ``seq`` and ``mono`` stay below."""

NEWER = Code(
    number="RB501",
    title="log of a newer version",
    why="The log says that a later version of its format wrote it. What this version would make of it is a guess, so it"
    " makes nothing of it. A newer runbook-walk can judge it.",
)
REFORMATTED = Code(
    number="RB502",
    title="re-formatted log",
    why="A log is hashed byte for byte. An editor, a mail program or jq that rewrites its lines, even without changing"
    " what they say, makes another file of it, whose chain nobody can check. The original bytes are needed.",
)
NOT_A_RECORD = Code(
    number="RB503",
    title="not a record",
    why="A record has exactly one way of being written: ASCII, no spaces, a fixed header, no key twice, whole numbers"
    " of at most 64 bits, its hash last. Two readers can then never read two things out of one line.",
)
ALTERED = Code(
    number="RB504",
    title="altered record",
    why="The hash at the end of a line covers the rest of it. It does not fit, so the line was changed after it was"
    " written, or its storage is damaged.",
)
UNKNOWN_TYPE = Code(
    number="RB505",
    title="unknown type of record",
    why="The types of records of format 1 are fixed; a guest's begin with `x-`. A type that nobody knows could say"
    " anything, so it is not passed over.",
)


class LineError(ValueError):
    """A line that is not a record, with the code and the one line that says why."""

    def __init__(self, code: Code, message: str) -> None:
        """Carry both."""
        super().__init__(message)
        self.code = code
        self.message = message


def complaint(line: bytes) -> LineError:
    """Why a line (without its LF) is not a record; only for lines that are not."""
    if outside := _wrapping(line):
        return LineError(REFORMATTED, f"re-formatted, not byte-identical: {outside}")
    if b"\0" in line:
        return LineError(NOT_A_RECORD, "it holds NUL bytes")
    version = re.match(rb'[ \t]*\{[ \t]*"v"[ \t]*:[ \t]*([0-9]{1,9})[ \t]*[,}]', line)
    if version and int(version[1]) > 1:
        return LineError(NEWER, f"it is of format version {int(version[1])}, and this program knows version 1")
    end = HASHED_END.fullmatch(line[-HASH_TAIL:])
    if end and sha256(line[:-HASH_TAIL]).hexdigest().encode() == end[1]:
        return _inside(line)
    if inside := _rewriting(line):
        return LineError(REFORMATTED, f"re-formatted, not byte-identical: {inside}")
    if not end:
        return LineError(NOT_A_RECORD, "it does not end in its hash")
    return LineError(ALTERED, "its hash does not fit: it was altered after it was written")


def _wrapping(line: bytes) -> str:
    """What an editor did around the record; empty if nothing."""
    if not line.strip(b" \t\r"):
        return "a blank line"
    if line.startswith(b"\xef\xbb\xbf"):
        return "it begins with a byte order mark"
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16"
    if line.endswith(b"\r"):
        return "its end is CR LF"
    if line.strip() in {b"{", b"["}:
        return "a record stands on several lines"
    return ""


def _rewriting(line: bytes) -> str:
    """How a program wrote the same record anew; empty if it is not the same, as far as anyone can tell."""
    try:
        value: Json = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict) or not value.keys() >= RESERVED:
        return ""
    if [*value] == sorted(value) and tuple(value)[: len(HEADER)] != HEADER:
        return "its keys are sorted"
    anew = _written(value)
    if sha256(anew[:-HASH_TAIL]).hexdigest() == value["h"]:
        return "the same record, written another way"
    return ""


def _written(value: dict[str, Json]) -> bytes:
    """An object as a record would be written, its keys in the order they have."""
    return json.dumps(value, separators=(",", ":")).encode()


class _Broken(Exception):  # noqa: N818 - it never leaves this module
    """The first thing that is wrong inside a line."""


def _inside(line: bytes) -> LineError:
    """What is wrong with a line whose hash fits."""
    try:
        value = _parsed(line)
        _check_header(value)
        _check_values(value)
    except _Broken as broken:
        return LineError(NOT_A_RECORD, str(broken))
    type_ = str(value["type"])
    if not known(type_):
        return LineError(UNKNOWN_TYPE, f"no record of version 1 has the type `{type_}`")
    if len(line) >= LINE_CAP:
        return LineError(NOT_A_RECORD, f"it is longer than {LINE_CAP:,} bytes")
    return LineError(NOT_A_RECORD, "its numbers, texts or spaces are not written the one way a record is written")


def _parsed(line: bytes) -> dict[str, Json]:
    """The object in a line, without anything that two readers could read differently."""
    if not line.isascii():
        at = next(index for index, byte in enumerate(line) if byte > 0x7F)
        raise _Broken(f"byte {at + 1} is outside ASCII")
    try:
        value: Json = json.loads(
            line,
            object_pairs_hook=_without_twins,
            parse_float=_refuse_float,
            parse_int=_small,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise _Broken(f"it is not JSON: {error.msg.lower()} at byte {error.pos + 1}") from None
    except RecursionError:
        raise _Broken(f"it is nested deeper than {MAX_DEPTH} levels") from None
    if not isinstance(value, dict):
        raise _Broken("it is not a JSON object")
    return value


def _without_twins(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value: dict[str, Json] = {}
    for key, item in pairs:
        if key in value:
            raise _Broken(f"the key `{key}` stands in it twice")
        value[key] = item
    return value


def _refuse_float(text: str) -> float:
    raise _Broken(f"{text[:40]} is not a whole number, and a record holds no others")


def _refuse_constant(text: str) -> float:
    raise _Broken(f"{text} is not JSON")


def _small(text: str) -> int:
    if len(text) > 20 or not -HIGHEST - 1 <= int(text) <= HIGHEST:
        raise _Broken(f"{text[:40]} does not fit into 64 bits")
    return int(text)


def _check_header(value: dict[str, Json]) -> None:
    """The header's keys, their order and their types."""
    keys = [*value]
    for key in (*HEADER, "h"):
        if key not in value:
            raise _Broken(f"it has no `{key}`")
    if keys[:6] != [*HEADER] or keys[-1] != "h":
        raise _Broken(f"its keys are not in their order: {', '.join(HEADER)}, its fields, h")
    for key in ("v", "seq", "mono"):
        number = value[key]
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < COUNTS:
            raise _Broken(f"`{key}` is not a whole number from 0 on, of at most 18 digits")
    if value["v"] != 1:
        raise _Broken("`v` is not 1")
    for key, pattern in (("prev", "[0-9a-f]{64}"), ("ts", STAMP), ("type", ".+")):
        text = value[key]
        if not isinstance(text, str) or not re.fullmatch(pattern, text):
            raise _Broken(f"`{key}` is not what it must be")


def _check_values(value: Json, depth: int = 1) -> None:
    """Depth, and texts that no UTF-8 can hold."""
    if isinstance(value, list | dict) and depth > MAX_DEPTH:
        raise _Broken(f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Broken("it holds half of a surrogate pair") from None
    elif isinstance(value, list):
        for item in value:
            _check_values(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_values(key, depth)
            _check_values(item, depth + 1)
