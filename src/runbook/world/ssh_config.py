"""Where ``ssh HOST`` leads: what ssh_config(5) says of it, as far as the built-in client reads it.

Read are HostName, User, Port, IdentityFile, IdentitiesOnly, IdentityAgent, HostKeyAlias, ProxyJump, ConnectTimeout,
UserKnownHostsFile and GlobalKnownHostsFile, of ``~/.ssh/config`` and then of /etc/ssh/ssh_config.

Rules. ``Include`` is followed, but for one inside a block that has blocks of its own. What would lead elsewhere, or
would be safer, if it were read is refused with a pointer to ``transport: openssh``, never skipped. What only tunes a
connection (ciphers, forwarding, multiplexing) is left out.
"""

import getpass
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from runbook.model.io import NotSent
from runbook.world.ssh_known_hosts import OPENSSH

if TYPE_CHECKING:
    from paramiko.config import SSHConfig

PATIENCE = 10
"""Seconds that each stage of a connection may take, unless ConnectTimeout says less."""

_SYSTEM = Path("/etc/ssh/ssh_config")
_REFUSED = frozenset(
    {
        "proxycommand",
        "knownhostscommand",
        "revokedhostkeys",
        "certificatefile",
        "pkcs11provider",
        "securitykeyprovider",
        "bindaddress",
        "bindinterface",
        "remotecommand",
        "canonicalizehostname",
    }
)
_NOTHING = frozenset({"none", "no", ""})
_DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ed25519")
_DEFAULTS = {
    "userknownhostsfile": "~/.ssh/known_hosts ~/.ssh/known_hosts2",
    "globalknownhostsfile": "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
}
_DEEPEST = 16  # files that include one another, as in ssh
_INCLUDE = re.compile(r"\s*include\s*[\s=]\s*(.+)", re.IGNORECASE)
_BLOCK = re.compile(r"\s*(?:host|match)\b", re.IGNORECASE)
_EXEC = re.compile(r"\s*match\s.*\bexec\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A machine to connect to. ``alias`` is what the runbook calls it; ``identities`` are files of private keys.

    Its key is looked for under ``key_name`` and ``key_port``; a ``HostKeyAlias`` stands there without its port.
    """

    alias: str
    host: str
    port: int
    user: str
    key_name: str
    key_port: int
    known_hosts: tuple[Path, ...]
    identities: tuple[Path, ...]
    identities_only: bool
    agent: str | None
    jumps: tuple[str, ...]
    patience: int


class Configuration:
    """The configuration files of one person, read once."""

    def __init__(self, home: Path) -> None:
        """Read nothing yet.

        :param home: the home of the person.
        """
        self._home = home

    def destination(self, name: str) -> Destination:
        """Where a name leads: ``HOST`` or ``USER@HOST``, HOST an alias, a name or an address.

        :raises NotSent: if the configuration cannot be read, or says what the built-in client cannot do.
        """
        user, _, alias = name.rpartition("@")
        alias, port = _with_port(alias)
        options = self._options(alias)
        for option in _REFUSED & options.keys():
            if options[option].lower() not in _NOTHING:
                raise NotSent(
                    f"the ssh configuration sets `{option}` for {alias}; the built-in client has none", OPENSSH
                )
        host = options.get("hostname", alias)
        try:
            number = port or int(options.get("port", "22"))
            patience = min(PATIENCE, int(options.get("connecttimeout", PATIENCE)) or PATIENCE)
        except ValueError:
            raise NotSent(f"the ssh configuration for {alias} has a number that is none", "mend it") from None
        identities = options.get("identityfile", "")
        files = [*self._files(options, "userknownhostsfile"), *self._files(options, "globalknownhostsfile")]
        jump = options.get("proxyjump", "none")
        return Destination(
            alias=alias,
            host=host,
            port=number,
            user=user or options.get("user", "") or getpass.getuser(),
            key_name=options.get("hostkeyalias", host),
            key_port=22 if "hostkeyalias" in options else number,
            known_hosts=tuple(files),
            identities=tuple(map(self._path, identities.splitlines()))
            or tuple(self._home / ".ssh" / key for key in _DEFAULT_KEYS),
            identities_only=options.get("identitiesonly", "no").lower() == "yes",
            agent=options.get("identityagent"),
            jumps=() if jump.lower() == "none" else tuple(one.strip() for one in jump.split(",")),
            patience=patience,
        )

    def _options(self, alias: str) -> Mapping[str, str]:
        """What the files say of a name; the first that says something is right. Identity files are lines."""
        from paramiko.ssh_exception import SSHException

        found: dict[str, str] = {}
        for config in self._configs:
            try:
                options = config.lookup(alias)
            except (SSHException, ValueError, KeyError) as error:
                raise NotSent(f"the ssh configuration for {alias} cannot be read: {error}", OPENSSH) from error
            for name, value in cast("Mapping[str, str | list[str] | None]", options).items():
                text = "\n".join(value) if isinstance(value, list) else value or "none"
                found[name] = found.get(name, text) if name != "identityfile" else f"{found.get(name, '')}\n{text}"
        return {name: text.strip() for name, text in found.items()}

    @cached_property
    def _configs(self) -> Sequence["SSHConfig"]:
        from paramiko.config import SSHConfig
        from paramiko.ssh_exception import SSHException

        configs = []
        for path in (self._home / ".ssh" / "config", _SYSTEM):
            try:
                configs.append(SSHConfig.from_text("\n".join(_lines(path, path.parent))))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except SSHException as error:
                raise NotSent(f"`{path}` cannot be read by the built-in client: {error}", OPENSSH) from error
            except OSError as error:
                raise NotSent(f"`{path}` cannot be read: {error.strerror}", f"look at `ls -l {path}`") from error
        return configs

    def _files(self, options: Mapping[str, str], option: str) -> list[Path]:
        text = options.get(option, _DEFAULTS[option])
        try:
            names = shlex.split(text)
        except ValueError as error:
            raise NotSent(f"`{option}` of the ssh configuration cannot be read: {error}", "mend it") from error
        return [self._path(name) for name in names if name.lower() != "none"]

    def _path(self, text: str) -> Path:
        """A path of the configuration: ``~`` and ``%d`` are the home."""
        text = text.strip('"').replace("%d", str(self._home))
        return self._home / text[2:] if text.startswith("~/") else Path(text).expanduser()


def _with_port(alias: str) -> tuple[str, int | None]:
    """A jump may be written with its port: ``host:2222``, ``[::1]:2222``."""
    match = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?|([^:]+):(\d+)", alias)
    if match is None:
        return alias, None
    port = match[2] or match[4]
    return match[1] or match[3], int(port) if port else None


def _lines(path: Path, root: Path, depth: int = 0) -> Iterator[str]:
    """The lines of a configuration, those of what it includes in their place.

    :param root: the directory that relative names are seen from.
    :raises NotSent: for what cannot be followed.
    """
    block = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if _EXEC.match(line):
            raise NotSent(f"`{path}` has a `Match exec`, which the built-in client does not run", OPENSSH)
        if _BLOCK.match(line):
            block = line
        include = _INCLUDE.fullmatch(line)
        if include is None:
            yield line
            continue
        if depth >= _DEEPEST:
            raise NotSent(f"`{path}` includes itself", "mend its `Include`")
        for name in shlex.split(include[1]):
            pattern = root / Path(name).expanduser()
            for file in sorted(pattern.parent.glob(pattern.name)):
                included = list(_lines(file, root, depth + 1))
                if any(map(_BLOCK.match, included)):
                    if block:
                        raise NotSent(f"`{path}` includes blocks into a block, which is not followed here", OPENSSH)
                    included.append("Host *")
                yield from included
