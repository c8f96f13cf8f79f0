"""The kind ``command``: a program or a script on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from runbook.kinds import program
from runbook.model import fragments
from runbook.model.canonical import Json, JsonObject
from runbook.model.kind import Automated, Observed, Traits

if TYPE_CHECKING:
    from runbook.model.io import Io


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(program.Program, Automated):
    """A program with its arguments, or a script, on this machine.

    Use it for whatever has a command line. ``argv`` starts the program without a shell: an argument stays one
    argument, whatever is in it, and an element that is wholly one list is spliced in. ``script`` runs under
    ``bash -euo pipefail`` (or ``sh -eu``), so that it stops at the first line that fails; it may hold no ``${{ }}``,
    values reach it through ``env``. The file says the ``effect``: nothing is guessed from a command's text.

    The step passes with exit status 0, unless its ``expect`` speaks of ``exit_code`` itself. A command gets no
    terminal: what asks for a password or opens an editor is a ``manual`` step. Secrets belong into ``env`` or
    ``stdin``; in ``argv`` every user of the machine could read them.

    For example::

        kind: command
        effect: none
        argv: [df, --output=pcent, /]
        output: lines
        expect: exit_code == 0 && lines.size() == 2
    """

    NAME: ClassVar[str] = "command"
    JUDGE: ClassVar[int] = 1
    SCHEMA: ClassVar[JsonObject] = fragments.schema(**program.FIELDS)
    TRAITS: ClassVar[Traits] = Traits(
        effect=None,
        verbatim=frozenset({"script"}),
        secrets=frozenset({"env", "stdin"}),
        exactly_one=(("argv", "script"),),
    )
    OBSERVES: ClassVar[Mapping[str, Observed]] = program.OBSERVES
    EXAMPLES: ClassVar[tuple[JsonObject, ...]] = (
        {
            "id": "disk_space",
            "title": "Is there room on the disk?",
            "kind": "command",
            "effect": "none",
            "argv": ["df", "--output=pcent", "/"],
            "output": "lines",
        },
        {
            "id": "restart",
            "title": "Restart the service",
            "kind": "command",
            "effect": "change",
            "undo": "none",
            "because": "a restart leaves nothing to take back",
            "script": 'systemctl restart "$SERVICE"\nsystemctl is-active "$SERVICE"\n',
            "env": {"SERVICE": "${{ environment.service }}"},
        },
    )

    @classmethod
    def observes(cls, fields: Mapping[str, Json]) -> Mapping[str, Observed]:
        """What such a step observes: ``json`` and ``lines`` only where ``output`` asks for them."""
        return program.observes(fields)

    def perform(self, io: "Io") -> JsonObject:
        """Run it to its end."""
        return self.observation(io.run(self.process()))
