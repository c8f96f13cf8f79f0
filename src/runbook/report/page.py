"""A page of HTML that needs nothing else: no script, no request, one style that is named by its hash."""

import base64
import hashlib
from pathlib import Path

from runbook.report.tags import Html, tag


def document(title: str, *body: Html, styles: tuple[str, ...] = ("style.css",)) -> str:
    """A whole document.

    :param styles: the files beside this one that hold its style.
    """
    style = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in styles)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Html(style)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, Html(chr(10)), tag('body', *body), lang='en')}\n"
