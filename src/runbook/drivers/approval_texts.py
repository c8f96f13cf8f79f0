"""A request for approvals, and an approval, as texts that go from one person to another by mail, chat or file.

A request is a head for people, and below it a block that says the same to ``runbook approve``, which believes the block
only. An approval is one word without spaces, so that it can be pasted at a prompt. White space inside either is what a
mail program made of it, and means nothing.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from textwrap import indent, wrap

from runbook.audit.escapes import inert
from runbook.drivers.telling import announced
from runbook.model.approval import REQUEST, ApprovalText, parse
from runbook.model.canonical import Json, JsonObject, canonical, sha256

LARGEST = 256 * 1024
"""The most characters of a request."""
_BEGIN, _END = "-----BEGIN RUNBOOK REQUEST-----", "-----END RUNBOOK REQUEST-----"
_WORD = "runbook-approval:"
_WIDTH = 76


class Unreadable(Exception):  # noqa: N818 - said of a text
    """A text is no request, or no approval; the message is why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestText:
    """What a request says: the text that the operator signed, and the action whose digest stands in it.

    ``what`` is the action's canonical JSON, ``members`` are the persons who may approve, ``count`` of whom it takes.
    """

    text: str
    signature: str
    what: str
    runbook: str
    title: str
    environment: str
    operator: str
    count: int
    members: tuple[str, ...]

    @property
    def signed(self) -> ApprovalText:
        """The text that was signed.

        :raises ValueError: if it is none.
        """
        return parse(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalWord:
    """An approval: what was signed, and the signature."""

    text: str
    signature: str


def heading(request: RequestText) -> tuple[tuple[str, str], ...]:
    """What a person is told of a request, each with its label; all of it inert."""
    signed = request.signed
    where = f"{signed.mode}, {request.environment}" if request.environment else signed.mode
    said = (
        ("run", f"{signed.run} ({where})"),
        ("runbook", f"{request.runbook}, {signed.runbook[:12]}…"),
        ("step", f"{signed.step}: {request.title}"),
        (
            "asked by",
            signed.approver if signed.approver == request.operator else f"{signed.approver} ({request.operator})",
        ),
        ("until", signed.not_after),
        ("wanted", f"{request.count} of {', '.join(request.members)}"),
    )
    return tuple((label, inert(" ".join(value.split()))) for label, value in said)


def described(what: str) -> str:
    """An action, or an override, as a person reads it: in words where there are some, and exactly."""
    action: Json = json.loads(what)
    exactly = inert(json.dumps(action, indent=2, ensure_ascii=False))
    if isinstance(action, dict) and "override" in action:
        return f"overrides a guard that refuses the step\n{exactly}"
    found = announced(what)
    if found is None:
        return exactly
    words = [found.preview.line, *([indent(found.preview.detail, "  ")] if found.preview.detail else [])]
    return inert("\n".join(words)) + f"\n{exactly}"


def written(request: RequestText) -> str:
    """A request as a text."""
    signed = request.signed
    rows = "\n".join(f"  {label:<9} {value}" for label, value in heading(request))
    packed = base64.b64encode(zlib.compress(canonical(_plain(request)).encode(), 9)).decode()
    return (
        f"Somebody asks you to approve a step of a runbook.\n\n{rows}\n\n{indent(described(request.what), '  ')}\n\n"
        f"  digest    {signed.action}\n\n"
        "To look at it and approve it: `runbook approve FILE` with this file, or give all of this text to\n"
        "`runbook approve -`. Only what that command shows counts; this head could say anything.\n\n"
        + "\n".join([_BEGIN, *wrap(packed, _WIDTH), _END])
        + "\n"
    )


def read(text: str) -> RequestText:
    """The request that stands in a text.

    :raises Unreadable: if there is none, several, or it does not hold together.
    """
    if text.count(_BEGIN) != 1 or text.count(_END) != 1 or len(text) > LARGEST:
        raise Unreadable(f"it holds no request, or several: one stands between `{_BEGIN}` and its end")
    inside = _unquoted(text[text.index(_BEGIN) + len(_BEGIN) : text.index(_END)])
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(inside, validate=True), LARGEST)
        if not unpacker.eof:
            raise Unreadable("the request is cut, or too long")
        request = _request(json.loads(data))
        signed = request.signed
        json.loads(request.what)
    except (ValueError, zlib.error, RecursionError) as error:
        raise Unreadable(f"the request was altered or cut on its way: {error}") from None
    if signed.decision != REQUEST:
        raise Unreadable("it is an approval, and no request for one")
    if sha256(request.what) != signed.action:
        raise Unreadable("its digest is not that of the action that it shows: it was altered")
    return request


def word_of(approval: ApprovalWord) -> str:
    """An approval as one word."""
    packed = zlib.compress(canonical({"text": approval.text, "signature": approval.signature}).encode(), 9)
    return _WORD + base64.urlsafe_b64encode(packed).decode()


def read_word(text: str) -> ApprovalWord:
    """The approval that a text is.

    :raises Unreadable: if it is none.
    """
    word = _unquoted(text)
    if not word.startswith(_WORD) or len(word) > LARGEST:
        raise Unreadable(f"it is no approval, which begins with `{_WORD}`")
    try:
        packed = base64.b64decode(word.removeprefix(_WORD), altchars=b"-_", validate=True)
        value: Json = json.loads(zlib.decompressobj().decompress(packed, LARGEST))
    except (ValueError, binascii.Error, zlib.error, RecursionError):
        raise Unreadable(
            "the approval was cut or altered on its way; if it came in several lines, save them in a file and name that"
        ) from None
    match value:
        case {"text": str() as signed, "signature": str() as signature, **more} if not more:
            return ApprovalWord(text=signed, signature=signature)
        case _:
            raise Unreadable("it is no approval")


def is_word(text: str) -> bool:
    """Whether a text is meant to be an approval, and no name of a file."""
    return _unquoted(text).startswith(_WORD)


def _unquoted(text: str) -> str:
    """A text without what a mail program put into it: the ends of lines, and the signs of a quotation."""
    return re.sub(r"[\s>]", "", text)


def _plain(request: RequestText) -> JsonObject:
    return {**asdict(request), "members": [*request.members]}


def _request(value: Json) -> RequestText:
    """A request from its JSON.

    :raises ValueError: if it is none.
    """
    if not isinstance(value, dict) or value.keys() != {field.name for field in fields(RequestText)}:
        raise ValueError("it has other parts")
    members, count = value.pop("members"), value.pop("count")
    texts = {name: part for name, part in value.items() if isinstance(part, str)}
    if len(texts) != len(value) or not _names(members) or not isinstance(count, int) or isinstance(count, bool):
        raise ValueError("a part of it is of another type")
    return RequestText(**texts, count=count, members=tuple(str(member) for member in _list(members)))


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()


def _names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
