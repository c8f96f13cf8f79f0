"""A record as its one line, and a line as its record.

A line is ``{"v":1,"seq":…,"prev":…,"ts":…,"mono":…,"type":…, the fields in the order given ,"h":…}``: ASCII, no spaces,
whole numbers only. ``h`` is the SHA-256 of the line's bytes before its last 72, so that ``sha256sum`` can check it.
For one record there is one line: what :func:`parse_line` takes is exactly what :func:`encode` writes.
Reading is made for logs of a million lines: the header is matched, the hash taken over the bytes as they stand, the
fields parsed and written again to be compared; only a line that fails gets the long look of :mod:`.strict`.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256

from runbook.audit.record import RESERVED, Record, known
from runbook.audit.strict import COUNTS, HASH_TAIL, HIGHEST, LINE_CAP, MAX_DEPTH, STAMP, complaint
from runbook.model.canonical import Json, writer

_FRONT = re.compile(
    r'\{"v":1,"seq":(0|[1-9][0-9]{0,17}),"prev":"([0-9a-f]{64})","ts":"(' + STAMP + r')",'
    r'"mono":(0|[1-9][0-9]{0,17}),"type":"([a-z][a-z0-9_.-]{0,63})"',
)
_STAMP = re.compile(STAMP)
_NO_BYTES = sha256()  # to be copied: a new one looks its algorithm up, which costs more than hashing a record
_write = writer(sort_keys=False)


class RecordTooLong(ValueError):  # noqa: N818 - named for what it is
    """A record whose line would be longer than 64 KiB; whoever made it has to cap it."""


def _no_float(text: str) -> float:
    raise ValueError(text)


def _whole(text: str) -> int:
    if len(text) > 18 and not -HIGHEST - 1 <= int(text) <= HIGHEST:
        raise ValueError(text)
    return int(text)


_read = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float, parse_int=_whole).raw_decode


def parse_line(line: bytes) -> Record:
    """Read one line (without its LF) strictly; the chain to its neighbours is not looked at.

    :raises LineError: (of :mod:`.strict`) saying what is wrong, if it is not byte for byte a record of version 1.
    """
    try:
        text = line.decode("ascii")
        front = _FRONT.match(text)
        h = sha256(line[:-HASH_TAIL]).hexdigest()
        if front and text.endswith(f',"h":"{h}"}}') and len(line) < LINE_CAP:
            seq, prev, ts, mono, type_ = front.groups()
            fields = _fields(text, front.end())
            if known(type_) and RESERVED.isdisjoint(fields):
                return Record(seq=int(seq), prev=prev, ts=ts, mono=int(mono), type=type_, fields=fields, h=h, raw=line)
    except (ValueError, RecursionError):
        pass  # said better, and with its place, by the long look
    raise complaint(line)


def _fields(line: str, start: int) -> dict[str, Json]:
    """The fields in a line from ``start`` to its hash: nothing, or a comma and each key with its value.

    :raises ValueError: if it is not exactly what would be written for them.
    """
    if start == len(line) - HASH_TAIL:
        return {}
    text = "{" + line[start + 1 : -HASH_TAIL] + "}"
    fields: dict[str, Json]
    fields, _ = _read(text)  # what follows the object, if anything, makes the comparison fail
    if not fields or line[start] != "," or _write(fields) != text or not _is_shallow(fields, text):
        raise ValueError(text)
    _refuse_surrogates(fields, text)
    return fields


def _is_shallow(fields: Mapping[str, Json], text: str) -> bool:
    """Whether it is not nested too deeply; looked for only where there are signs of it."""
    return text.count("{") + text.count("[") <= MAX_DEPTH or _depth(fields) <= MAX_DEPTH


def _refuse_surrogates(fields: Mapping[str, Json], text: str) -> None:
    """Refuse halves of surrogate pairs; looked for only where there are signs of any.

    :raises ValueError: if there is one.
    """
    if "\\ud" in text:
        json.dumps(fields, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError


def _depth(value: Mapping[str, Json] | Json) -> int:
    """How deep lists and objects are nested; a plain value has none."""
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def encode(*, seq: int, prev: str, ts: str, mono: int, type_: str, fields: Mapping[str, Json]) -> Record:
    """Make a record, as :func:`line_of` writes it.

    :raises RecordTooLong: if it is too long.
    :raises ValueError: if it cannot stand in a log.
    """
    raw, h = line_of(seq=seq, prev=prev, ts=ts, mono=mono, type_=type_, fields=fields)
    return Record(seq=seq, prev=prev, ts=ts, mono=mono, type=type_, fields=dict(fields), h=h, raw=raw)


def line_of(*, seq: int, prev: str, ts: str, mono: int, type_: str, fields: Mapping[str, Json]) -> tuple[bytes, str]:
    """The line of a record (without LF), and its hash.

    :param prev: the hash of the record before, or 64 zeros.
    :param ts: the wall clock in UTC, with milliseconds and ``Z``.
    :param mono: milliseconds since ``run.started``.
    :raises RecordTooLong: if the line would be longer than 64 KiB.
    :raises ValueError: if it cannot stand in a log: an unknown type, a float, a number beyond 64 bits, half of a
        surrogate pair, a reserved key, nesting deeper than 64, a time stamp of another form.
    """
    if not known(type_) or not _STAMP.fullmatch(ts) or not 0 <= seq < COUNTS or not 0 <= mono < COUNTS:
        raise ValueError(f"not a record: type {type_!r}, time {ts!r}, number {seq} at {mono} ms")
    written = written_fields(fields)
    body = f",{written[1:-1]}" if fields else ""
    hashed = f'{{"v":1,"seq":{seq},"prev":"{prev}","ts":"{ts}","mono":{mono},"type":"{type_}"{body}'.encode("ascii")
    hash_ = _NO_BYTES.copy()
    hash_.update(hashed)
    h = hash_.hexdigest()
    raw = hashed + b',"h":"%b"}' % h.encode("ascii")
    if len(raw) >= LINE_CAP:
        raise RecordTooLong(f"a record of type {type_} would have {len(raw) + 1:,} bytes, more than {LINE_CAP:,}")
    return raw, h


def written_fields(fields: Mapping[str, Json]) -> str:
    """The fields of a record as the text of an object.

    :raises ValueError: if they cannot stand in a record, saying why.
    """
    if not RESERVED.isdisjoint(fields):
        raise ValueError("a field has the name of a key of the header")
    for key, value in fields.items():
        kind = type(value)
        if type(key) is not str or not (kind is str or (kind is int and -HIGHEST <= value <= HIGHEST)):  # type: ignore[operator]  # an int is compared
            _check({key: value}, 1)  # nearly none
    written = _write(dict(fields))
    _refuse_surrogates(fields, written)
    return written


def _check(value: object, depth: int) -> None:
    """Only what reads the same everywhere: texts, whole numbers of 64 bits, true, false, null, lists and objects."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if isinstance(value, int):
        if not -HIGHEST - 1 <= value <= HIGHEST:
            raise ValueError(f"a number of {value.bit_length()} bits is more than a record holds")
    elif isinstance(value, dict) and depth <= MAX_DEPTH:
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"a key that is a {type(key).__name__}")  # noqa: TRY004 - one class for what cannot be
            _check(item, depth + 1)
    elif isinstance(value, (list, tuple)) and depth <= MAX_DEPTH:
        for item in value:
            _check(item, depth + 1)
    elif not isinstance(value, str):
        raise ValueError(f"a {kind.__name__}, {depth} levels deep, cannot stand in a record")
