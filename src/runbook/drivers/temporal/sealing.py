"""Secrets on their way to a worker: sealed for it alone, so that what the engine keeps of them is of use to nobody.

Each worker makes a pair of keys for each run (RFC 9180, X25519). The private one is in its memory and nowhere else, and
goes when the run or the worker ends; with it goes whatever was sealed for it. Of how long a secret is it is told only
roughly.
"""

import base64
import binascii
import contextlib
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from runbook.audit.masking import Masker
from runbook.drivers.temporal.payloads import SEALED
from runbook.model.canonical import Json, canonical
from runbook.model.diagnostics import Refused

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_PIECE = 128


def seal(key: str, run: str, name: str, value: Json) -> str:
    """A value of a run's secret, sealed.

    :param key: the public key of the worker that it is for.
    """
    plain = canonical(value).encode()
    padded = plain.ljust(-(-len(plain) // _PIECE) * _PIECE)
    public = X25519PublicKey.from_public_bytes(base64.b64decode(key))
    return SEALED + base64.b64encode(_SUITE.encrypt(padded, public, info=_info(run, name))).decode()


class Lock:
    """The pair of keys of a worker for a run."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._private = X25519PrivateKey.generate()
        self.key = base64.b64encode(self._private.public_key().public_bytes_raw()).decode()

    def open(self, name: str, text: str) -> Json:
        """The value that was sealed.

        :raises ValueError: if it was sealed for another worker, run or name, or altered.
        """
        try:
            data = base64.b64decode(text.removeprefix(SEALED), validate=True)
            value: Json = json.loads(_SUITE.decrypt(data, self._private, info=_info(self._run, name)))
        except (InvalidTag, binascii.Error):
            raise ValueError("it was not sealed for this worker") from None
        return value

    def again(self, name: str, value: Json) -> str:
        """The same value, sealed for this worker."""
        return seal(self.key, self._run, name, value)


class Typed:
    """What somebody types in secret while they answer for a run: sealed, and covered in all else that they say."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._masker = Masker()
        self.cover = self._masker.cover

    def seal(self, key: str, name: str, value: Json) -> str:
        """Seal it for a worker."""
        with contextlib.suppress(Refused):  # what cannot be masked is refused where it is looked at
            self._masker.register(name, value if isinstance(value, str) else canonical(value))
        return seal(key, self._run, name, value)


def _info(run: str, name: str) -> bytes:
    return f"runbook-secret/v1\0{run}\0{name}".encode()
