"""The output of what runs elsewhere, from the files that the walk keeps in the run's ``output/``, masked there.

Nothing of an attempt that is over is read here: it is in its file. Of one that has printed much before somebody looks,
the end is shown.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count

from runbook.audit.outputs import name_of
from runbook.audit.plain_file import open_plain
from runbook.audit.store import RunDir
from runbook.drivers.journal import wall_ms
from runbook.drivers.terminal.output import LiveOutput
from runbook.drivers.terminal.screen import Screen
from runbook.walk.events import StepOutput, StepStarted

STREAMS = ("stdout", "stderr")
_BACK = 16 * 1024
"""Bytes of an output that are shown where more was printed since the last look."""
_EARLIER = 2_000
"""Milliseconds by which a file's time may be before that of the record, and be of this attempt all the same."""


def fetch_ends(run: RunDir, names: Iterable[str]) -> None:
    """Make the ends of these files as new as the run, where that is kept elsewhere.

    :raises OSError: if that fails.
    """
    if run.away is not None:
        run.away.fetch_ends(run, names)


class Tail:
    """The output of one attempt, as it grows.

    :param shown: whether it is shown though it may be over before somebody looks.
    """

    def __init__(self, run: RunDir, screen: Screen, started: StepStarted, *, shown: bool) -> None:
        self._run = run
        self._screen = screen
        self._live = LiveOutput(screen)
        self._names = {stream: name_of(started.step, started.visit, started.attempt, stream) for stream in STREAMS}
        self._since = wall_ms(started.ts) - _EARLIER
        self._at = dict.fromkeys(STREAMS, 0)
        self._shown = shown

    def names(self) -> Iterator[str]:
        """The names of the files that may be there: of each stream those that were seen, and the next."""
        for stream in STREAMS:
            yield from self._seen(stream)

    def look(self) -> None:
        """Show what was printed since the last look."""
        self._shown = True
        for stream in STREAMS:
            self._show(stream, None)

    def over(self, output: StepOutput) -> None:
        """One of the streams is over and on record: show the rest of it."""
        if self._shown and output.file is not None and output.stream in self._at:
            fetch_ends(self._run, [output.file.removeprefix("output/")])
            self._show(output.stream, output.size)

    def end(self) -> None:
        """The attempt is over."""
        if self._shown:
            self._live.end()

    def _show(self, stream: str, upto: int | None) -> None:
        name = self._name(stream)
        if name is None:
            return
        with suppress(OSError), open_plain(self._run.output / name, buffering=0) as file:
            size = os.fstat(file.fileno()).st_size if upto is None else upto
            at = self._at[stream]
            if size - at > _BACK:
                skipped, at = size - _BACK - at, size - _BACK
                self._screen.say(f"… {skipped:,} bytes of {stream} are not shown here", style="dim", indent=2)
            data = os.pread(file.fileno(), size - at, at) if size > at else b""
            self._at[stream] = at + len(data)
            if data:
                self._live.feed(stream, data)

    def _name(self, stream: str) -> str | None:
        """The name of the file; None where there is none yet. An attempt that was killed may have left the first."""
        found = None
        for name in self._seen(stream):
            with suppress(OSError):
                if (self._run.output / name).lstat().st_mtime_ns // 1_000_000 >= self._since:
                    found = name
        return found

    def _seen(self, stream: str) -> Iterator[str]:
        """The names that the file of a stream may have, up to the first that is free."""
        for number in count(1):
            name = self._names[stream] if number == 1 else f"{self._names[stream]}.{number}"
            yield name
            if not os.path.lexists(self._run.output / name):
                return
