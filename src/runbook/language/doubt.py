"""What is not known of a file in which the schema has found mistakes: of that, nothing further is said.

A named tuple, for every check of a right file imports it, and a frozen dataclass takes longer to make.
"""

from collections.abc import Iterable
from typing import NamedTuple

from runbook.language.tokens import Mention


class Doubt(NamedTuple):
    """What is not known.

    ``steps`` are the numbers of steps of which not all keys are known, ``edges`` of those of which nobody knows where
    they lead, ``unsafe`` of those that lack a key of which the rules of safety speak. ``incomplete`` says that an edge
    may lack anywhere. ``vague`` are the ids of steps of which it is not known what they observe, ``nameless`` says that
    a step has no usable id, ``families`` are roots under which names may lack, and ``top`` says that something is wrong
    outside the steps.
    """

    steps: frozenset[int] = frozenset()
    edges: frozenset[int] = frozenset()
    incomplete: bool = False
    vague: frozenset[str] = frozenset()
    nameless: bool = False
    families: frozenset[str] = frozenset()
    unsafe: frozenset[int] = frozenset()
    top: bool = False

    def clouds(self, mentions: Iterable[Mention], known: Iterable[str]) -> bool:
        """Whether an expression mentions something of which not all is known.

        :param known: the ids of all steps that have one.
        """
        ids = set(known) if self.nameless else set()
        for mention in mentions:
            root, name = mention.parts[0], mention.parts[1] if mention.parts[1:] else ""
            if root in self.families:
                return True
            if root in {"steps", "last"} and (name in self.vague or (self.nameless and name not in ids)):
                return True
        return False


NONE = Doubt()
"""Of a file that the schema has found nothing wrong with all is known."""
