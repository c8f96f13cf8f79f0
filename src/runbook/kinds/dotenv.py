r"""Reads files of environment variables (``.env``) strictly: what two readers would take differently is an error.

A line is empty, a comment that begins with ``#``, or ``NAME=value`` with or without ``export`` before it; there is no
space around the ``=``. A value without quotes goes to the end of the line or to a ``#`` after a space; spaces at its
end do not count, a carriage return does. A value in single quotes is taken as it stands; in double quotes a backslash
before ``n``, ``r``, ``t``, a quote, a ``$`` or a backslash has its usual meaning, and before anything else none. Values
in quotes may go over several lines. Nothing is expanded: ``$HOME`` stays ``$HOME``. A name that is set twice is an
error.
"""

import re

_START = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=")
_BLANK = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|$)")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_COMMENT = re.compile(r"[ \t]#")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def variables(data: bytes) -> dict[str, str]:
    """The variables of such a file, in its order.

    :raises ValueError: with one line that names the line, never a value, if it is not such a file.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark")
    found: dict[str, str] = {}
    first: dict[str, int] = {}
    at, line, counted = 0, 1, 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        line, counted = line + text.count("\n", counted, at), at
        start = _START.match(text, at)
        if start is None:
            raise ValueError(f"line {line} is not NAME=value")
        name = start[1]
        if name in first:
            raise ValueError(f"line {line} sets {name} again, after line {first[name]}")
        first[name] = line
        found[name], at = _value(text, start.end(), line)
    return found


def _value(text: str, at: int, line: int) -> tuple[str, int]:
    """The value that begins there, and where the next line begins."""
    mark = text[at : at + 1]
    if mark not in {"'", '"'}:
        end = text.find("\n", at)
        bare = text[at:] if end < 0 else text[at:end]
        comment = _COMMENT.search(bare)
        return bare[: comment.start() if comment else None].rstrip(" \t"), at + len(bare) + 1
    match = (_SINGLE if mark == "'" else _DOUBLE).match(text, at)
    if match is None:
        raise ValueError(f"the quote in line {line} is never closed")
    rest = _BLANK.match(text, match.end())
    if rest is None:
        raise ValueError(f"something follows the closing quote of the value in line {line}")
    value = match[1] if mark == "'" else _ESCAPE.sub(lambda found: _unescaped(found[1], line), match[1])
    return value, rest.end()


def _unescaped(character: str, line: int) -> str:
    if character not in _ESCAPED:
        raise ValueError(f"the value in line {line} has an escape that means nothing")
    return _ESCAPED[character]
