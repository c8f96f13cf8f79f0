"""The score of a drill as data: what was expected, what came of it, where the time went, what to read again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Something that a scenario expects, and what came: ``what`` is ``finish path must never within``.

    ``points`` of ``of`` were got for it. ``failures`` are sentences, none where it held.
    """

    what: str
    expected: str
    came: str
    held: bool
    points: int
    of: int
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStep:
    """A step of the two paths laid side by side: ``both``, ``expected`` (and not walked), ``walked`` (not expected).

    ``because`` is what led to one that was walked and not expected; else empty.
    """

    step: str
    where: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpent:
    """How long a walk was in a step, over so many visits, in milliseconds of its own clock and without pauses."""

    step: str
    title: str
    visits: int
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAgain:
    """A step at which it went otherwise than expected: ``line`` in the runbook's file (from 1), and why to read it."""

    step: str
    title: str
    line: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a walk of a scenario compares with what it expects.

    ``met`` says that it is over and everything held. ``points`` of ``of``: one each for the finish, the time, each step
    that must be walked and each that must not, and one for each step of the expected path that was walked in order, of
    as many as the longer of the two paths has. ``path`` is empty where none is expected.
    """

    title: str
    met: bool
    points: int
    of: int
    expectations: tuple[Expectation, ...]
    path: tuple[PathStep, ...]
    times: tuple[TimeSpent, ...]
    took_ms: int
    read_again: tuple[ReadAgain, ...]
