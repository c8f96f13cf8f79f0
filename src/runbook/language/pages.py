"""The pages of the checker's rules: an example of wrong and one of right, as ``runbook explain`` shows them."""

import re
from collections.abc import Mapping
from importlib.resources import files

_BLOCK = re.compile(r"^(Wrong|Right):\n\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(number: str) -> str:
    """The page of a code as Markdown, without a blank line at its end; empty where it has none."""
    found = files("runbook.language") / "rules" / f"{number}.md"
    return found.read_text(encoding="utf-8").strip() if found.is_file() else ""


def examples(number: str) -> Mapping[str, str]:
    """The two files on a page, ``wrong`` and ``right``."""
    return {title.lower(): text for title, text in _BLOCK.findall(page(number))}
