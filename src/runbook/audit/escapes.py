r"""Text from outside, made inert for a terminal: whatever could steer it is shown instead of sent.

A C0 control becomes its picture (``ESC`` is ``␛``), everything else that is invisible and acts becomes its number
(``\x9b``, ``\u202e``): C1 controls, direction marks and overrides, invisible and tag characters, line and paragraph
separators, halves of surrogate pairs. Line feed and tab stay, and CR LF is a line feed; a lone carriage return or a
backspace could overwrite what was shown, so it is shown itself. What is left of a sequence is plain text.
Joiners (U+200C, U+200D) stay: scripts and emoji need them. (Unicode 16.0, chapter 23; ECMA-48, section 5.)
"""

import re

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]",
)


def inert(text: str) -> str:
    """The text with every character that acts made visible; the same text again if it has none."""
    return _ACTING.sub(_picture, text.replace("\r\n", "\n"))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
