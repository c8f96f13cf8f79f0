"""Reads known_hosts files strictly, and says whether a machine's key is the one that is known. No network.

The format is that of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; hashed names, ``[host]:port`` and negation are judged.

Rules. A line that concerns the machine and that this reader does not judge (``@revoked``, ``@cert-authority``, a
pattern with a wildcard) is never skipped: the connection is refused, with a pointer to ``transport: openssh``, which
judges it. Nothing is ever added to a file: an unknown key is refused as a changed one is.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runbook.model.io import NotSent

_WILD = re.compile(r"[*?]")
OPENSSH = "write `transport: openssh` into the step: the machine's own ssh judges that"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key that is known for a machine."""

    type: str
    blob: bytes
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the files know of one machine."""

    name: str
    keys: Sequence[KnownKey]

    def types(self) -> tuple[str, ...]:
        """The types of its known keys, which are to be asked for."""
        return tuple(dict.fromkeys(key.type for key in self.keys))

    def verify(self, type_: str, blob: bytes) -> None:
        """Refuse a key that is not one of those that are known.

        :param type_: the name of its algorithm.
        :param blob: its bytes as in RFC 4253, section 6.6.
        :raises NotSent: if it is unknown, or another one.
        """
        if any(hmac.compare_digest(key.blob, blob) for key in self.keys):
            return
        print_ = fingerprint(blob)
        if self.keys:
            places = ", ".join(dict.fromkeys(key.place for key in self.keys))
            raise NotSent(
                f"the host key of {self.name} is another one than the known one: {type_} {print_}, "
                f"and {places} says otherwise; somebody may be in between",
                f"ask who runs it whether the key was changed; only then `ssh-keygen -R '{self.name}'`",
            )
        raise NotSent(f"the host key of {self.name} is not known: {type_} {print_}", how_to_learn(self.name))


def how_to_learn(name: str) -> str:
    """How a person makes a machine's key known."""
    bracketed = re.fullmatch(r"\[(.*)\]:(\d+)", name)
    machine = f"-p {bracketed[2]} {bracketed[1]}" if bracketed else name
    scan = f"ssh-keyscan {machine} >> ~/.ssh/known_hosts"
    return f"compare that fingerprint with the machine's own, then `ssh` to it once by hand, or `{scan}`"


def fingerprint(blob: bytes) -> str:
    """The fingerprint as ssh shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def known(host: str, port: int, files: Sequence[Path]) -> Known:
    """What known_hosts files know of a machine.

    As ssh does it, a port that is not 22 is looked for as ``[host]:port``, and as ``host`` if nothing is known so.

    :param host: the name that is looked for, after ``HostName`` or ``HostKeyAlias``.
    :raises NotSent: if a line concerns it that cannot be judged here, or a file cannot be read.
    """
    host = host.lower()
    names = [host] if port == 22 else [f"[{host}]:{port}", host]
    lines = [(f"{path}:{number}", line) for path in files for number, line in enumerate(_lines(path), start=1)]
    for name in names:
        keys = [key for place, line in lines if (key := _key(line, name, place)) is not None]
        if keys:
            return Known(name=name, keys=keys)
    return Known(name=names[0], keys=())


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        why = (error.strerror or "").lower()
        raise NotSent(f"`{path}` cannot be read: {why}", f"look at `ls -l {path}`") from error


def _key(line: str, name: str, place: str) -> KnownKey | None:
    """The key of a line that concerns a machine."""
    words = line.split()
    if not words or words[0].startswith("#"):
        return None
    marker = words.pop(0) if words[0].startswith("@") else ""
    if not words:
        return None
    match = _matches(words[0], name)
    if match is None:
        return None
    if marker:
        raise NotSent(f"{place} speaks of {name} as `{marker}`, which the built-in client does not judge", OPENSSH)
    if match:
        raise NotSent(
            f"{place} names {name} by a wildcard, `{match}`, which the built-in client does not judge", OPENSSH
        )
    try:
        blob = base64.b64decode(words[2], validate=True)
    except (IndexError, ValueError):
        raise NotSent(f"{place} speaks of {name} and holds no key", "mend that line, or take it out") from None
    return KnownKey(type=words[1], blob=blob, place=place)


def _matches(patterns: str, name: str) -> str | None:
    """The wildcard by which a list of patterns names a machine, "" if by no wildcard, None if it does not."""
    found: str | None = None
    for pattern in patterns.lower().split(",") if not patterns.startswith("|") else [patterns]:
        negated = pattern.startswith("!")
        if not _is(pattern.removeprefix("!"), name):
            continue
        if negated:
            return None
        wild = pattern if not pattern.startswith("|") and _WILD.search(pattern) else ""
        found = wild if found is None else found and wild
    return found


def _is(pattern: str, name: str) -> bool:
    if pattern.startswith("|"):
        return _is_hash(pattern, name)
    if not _WILD.search(pattern):  # nearly all of what may be thousands of lines
        return pattern == name
    words = {"*": ".*", "?": "."}
    return re.fullmatch("".join(words.get(sign, re.escape(sign)) for sign in pattern), name) is not None


def _is_hash(pattern: str, name: str) -> bool:
    """A hashed name: ``|1|SALT|HMAC-SHA1(SALT, name)``, both in base64."""
    try:
        _, method, salt, digest = pattern.split("|")
        wanted = hmac.digest(base64.b64decode(salt, validate=True), name.encode(), "sha1")
        return method == "1" and hmac.compare_digest(wanted, base64.b64decode(digest, validate=True))
    except ValueError:
        return False
