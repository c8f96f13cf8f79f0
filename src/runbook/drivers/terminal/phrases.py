"""Whether what was typed is exactly what was asked for; and where it is not, how it differs, in words."""

import unicodedata

from runbook.audit.escapes import inert


def difference(typed: str, wanted: str) -> str:
    """How a text that is not the wanted one differs from it, as a clause; empty if they have little in common."""
    if typed.strip() == wanted and typed != wanted:
        return "there is a space too many"
    if typed.casefold() == wanted.casefold():
        return "capital and small letters count"
    strange = next((c for c in typed if c not in wanted and not c.isascii()), None)
    if strange is not None and (_plain(typed) == _plain(wanted) or _alike(typed, wanted)):
        name = unicodedata.name(strange, "a character without a name").lower()
        return f"it looks alike, but `{inert(strange)}` is U+{ord(strange):04X}, {name}"
    return ""


def _plain(text: str) -> str:
    """The text without marks and without what cannot be seen, wide and fancy letters as plain ones."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if unicodedata.category(c) not in {"Mn", "Cf", "Zs"}).casefold()


def _alike(typed: str, wanted: str) -> bool:
    """Whether two texts have the same length and differ only where the typed one has a letter of another script."""
    return len(typed) == len(wanted) and all(
        ours == theirs or (not theirs.isascii() and theirs.isalpha())
        for ours, theirs in zip(wanted, typed, strict=True)
    )
