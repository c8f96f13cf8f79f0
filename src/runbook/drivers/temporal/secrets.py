"""The secrets of a run as its workflow knows them: by name, with the commitments that workers make to their values."""

from collections.abc import Iterable, Mapping, Sequence

from runbook.drivers.temporal import calls
from runbook.drivers.temporal.payloads import Looked, Source, Wanted
from runbook.model.diagnostics import Code, Diagnostic, Refused
from runbook.model.runbook import SecretSource
from runbook.walk.including import chain
from runbook.walk.walk import Walk
from runbook.world.secrets import Resolution

AT_A_WORKER = Code(
    number="RB590",
    title="secret at a worker",
    why="Where a step is performed by a worker, its secrets are looked up there, and never anywhere else: nothing of "
    "them goes through the engine. What that worker says of one is told here.",
)


class RemoteSecrets:
    """The secrets of one run."""

    def __init__(self, run: str, walk: Walk, declared: Mapping[str, SecretSource]) -> None:
        self._run = run
        self._walk = walk
        self._committed: dict[str, str] = {}
        self.sources: Sequence[Source] = [
            Source(name=s.name, kind=s.kind, value=s.value, strip_newline=s.strip_newline) for s in declared.values()
        ]

    def committed(self, names: Iterable[str]) -> Mapping[str, str]:
        """The commitments that were made last."""
        return {name: self._committed[name] for name in sorted(names)}

    def resolve(self, names: Iterable[str]) -> Resolution:
        """Have a worker of the step's site look at secrets.

        :raises Refused: if one cannot be used there.
        """
        wanted = sorted(set(names))
        if not wanted:
            return Resolution(commitments={})
        visit = chain(self._walk)[-1].visit
        looked = calls.done(
            calls.SECRETS,
            [Wanted(run=self._run, secrets=self.sources, names=wanted)],
            Looked,
            site=visit.step.site if visit is not None else None,
        )
        if looked.problems:
            raise Refused(*(Diagnostic(code=AT_A_WORKER, message=what, help=help_) for what, help_ in looked.problems))
        self._committed.update(looked.commitments)
        warnings = tuple(Diagnostic(code=AT_A_WORKER, message=each, help="") for each in looked.warnings)
        return Resolution(commitments=looked.commitments, warnings=warnings)

    def keep(self, name: str, value: str) -> None:
        """Nothing that makes or asks for a secret is submitted."""
        del value
        raise AssertionError(name)
