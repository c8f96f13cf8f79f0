"""The text that an approval is: signed by the person who approves, and, as a request, by the operator.

A line each, so that whoever signs can read what is signed: the format, the run, the request's number, the step, the
SHA-256 of the action and of the runbook's file, the mode, the end of its validity, the person, the decision.
"""

import re
from dataclasses import dataclass

FORMAT = "runbook-approval/v1"
NAMESPACE = "runbook-approval@v1"
"""The namespace of the signatures (ssh-keygen(1), ``-Y sign -n``): no signature made for something else is one."""
APPROVE, REQUEST = "approve", "request"

_KEYS = ("run", "request", "step", "action", "runbook", "mode", "not-after", "approver", "decision")
_NONCE = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalText:
    """What is signed. ``not_after`` is a UTC time as records have it, ``request`` a 128-bit nonce in hexadecimal.

    ``approver`` is the person under whose name the signers' file lists the key; ``decision`` is ``approve``, or
    ``request`` where the operator signs what is asked for.
    """

    run: str
    request: str
    step: str
    action: str
    runbook: str
    mode: str
    not_after: str
    approver: str
    decision: str = APPROVE

    def __str__(self) -> str:
        """The text, with a newline at the end of every line."""
        values = (
            self.run,
            self.request,
            self.step,
            self.action,
            self.runbook,
            self.mode,
            self.not_after,
            self.approver,
            self.decision,
        )
        return "".join(f"{line}\n" for line in (FORMAT, *map(" ".join, zip(_KEYS, values, strict=True))))


def parse(text: str) -> ApprovalText:
    """The approval that a text is, in exactly the form in which it is signed.

    :raises ValueError: with what is wrong, if it is none.
    """
    lines = text.split("\n")
    if lines[0] != FORMAT:
        raise ValueError(f"it does not begin with `{FORMAT}`")
    values: list[str] = []
    for number, key in enumerate(_KEYS, start=1):
        name, _, value = lines[number].partition(" ") if number < len(lines) else ("", "", "")
        if name != key or not value:
            raise ValueError(f"line {number + 1} is not `{key} …`")
        values.append(value)
    if not _NONCE.fullmatch(values[1]):
        raise ValueError("the request has no number of 32 hexadecimal digits")
    run, request, step, action, runbook, mode, not_after, approver, decision = values
    found = ApprovalText(
        run=run,
        request=request,
        step=step,
        action=action,
        runbook=runbook,
        mode=mode,
        not_after=not_after,
        approver=approver,
        decision=decision,
    )
    if str(found) != text:
        raise ValueError("something follows the decision")
    return found
