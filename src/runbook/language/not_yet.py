"""What the language has and this version cannot walk: refused by name, with what to do meanwhile, never ignored."""

from collections.abc import Iterator, Sequence

from runbook.language.document import Document
from runbook.language.every_step import Written
from runbook.language.places import Path
from runbook.language.typed import mapping
from runbook.model.diagnostics import Code, Diagnostic

_WHY = (
    "The file is right, and a later version walks it. This one refuses it, because a rule that is read and not kept "
    "would be worse than none."
)
SITE_NOT_YET = Code(number="RB295", title="sites cannot be chosen yet", why=_WHY)


_KEYS: tuple[tuple[Path, Code, str, str], ...] = (
    (
        ("site",),
        SITE_NOT_YET,
        "a step cannot be performed elsewhere yet",
        "meanwhile take `site` out and walk the runbook on that machine",
    ),
)


def not_yet(document: Document, steps: Sequence[Written]) -> Iterator[Diagnostic]:
    """Everything in a file that this version cannot walk, in no particular order."""
    for step in steps:
        for keys, code, what, meanwhile in _KEYS:
            if _has(step, keys):
                yield _at_key(document, (*step.path, *keys), code, what, meanwhile)


def _has(step: Written, keys: Path) -> bool:
    raw = step.raw
    for key in keys:
        if key not in raw:
            return False
        raw = mapping(raw[str(key)])
    return True


def _at_key(document: Document, path: Path, code: Code, message: str, help_: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, file=document.file, span=document.key_span(path), help=help_)
