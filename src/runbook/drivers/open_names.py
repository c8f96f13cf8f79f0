"""What a run is begun with stands in its log as it is: in none of it may be a secret, declared or known by a rule.

It is refused, not covered: a walk that goes by an input would go by another one on replay.
"""

from collections.abc import Iterable

from runbook.audit.masking import RULE, Masker
from runbook.drivers.fitting import secrets_in
from runbook.model.canonical import JsonObject
from runbook.model.diagnostics import Code, Diagnostic, Refused

SECRET_INPUT = Code(
    number="RB321",
    title="secret given as an input",
    why="Inputs stand in the log's first record and in the commands that are shown and recorded. A secret that is "
    "given as one would be in all of them; covered, it would be of no use to the step that wants it.",
)


def look_at_inputs(inputs: JsonObject, masker: Masker) -> None:
    """Look at the inputs of a run.

    :raises Refused: if one holds a secret.
    """
    for name, value in inputs.items():
        _refuse(f"the input `{name}`", secrets_in(value, masker.mask))


def look_at_name(operator: str, masker: Masker) -> None:
    """Look at the name of an operator.

    :raises Refused: if it holds a secret.
    """
    _refuse("the operator's name", secrets_in(operator, masker.mask))


def _refuse(what: str, secrets: Iterable[str]) -> None:
    for secret in secrets:
        message = f"{what} holds the secret `{secret}`"
        help_ = f"leave it out there; a step takes it as ${{{{ secrets.{secret} }}}}"
        if secret.startswith(RULE):
            message = f"{what} holds what looks like a secret ({secret.removeprefix(RULE)})"
            help_ = "declare it under `secrets`, and leave it out there"
        raise Refused(Diagnostic(code=SECRET_INPUT, message=message, help=help_))
