"""Guesses how a line was meant that YAML cannot read: with quotes around a text or an expression.

A guess is offered only if YAML can read the line then, so that it can be copied into the file as it stands.
"""

import re

from runbook.language.scanning import FAILURES, Slow

_LONGEST = 1_000
_LONGEST_OFFERED = 200
_MOST_BRACKETS = 64
_HEAD = re.compile(r"(?P<head>\s*(?:- +)*(?:[\w$.-]+ ?:(?: +|$))?)(?P<value>.*?)\s*$", re.DOTALL)
_COMMENT = re.compile(r"\s+#|$")
_IN_QUOTES = re.compile(r"\"[^\"]*\"|'[^']*'")
_OPERATOR = re.compile(r"[=!]=|[<>+?(]|&&|\|\||\bin\b")
_SOUND = re.compile(
    r"(?:\"(?:[^\"\\]|\\(?:[0abtnvfre \"/\\N_LP]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))*\"|'(?:[^']|'')*')"
    r"(?=\s*(?:[,\]}]|$))"
)
_FLOW_KEY = re.compile(r"(?:[\w$.-]+|\"[^\"]*\"|'[^']*') *: +")
_NEXT_ENTRY = re.compile(r",\s*(?:(?:[\w$.-]+|\"[^\"]*\"|'[^']*') *:|[}\]]|$)")
_PLAIN = re.compile(r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=[^\s,\[\]{}]))(?:[^?:,\[\]{}#]|:(?! |$)|(?<! )#)*|-?[0-9.]+|")
_AFTER_FLOW = re.compile(r"[\],}\s]*(?:\s#.*)?")


def quoted(text: str) -> str:
    """A text in quotes: the first kind that needs no escape."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def as_meant(line: str | None) -> str:
    """The help that offers a line; empty if there is none, or it is too long to copy it from a message."""
    return f"write `{line.strip()}`" if line and len(line) <= _LONGEST_OFFERED else ""


def indent(line: str) -> int:
    """With how much white space a line begins."""
    return len(line) - len(line.lstrip())


def mended(line: str) -> str | None:
    """The line with quotes where they are missing; None if there is no guess that YAML can read."""
    match = _HEAD.fullmatch(line) if len(line) <= _LONGEST else None
    if match is None or not match["value"]:
        return None
    head, value = match["head"], match["value"]
    text, comment = _without_comment(value)
    if value[0] in "[{":
        flow = _Flow(value)
        if sum(map(value.count, "[{")) > _MOST_BRACKETS or not flow.closes():
            return None
        if _AFTER_FLOW.fullmatch(value, flow.position):
            return _checked(line, head + flow.written + value[flow.position :])
    return _checked(line, head + quoted(_meant(text)) + comment)


def _checked(line: str, guess: str) -> str | None:
    """The guess, if it is one and YAML can read it; a line inside brackets is read inside brackets."""
    readable = guess != line and any(map(_readable, (guess, f"[{guess.strip()}\n]")))
    return guess if readable else None


def _readable(text: str) -> bool:
    slow = Slow(text.strip() + "\n")
    try:
        while slow.parser.check_event():
            slow.next_event()
    except FAILURES:
        return False
    return True


def _without_comment(value: str) -> tuple[str, str]:
    """A value and the comment behind it; what stands in double quotes begins none."""
    for match in _COMMENT.finditer(value):
        if value.count('"', 0, match.start()) % 2 == 0:
            return value[: match.start()], value[match.start() :]
    return value, ""


def _meant(value: str) -> str:
    """The text that somebody meant: without the quotes around it, unless they belong to an expression."""
    quote = value[0]
    if quote not in "'\"":
        return value
    if quote not in value[1:]:
        return value[1:]
    if value[-1] == quote and not _OPERATOR.search(_IN_QUOTES.sub("", value)):
        return value[1:-1]
    return value


class _Flow:
    """A value in brackets, read leniently from left to right and written again with quotes where they are missing."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.written = ""

    def _take(self, end: int) -> None:
        self.written += self.text[self.position : end]
        self.position = end

    def _blanks(self) -> str:
        """Take white space; the character that follows it, empty at the end."""
        rest = self.text[self.position :]
        self._take(self.position + len(rest) - len(rest.lstrip()))
        return self.text[self.position : self.position + 1]

    def closes(self) -> bool:
        """Take a mapping or list; whether it is closed."""
        closing = "}" if self.text[self.position] == "{" else "]"
        self._take(self.position + 1)
        while (following := self._blanks()) != closing:
            if not following:
                return False
            if following == ",":
                self._take(self.position + 1)
                continue
            self._entry(in_mapping=closing == "}")
        self._take(self.position + 1)
        return True

    def _entry(self, *, in_mapping: bool) -> None:
        if key := _FLOW_KEY.match(self.text, self.position):
            self._take(key.end())
        start, written = self.position, self.written
        if self.text[start : start + 1] in ("[", "{"):
            if self.closes() and self._blanks() in ("", ",", "]", "}"):
                return
            self.position, self.written = start, written
        if sound := _SOUND.match(self.text, start):
            self._take(sound.end())
            return
        end = self._end(in_mapping=in_mapping)
        text = self.text[start:end].rstrip()
        self.position = max(start + len(text), start + 1)
        self.written += text if _PLAIN.fullmatch(text) else quoted(_meant(text))

    def _end(self, *, in_mapping: bool) -> int:
        """Where a text ends that may have brackets, quotes and, in a mapping, commas in it."""
        depth, i = 0, self.position
        while i < len(self.text):
            sign = self.text[i]
            if sign in "'\"" and not self.text[i - 1].isalnum() and (close := self.text.find(sign, i + 1)) > 0:
                i = close
            elif sign in "([{":
                depth += 1
            elif sign in ")]}":
                if depth == 0:
                    return i
                depth -= 1
            elif sign == "," and depth == 0 and (not in_mapping or _NEXT_ENTRY.match(self.text, i)):
                return i
            i += 1
        return i
