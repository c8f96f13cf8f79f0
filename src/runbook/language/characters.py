"""From a file's bytes to text that shows all there is of it: UTF-8, and nothing that an eye cannot see.

A character that hides, that turns the order of what is shown around, or that commands a terminal can make a command
look like another one. None of them may stand in a file, be it in a comment or written as an escape.
"""

import codecs
import re
from collections.abc import Iterator

from runbook.model.diagnostics import Code, Diagnostic, Refused, Span

NOT_UTF8 = Code(
    number="RB105",
    title="not UTF-8 text",
    why="A runbook is read by people, programs and editors, and all of them must see the same characters. So there is "
    "one encoding, UTF-8, and no guessing: what another encoding would make of the same bytes is another command.",
)
HIDDEN = Code(
    number="RB106",
    title="character that hides something",
    why="Control characters, invisible ones and those that turn the direction of writing around let a text look "
    "different from what it is: a reviewer sees one command and the machine runs another, and an escape character "
    "takes over the terminal that shows it. They are refused everywhere in the file, in comments too, and also where "
    "a quoted text spells them as an escape such as `\\u202e`. Line breaks and, inside texts, tabs are all right.",
)

_HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff"
)
# Compiled when they are first used: most files are ASCII and hide nothing.
_IN_FILE = f"[{_HIDDEN}]|\r(?!\n)"
_IN_TEXT = f"[{_HIDDEN}\r]"
_IN_KEY = f"[{_HIDDEN}\r\n\t]"
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n\t"
_MOST = 50
_NAMES = {
    0x00: "NUL", 0x07: "bell", 0x08: "backspace", 0x09: "tab", 0x0A: "line break", 0x0D: "carriage return",
    0x1B: "escape", 0x7F: "delete", 0x85: "next line",
}  # fmt: skip


def decoded(data: bytes, file: str) -> str:
    """The text of a file.

    :raises Refused: if it is not UTF-8, begins with a byte order mark or holds a character that hides something.
    """
    if not data.translate(None, _PLAIN):
        return data.decode("ascii")
    text = utf8(data, file)
    found = list(_hidden(text, file))
    if found:
        raise Refused(*found)
    return text


def utf8(data: bytes, file: str) -> str:
    """The text of a file, whatever it hides.

    :raises Refused: if it is not UTF-8.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or data[1:4:2] == b"\0\0" or data[:3:2] == b"\0\0":
        raise Refused(_not_utf8(file, "the file is UTF-16 text, not UTF-8", _convert(file, "UTF-16")))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(_undecodable(data, error.start, file)) from None


def hidden_in(text: str, *, key: bool = False) -> int | None:
    """Where in a text, or in a key, the first character stands that hides something; None if there is none."""
    if text.isprintable() and text.isascii():
        return None
    match = re.search(_IN_KEY if key else _IN_TEXT, text)
    return match.start() if match else None


def described(character: str) -> str:
    """A character as a message names it: ``U+202E (right-to-left override)``."""
    import unicodedata  # only where something is wrong

    code = ord(character)
    name = _NAMES.get(code) or unicodedata.name(character, "").lower()
    return f"U+{code:04X}" + (f" ({name})" if name else "")


def effect_of(character: str) -> str:
    """What is wrong with a character, as the end of a sentence."""
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return "is half a character"
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return "is a control character"
    if character in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
        return "turns the order of what is shown around"
    return "cannot be seen"


def _hidden(text: str, file: str) -> Iterator[Diagnostic]:
    for count, match in enumerate(re.finditer(_IN_FILE, text)):
        if count == _MOST:
            return
        character = match[0]
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        message, advice = f"{described(character)} {effect_of(character)}", "take it out"
        if character == "\ufeff" and match.start() == 0:
            message, advice = "the file begins with a byte order mark", "save it as UTF-8 without one (without BOM)"
        elif character == "\r":
            advice = "end the line with a line feed"
        yield Diagnostic(
            code=HIDDEN, message=message, file=file, span=Span(line, column, line, column + 1), help=advice
        )


def _undecodable(data: bytes, start: int, file: str) -> Diagnostic:
    if data.translate(None, bytes(range(0x20, 0x100)) + b"\t\n\r\f\x1b") and b"\0" in data[:8192]:
        return _not_utf8(file, "the file is not text", "name a runbook, which is a text file in YAML")
    line = data.count(b"\n", 0, start) + 1
    begin = data.rfind(b"\n", 0, start) + 1
    column = len(data[begin:start].decode("utf-8")) + 1
    byte = data[start : start + 1]
    return Diagnostic(
        code=NOT_UTF8,
        message=f"the byte 0x{byte.hex()} is not UTF-8",
        file=file,
        span=Span(line, column, line, column + 1),
        label=f"in Latin-1 it would be {byte.decode('latin-1')}" if byte >= b"\xa0" else "",
        help=_convert(file, "ISO-8859-1"),
    )


def _convert(file: str, encoding: str) -> str:
    return f"save the file as UTF-8: `iconv -f {encoding} -t UTF-8 {file}`"


def _not_utf8(file: str, message: str, advice: str) -> Diagnostic:
    return Diagnostic(code=NOT_UTF8, message=message, file=file, help=advice)
