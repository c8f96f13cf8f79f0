"""Encrypts what goes through the engine's history, where a key is given (AES-256-GCM, NIST SP 800-38D)."""

import base64
import binascii
import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from runbook.model.diagnostics import Code, Diagnostic, Refused

VARIABLE = "RUNBOOK_PAYLOAD_KEY"
_ENCODING = b"binary/runbook-aes256gcm"
BAD_KEY = Code(
    number="RB593",
    title="key for payloads that cannot be used",
    why="What goes through the engine's history is encrypted under a key of 256 bits, which whoever submits, answers "
    "and works has in common. It stands in $RUNBOOK_PAYLOAD_KEY in base64.",
)


class Unreadable(ValueError):  # noqa: N818 - said of a payload
    """What goes through the engine cannot be read under the key that is here."""

    def __init__(self, which: str) -> None:
        super().__init__(f"what goes through the engine is encrypted, and ${VARIABLE} {which}")


class Open(PayloadCodec):
    """Encrypts nothing, and says of what is encrypted that a key is missing."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Leave payloads as they are."""
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Leave payloads as they are.

        :raises Unreadable: if one is encrypted.
        """
        if any(payload.metadata.get("encoding") == _ENCODING for payload in payloads):
            raise Unreadable("is not set here")
        return list(payloads)


class Encrypting(PayloadCodec):
    """Encrypts each payload whole, its metadata too; the nonce stands before it."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads."""
        made = []
        for payload in payloads:
            nonce = os.urandom(12)
            data = nonce + self._cipher.encrypt(nonce, payload.SerializeToString(), _ENCODING)
            made.append(Payload(metadata={"encoding": _ENCODING}, data=data))
        return made

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what was encrypted; what was not is left as it is.

        :raises Unreadable: if it was encrypted under another key.
        """
        made = []
        for payload in payloads:
            if payload.metadata.get("encoding") != _ENCODING:
                made.append(payload)
                continue
            try:
                plain = self._cipher.decrypt(payload.data[:12], payload.data[12:], _ENCODING)
            except InvalidTag:
                raise Unreadable("holds another key here") from None
            made.append(Payload.FromString(plain))
        return made


def codec_of(environ: Mapping[str, str]) -> Encrypting | None:
    """What encrypts, where the environment holds a key.

    :raises Refused: if it is none.
    """
    key = key_of(environ)
    return Encrypting(key) if key is not None else None


def key_of(environ: Mapping[str, str]) -> bytes | None:
    """The key, where the environment holds one.

    :raises Refused: if it is none.
    """
    text = environ.get(VARIABLE, "")
    if not text:
        return None
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        help_ = "make one with `openssl rand -base64 32`"
        raise Refused(Diagnostic(code=BAD_KEY, message=f"${VARIABLE} does not hold 32 bytes in base64", help=help_))
    return key
