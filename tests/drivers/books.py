"""Runbooks that these tests walk, as texts, and the pieces they are put together from."""

import json
from collections.abc import Sequence
from textwrap import indent

GOOD = """\
  - id: done
    kind: finish
    outcome: resolved
"""
END = f"""\
{GOOD}  - id: bad
    kind: finish
    outcome: failed
"""


def book(*steps: str, head: str = "", end: str = END) -> str:
    """A runbook of these steps, each given as its text without the leading dash, and two ends."""
    listed = "".join(f"  - {indent(step.strip(), '    ').strip()}\n" for step in steps)
    return f"runbook: v1\nid: tested\ntitle: A runbook to be tested\n{head}steps:\n{listed}{end}"


def ways(then: str, fail: str) -> str:
    """Where a step leads."""
    return "".join(f"{key}: {target}\n" for key, target in (("next", then), ("on_fail", fail)) if target)


def change(step: str, *, then: str = "", fail: str = "bad", before: str = "", after: str = "", more: str = "") -> str:
    """A change that writes its name into the file of effects.

    :param fail: where a failure leads; empty where the operator is to be asked.
    :param before: shell lines before the effect, ``after`` behind it.
    :param more: further keys of the step.
    """
    script = "\n".join(["set +e", before or ":", f"echo {step} >> $EFFECTS", after or ":"])
    return (
        f"id: {step}\ntitle: Change {step}\nkind: command\neffect: change\nundo: none\nbecause: a test\n"
        f"script: |\n{indent(script, '  ')}\n{ways(then, fail)}{more}"
    )


def read(step: str, *argv: str, then: str = "", fail: str = "bad", more: str = "") -> str:
    """A command that changes nothing."""
    listed = ", ".join(json.dumps(argument) for argument in argv or ("true",))
    return f"id: {step}\ntitle: Look at {step}\nkind: command\neffect: none\nargv: [{listed}]\n{ways(then, fail)}{more}"


def changes(names: Sequence[str], **more: str) -> str:
    """A runbook that makes these changes one after the other.

    :param more: further keys of each step, by its name.
    """
    following = [*names[1:], "done"]
    return book(
        *(change(name, then=then, more=more.get(name, "")) for name, then in zip(names, following, strict=True))
    )
