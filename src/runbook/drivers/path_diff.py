"""The path that was expected beside the one that was walked, and at each step that differs what led there.

Lines as a diff has them: ``-`` expected and not walked, ``+`` walked and not expected, a few of the same around them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from runbook.audit.record import Record
from runbook.walk import events as e

AROUND = 2
"""So many steps that are the same stand before and behind those that differ."""
_LONGEST = 200


class Entered(NamedTuple):
    """A step that was entered, and what led there: `` `verify_env` failed: a variable is missing``."""

    step: str
    because: str


def entered(records: Sequence[Record]) -> list[Entered]:
    """The steps that were entered, in order, without those of runbooks inside."""
    said: dict[str, str] = {}
    path = []
    for record in records:
        step = str(record.fields.get("step", ""))
        if record.type in {e.StepFinished.TYPE, e.StepSettled.TYPE, e.StepSkipped.TYPE}:
            said[step] = " ".join(str(record.fields.get("reason") or record.fields.get("evidence") or "").split())
        elif record.type == e.StepEntered.TYPE and "/" not in step:
            source, via = record.fields.get("from"), str(record.fields["via"])
            path.append(Entered(step, _because(str(source), via, said) if source else ""))
    return path


def _because(source: str, via: str, said: dict[str, str]) -> str:
    if via.startswith("option:"):
        return f"`{source}` was answered {via.removeprefix('option:')}"
    reason = said.get(source, "")[:_LONGEST]
    match via:
        case "passed" | "skipped" | "failed" | "unknown":
            word = "is unknown" if via == "unknown" else "was skipped" if via == "skipped" else via
            return f"`{source}` {word}" + (f": {reason}" if reason and via != "passed" else "")
        case _:
            return f"{via.replace('_', ' ')} from `{source}`"


def difference(expected: Sequence[str], walked: Sequence[Entered]) -> Iterator[str]:
    """Both paths as the lines of a diff; nothing where they are the same, one line where the walk ended early."""
    steps = [each.step for each in walked]
    if list(expected) == steps:
        return
    if steps == list(expected[: len(steps)]):
        yield f"the path ends after {steps[-1] if steps else 'nothing'}, expected next: {expected[len(steps)]}"
        return
    yield "the path is not the one that is expected (- expected, + walked):"
    left, right = _numbered(expected), _numbered(steps)
    width = min(max(map(len, (*left, *right)), default=0), 40)
    for group in SequenceMatcher(a=expected, b=steps, autojunk=False).get_grouped_opcodes(AROUND):
        before = group[0][1]
        if before:
            yield f"    … {before} the same"
        for tag, first, last, begin, end in group:
            if tag == "equal":
                yield from (f"    {step}" for step in left[first:last])
                continue
            yield from (f"  - {step}" for step in left[first:last])
            for step, each in zip(right[begin:end], walked[begin:end], strict=True):
                yield f"  + {step:<{width}}  {each.because}".rstrip()
    after = len(expected) - group[-1][2]
    if after:
        yield f"    … {after} the same"


def _numbered(path: Sequence[str]) -> list[str]:
    """The steps, those that come again with the number of their visit."""
    seen: Counter[str] = Counter()
    numbered = []
    for step in path:
        seen[step] += 1
        numbered.append(step if seen[step] == 1 else f"{step} ({seen[step]})")
    return numbered
