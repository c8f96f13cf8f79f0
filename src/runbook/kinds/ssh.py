"""The kind ``ssh``: a program or a script on another machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.kinds import program
from runbook.kinds.not_yet import NotYet
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Observed, Preview, Traits


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh(program.Program, NotYet):
    """A program with its arguments, or a script, on another machine.

    Use it as you would use ``command``; it has the same fields and observes the same. ``host`` is a name, an address
    or an alias of ``~/.ssh/config``. Arguments arrive as they are, whatever is in them. A connection that is lost
    after the program was started leaves a change unknown.

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
        host=fragments.text("The machine: a name, an address, or an alias of ~/.ssh/config."),
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
        ready=False,
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
