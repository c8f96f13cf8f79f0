"""The walk itself, without any input or output: it is told what happened, and says what is to be done.

It has no clock, random, file or socket. The order in which it is told events is the order of the log; so a terminal,
an answers file, a drill, a far-away worker and a verifier cannot disagree about what is legal.
"""

from runbook.walk.walk import IllegalEvent, Walk

__all__ = ["IllegalEvent", "Walk"]
