"""What an address names, in a runbook and in those that it walks."""

from collections.abc import Iterator

from runbook.model.address import of_each, owner_of
from runbook.model.runbook import Runbook, Step


def step_at(address: str, runbook: Runbook, *, every: bool = False) -> tuple[Runbook, Step] | None:
    """The step of a file that an address is part of, and its runbook; None if there is none.

    :param every: whether ``outer/inner`` may stand for what is inside every element of a loop ``outer``; else an
        address leads into one of them.
    """
    book = runbook
    *heads, last = address.split("/")
    for head in heads:
        step = _step(head, book)
        whole = step is not None and head == step.id and step.for_each is not None
        if step is None or step.id not in book.included or (whole and not every):
            return None
        book = book.included[step.id]
    step = _step(owner_of(last), book)
    return None if step is None else (book, step)


def _step(part: str, book: Runbook) -> Step | None:
    """The step that a part of an address names; only a loop has elements."""
    step = next((step for step in book.steps if step.id == of_each(part)), None)
    return None if step is None or (part != step.id and step.for_each is None) else step


def goals(address: str, runbook: Runbook) -> frozenset[str]:
    """What a walk can be told to go to from an address: the steps beside it, and beside those that it is inside of."""
    found: set[str] = set()
    book, prefix = runbook, ""
    for head in address.split("/"):
        found.update(name for step in book.steps for name in (step.id, prefix + step.id))
        book, prefix = book.included.get(of_each(head), book), f"{prefix}{head}/"
    return frozenset(found)


def all_steps(runbook: Runbook, prefix: str = "") -> Iterator[tuple[str, Step]]:
    """The steps of a runbook and of all that it walks, each with the address that stands for all its elements."""
    for step in runbook.steps:
        yield prefix + step.id, step
        if step.id in runbook.included:
            yield from all_steps(runbook.included[step.id], f"{prefix}{step.id}/")
