"""The kind ``ssh``: a program or a script on another machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runbook.kinds import program
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Automated, Observed, Preview, Traits
from runbook.model.machine import HOST_AS_WRITTEN

if TYPE_CHECKING:
    from runbook.model.io import Io


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh(program.Program, Automated):
    """A program with its arguments, or a script, on another machine.

    Use it as you would use ``command``; it has the same fields and observes the same. ``host`` is a name, an address
    or an alias of ``~/.ssh/config``, also with a user before it (``deploy@web1``). The other machine needs a POSIX
    ``sh`` and nothing else; a ``script`` runs under its bash unless ``shell: sh``. Arguments, ``env``, ``stdin`` and
    ``files`` arrive there byte for byte, whatever is in them, and no secret stands in an argument, here or there.

    The machine's key has to be known: an unknown or changed one is refused, and nothing is ever learnt silently. Keys
    of an agent and of files log in; nobody is asked for a password. One connection a machine is kept for the run. With
    ``transport: openssh`` the ``ssh`` of this machine connects, which also judges ``@cert-authority``, ``@revoked``
    and wildcards in known_hosts, and whatever else its configuration says.

    A connection that is lost after the program was started leaves a change unknown. When the time is up, or a person
    stops it, the program is ended there, or the reason says that it may still run. A program that a signal ended is
    seen as its shell there tells it: ``exit_code`` is 128 and the signal's number, ``signal`` is empty.

    For example::

        kind: ssh
        host: web1.example.com
        effect: none
        argv: [systemctl, is-active, api]
    """

    host: str
    transport: str = "paramiko"

    NAME: ClassVar[str] = "ssh"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(
        ["host"],
        host=fragments.text(
            "The machine: a name, an address, or an alias of ~/.ssh/config; `USER@` may stand before it.",
            pattern=HOST_AS_WRITTEN,
        ),
        transport=fragments.enumeration(
            "What connects: the built-in client, or the machine's own ssh.", "paramiko", "openssh", default="paramiko"
        ),
        **program.FIELDS,
    )
    TRAITS: ClassVar[Traits] = Traits(
        effect=None,
        verbatim=frozenset({"script"}),
        secrets=frozenset({"env", "stdin"}),
        exactly_one=(("argv", "script"),),
    )
    OBSERVES: ClassVar[Mapping[str, Observed]] = program.OBSERVES
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "is_active",
            "title": "Does the service run?",
            "kind": "ssh",
            "host": "web1.example.com",
            "effect": "none",
            "argv": ["systemctl", "is-active", "api"],
        },
    )

    @classmethod
    def observes(cls, fields: Mapping[str, Json]) -> Mapping[str, Observed]:
        """What such a step observes: ``json`` and ``lines`` only where ``output`` asks for them."""
        return program.observes(fields)

    def preview(self) -> Preview:
        """The machine, and what would be run there."""
        there = program.Program.preview(self)
        return Preview(line=f"on {self.host}: {there.line}", detail=there.detail)

    def perform(self, io: "Io") -> JsonObject:
        """Run it there to its end."""
        return self.observation(io.ssh(self.host, self.process(), transport=self.transport))
