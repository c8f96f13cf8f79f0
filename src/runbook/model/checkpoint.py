"""The text that a checkpoint is: how long a log was, and what its head was, signed by whoever walked it.

A line each, so that whoever signs can read what is signed: the format, the run, the number of records that it covers,
and the hash of the last of them. With that hash every record before is covered too.
"""

import re
from dataclasses import dataclass

FORMAT = "runbook-checkpoint/v1"
NAMESPACE = "runbook-audit@v1"
"""The namespace of the signatures (ssh-keygen(1), ``-Y sign -n``): no signature made for something else is one."""

_TEXT = re.compile(rf"{FORMAT}\nrun ([!-~]{{1,64}})\nsize ([1-9][0-9]{{0,17}})\nhead ([0-9a-f]{{64}})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointText:
    """What is signed: the log of ``run`` had ``size`` records, and ``head`` was the hash of the last of them."""

    run: str
    size: int
    head: str

    def __str__(self) -> str:
        """The text, with a newline at the end of every line."""
        return f"{FORMAT}\nrun {self.run}\nsize {self.size}\nhead {self.head}\n"


def parse(text: str) -> CheckpointText:
    """The checkpoint that a text is, in exactly the form in which it is signed.

    :raises ValueError: if it is none.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"it is no `{FORMAT}` with a run, a size and a head, a line each")
    run, size, head = found.groups()
    return CheckpointText(run=run, size=int(size), head=head)
