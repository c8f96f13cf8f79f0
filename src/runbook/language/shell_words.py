"""Cuts a shell script into simple commands and their words, as far as a reader needs who judges what it surely does.

It is no shell: what stands inside ``$( )`` counts as commands of its own, here-documents and the targets of
redirections are left out, and where a quote is never closed the reading ends. The rules of quoting are those of the
POSIX shell (Shell Command Language, section 2.2).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t]+|\\\n)
    | (?P<comment>(?<![^\s;|&()])\#[^\n]*)
    | (?P<document><<-?[ \t]*(?P<quote>['"]?)(?P<tag>\w+)(?P=quote))
    | (?P<redirection>\d*(?:<<<|>>|>\||<>|[<>])&?(?:\d+(?=[\s;|&)])|-)?[ \t]*)
    | (?P<end>[;\n|&()]+)
    | (?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;|&()<>'"\\])+)
    """,
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^'"\\]+)""", re.DOTALL)
_QUOTING = re.compile(r"""['"\\]""")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_KEYWORDS = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{", "}", "fi", "done", "esac"})


class Word(NamedTuple):
    """A word of a script: as it is written there, quotes and all, and where it begins."""

    raw: str
    offset: int

    @property
    def text(self) -> str:
        """The word without its quotes; variables stay as they are."""
        if not _QUOTING.search(self.raw):
            return self.raw
        return "".join(a or b or c or d for a, b, c, d in _PIECE.findall(self.raw))


def commands(script: str) -> Iterator[list[Word]]:
    """The simple commands of a script, without assignments before them and without redirections."""
    words: list[Word] = []
    documents: list[str] = []
    at, target = 0, False
    while match := _TOKEN.match(script, at):
        at = match.end()
        match match.lastgroup:
            case "word":
                begins = not words and (match[0] in _KEYWORDS or _ASSIGNMENT.match(match[0]))
                if not target and not begins:
                    words.append(Word(match[0], match.start()))
                target = False
            case "redirection":
                # What follows names a file, unless a file descriptor was named already.
                target = match[0].rstrip()[-1:] not in "0123456789-" or match[0].rstrip().isdigit()
            case "end":
                if words:
                    yield words
                    words = []
                target = False
                if "\n" in match[0] and documents:
                    at = _after(script, match.start() + match[0].index("\n") + 1, documents)
                    documents = []
            case _ if match["tag"]:
                documents.append(match["tag"])
            case _:
                pass
    if words:
        yield words


def _after(script: str, at: int, tags: list[str]) -> int:
    """Where a script goes on behind the here-documents that begin at a place."""
    for tag in tags:
        end = re.compile(rf"^\t*{re.escape(tag)}$", re.MULTILINE).search(script, at)
        at = end.end() if end else len(script)
    return at
