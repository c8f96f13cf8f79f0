"""What happens, as it happens: the opening, the heading of each step, live output, results, notes, the end."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rich.text import Text

from runbook.drivers.interrupts import Interrupts
from runbook.drivers.operator import Place
from runbook.drivers.stopping import sentences
from runbook.drivers.telling import Announced, Mark, Teller, Told, announced
from runbook.drivers.terminal.modes import Modes
from runbook.drivers.terminal.output import LiveOutput
from runbook.drivers.terminal.repeated import (
    is_list,
    name_within,
    names_around,
    progress_of,
    running_of,
    show_list,
    show_rest,
)
from runbook.drivers.terminal.screen import Screen, one_line, styled
from runbook.drivers.terminal.seen import facts, show_found
from runbook.drivers.terminal.wording import (
    banner,
    heading,
    markdown,
    show_action,
    show_contacts,
    show_table,
    sign,
    spelled,
    whereabouts,
)
from runbook.model.canonical import Json
from runbook.model.durations import spoken
from runbook.model.kind import Preview
from runbook.model.runbook import Finish, Mode, Outcome, Step
from runbook.walk import events as e
from runbook.walk import including
from runbook.walk import run_events as r
from runbook.walk.outlook import outlook
from runbook.walk.rehearsing import is_shown
from runbook.walk.walk import Walk

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CRUMBS = 4
_PLAIN_TIMES = (10, 30, 60)
"""Seconds after which a plain terminal is told that something still runs; then every minute."""
_STOPPING = ("Ctrl-C stops it", "asked to stop; Ctrl-C again insists", "told to stop; Ctrl-C again kills it", "killed")
_STOPPING_CHANGES = (
    "Ctrl-C begins no more",
    "no more is begun, what runs is awaited; Ctrl-C again stops it",
    "told to stop; Ctrl-C again kills it",
    "killed",
)
_LONGEST_LOOK = 16 * 1024
"""Bytes of one look of a wait that are shown; all of them are in the run's directory."""


class News:
    """Shows what happens to a walk."""

    def __init__(self, screen: Screen, modes: Modes, interrupts: Interrupts) -> None:
        self._screen = screen
        self._modes = modes
        self._interrupts = interrupts
        self._teller = Teller()
        self._live = LiveOutput(screen)
        self._elapsed = self._told_at = 0
        self._seen = (0, time.monotonic())
        self._look = self._last_look = ""
        self._printed: dict[str, bytes] | None = None
        self._last_printed: dict[str, bytes] = {}
        self.last = ""
        self.walk: Walk | None = None
        self._near: Walk | None = None
        self.previewed: Preview | None = None
        self.checked: dict[str, str] = {}

    def now(self) -> int:
        """The walk's clock, from the last event and the time since."""
        mono, at = self._seen
        return mono + round((time.monotonic() - at) * 1000)

    def arrive(self, walks: Sequence[Walk], place: Place) -> None:
        """Show the heading of a step: where we are, how we came here, what it is about.

        :param walks: that of the run and those inside it, the one that the step belongs to last.
        """
        walk = walks[-1]
        where = styled(one_line(walk.runbook.title), "dim")
        if walks[0].environment:
            where.append(" · ", "dim").append(walks[0].environment, "bold")
        screen = self._screen
        screen.say()
        if banner(walk.mode):
            screen.say(banner(walk.mode), style="bold reverse")
        screen.rule(heading(place, whereabouts(walk, place)), where)
        around = [styled(name, "dim") for name in names_around(walks)]
        screen.items([*around, *self._crumbs(walk, place)], between=" › ")
        screen.say()
        section = f"{one_line(place.step.section)}: " if place.step.section else ""
        screen.say(Text.assemble(styled(section, "dim"), styled(one_line(place.title or place.step.id), "bold")))
        if place.description.strip():
            markdown(screen, place.description)
        screen.say()

    def show(self, event: r.Event) -> None:
        """Show an event, one of a step as the walk has it that the step belongs to."""
        self._seen = (event.mono, time.monotonic())
        self._near = self.walk
        if self.walk is not None and isinstance(event, e.StepEvent):
            if isinstance(event, e.StepFinished) and "." in event.step:
                self.checked[event.step] = event.outcome
            self._near, step = including.around(self.walk, event.step)
            event = replace(event, step=step)
        match event:
            case r.RunStarted() | r.RunResumed():
                self._open(event)
            case e.StepStarted():
                self._started(event)
            case e.WaitChecked():
                self._checked(event)
            case r.RunPaused():
                self._screen.drop_row()
            case r.RunFinished():
                self._finish(event)
            case _:
                self._other(event)

    def output(self, stream: str, chunk: bytes) -> None:
        """Show a piece of live output; that of a wait's look only if it is another than before, and at its end."""
        if self._printed is None:
            self._live.feed(stream, chunk)
        else:
            self._printed[stream] = (self._printed.get(stream, b"") + chunk)[:_LONGEST_LOOK]
        self._modes.look()

    def _show_look(self) -> None:
        """Show what a wait's look has printed, unless the look before printed the same."""
        printed, self._printed = self._printed or {}, None
        if printed != self._last_printed:
            for stream, text in printed.items():
                self._live.feed(stream, text)
        self._last_printed = printed

    def working(self, elapsed_ms: int) -> None:
        """Show that something still runs, and for how long."""
        self._elapsed = elapsed_ms
        if self._modes.look():
            self._screen.redraw()
        if not self._screen.plain:
            self._screen.set_row(self._spinner)
            return
        seconds = elapsed_ms // 1000
        due = next((t for t in _PLAIN_TIMES if t > self._told_at), self._told_at + 60)
        if seconds >= due:
            self._told_at = due
            begun = self._live.begun()
            progress = progress_of(self._near) if self._near else None
            said = [spoken(seconds * 1000), progress.line() if progress else "", running_of(self._near)]
            self._screen.say(f"still running, {' · '.join(filter(None, said))}" + (f": {begun}" if begun else ""))

    def _spinner(self, columns: int) -> tuple[Text, int | None]:
        del columns
        frame = _FRAMES[self._elapsed // 250 % len(_FRAMES)]
        stopping = _STOPPING[min(self._interrupts.presses, len(_STOPPING) - 1)]
        progress = progress_of(self._near) if self._near else None
        far = f" · {progress.line()}" if progress else ""
        visit = self._near.visit if self._near else None
        if progress is not None and visit is not None and visit.step.effect.changes:
            stopping = _STOPPING_CHANGES[min(self._interrupts.presses, len(_STOPPING_CHANGES) - 1)]
        running = running_of(self._near)
        row = Text.assemble((f"{frame} ", "cyan"), f"{self._elapsed // 1000} s{far}", (f" · {stopping}", "dim"))
        if running:
            row.append_text(styled(f" · {running}"))
        begun = self._live.begun()
        return (row.append_text(styled(f" · {begun}")) if begun else row), None

    def _crumbs(self, walk: Walk, place: Place) -> Iterator[Text]:
        """The last steps with their outcomes, and this one."""
        path = walk.path[:-1] if walk.path and walk.path[-1] == (place.step.id, place.visit) else walk.path
        if len(path) > _CRUMBS:
            yield Text("…", "dim")
        for step, visit in path[-_CRUMBS:]:
            outcome = walk.outcomes.get((step, visit))
            crumb = Text()
            if outcome is not None and self._screen.plain:
                crumb.append(f"{outcome.value} ")
            elif outcome is not None:
                crumb.append_text(sign(Mark(outcome.value))).append(" ")
            yield crumb.append(step, "dim")
        yield Text(place.step.id, "bold")

    def _open(self, event: r.RunStarted | r.RunResumed) -> None:
        walk, screen = self.walk, self._screen
        if walk is None or walk.started is None:  # pragma: no cover - a session attaches its walk first
            return
        started, runbook = walk.started, walk.runbook
        screen.say()
        screen.say(runbook.title, style="bold")
        where = [walk.mode.value, *([walk.environment] if walk.environment else []), f"run {started.run}"]
        screen.say(" · ".join([*where, f"operator {walk.operator}"]))
        if banner(walk.mode):
            screen.say(banner(walk.mode), style="bold reverse")
        if isinstance(event, r.RunResumed):
            self._resumed(walk, event)
            return
        if runbook.description.strip():
            screen.say()
            markdown(screen, runbook.description)
        inputs: Mapping[str, Json] = walk.inputs
        if inputs:
            screen.say()
            screen.say("It is walked with:")
            show_table(screen, ((name, spelled(value) or "(empty)") for name, value in inputs.items()))
        called = runbook.contacts or runbook.links
        screen.say()
        confirmed = "Nothing is changed that you have not confirmed; Enter alone never confirms. "
        guarded = runbook.lock is not None or any(step.guards for step in runbook.steps)
        screen.say(
            (f"Guards and locks see {started.guards_see}. " if guarded else "")
            + (confirmed if walk.mode is not Mode.DRY else "")
            + f"Ctrl-C pauses, {'c says whom to call, ' if called else ''}? helps.",
            style="dim",
        )

    def _resumed(self, walk: Walk, event: r.RunResumed) -> None:
        self._screen.say("Resumed. Confirmations from before the pause do not count any more.")
        if event.differs:
            self._screen.say(event.differs, first=Text("! ", style="yellow"))
        if event.torn:
            text = "The end of the log was torn by a crash; what is left of it was kept aside."
            self._screen.say(text, first=Text("! ", style="yellow"))
        found = [*sentences(walk, outlook(walk))]
        if found:
            self._screen.say("If you stop now:", style="bold")
            show_table(self._screen, found)

    def _started(self, event: e.StepStarted) -> None:
        """Something is started: what has not been shown of it is shown now, before it happens."""
        if not self._side_by_side(event.step):
            self._live = LiveOutput(self._screen)
            self._told_at = 0
        part = "" if event.step.endswith(".undo") else event.step.partition(".")[2].removeprefix("undo.")
        self._printed = {} if part == "until" else None
        action = announced(event.what)
        if self._near is None or action is None:  # pragma: no cover - what is announced can be read
            return
        if part == "probe":
            self._screen.say("Looking what became of it:")
            show_action(self._screen, action.preview, "")
        elif not part and not event.step.endswith("]"):
            visit = self._near.visit_of(event.step)
            step = visit.step if visit else self._near.owner(event.step)
            # Whoever asks about it shows it.
            asks = self._near.registry[step.kind].asks(step.fields) or is_shown(self._near, step)
            if not _same(action.preview, self.previewed) and not asks and event.attempt == 1:
                self._show_action(step, action.preview)
            if step.kind != "parallel":  # what it does is what it looks at
                self.show_looks(step, action)
            self._look = self._last_look = ""
            self._last_printed = {}
        told = self._teller.tell(event)
        again = event.attempt > 1 and part != "until"  # the looks of a wait are told by what they see
        if told is not None and (again or (self._screen.plain and not part)):
            self._line(told)

    def _show_action(self, step: Step, preview: Preview) -> None:
        if not is_list(step):
            show_action(self._screen, preview, step.kind)
        else:
            self._screen.exactly(preview.line, style="bold", indent=2)
            show_list(self._screen, preview)

    def _side_by_side(self, address: str) -> bool:
        """Whether something else goes on beside a step or a part of one."""
        visit = self._near.visit if self._near else None
        if self._near is None or visit is None:
            return False
        if visit.step.kind == "parallel":
            return bool(visit.nested_running - {address})
        return any(self._near.flies(element) for name, element in visit.elements.items() if name != address)

    def show_looks(self, step: Step, action: Announced) -> None:
        """Show what a machine looks at within a step, and what it is held against."""
        for name, inside in action.nested:
            self._screen.exactly(f"the machine looks ({name}): {inside.line}", style="dim", indent=2)
            if expect := step.nested[name].expect:
                self._screen.say(f"passes if {one_line(expect)}", style="dim", indent=4)

    def _checked(self, event: e.WaitChecked) -> None:
        """A wait has looked; a line only when it saw something new, so that a long wait stays short."""
        told = self._teller.tell(event)
        if told is None or self._look == self._last_look:
            return
        self._last_look = self._look
        self._line(Told(mark=told.mark, text=told.text + (f" · {self._look}" if self._look else ""), step=event.step))

    def _other(self, event: r.Event) -> None:
        told = self._teller.tell(event)
        if self._printed is not None and isinstance(event, e.StepOutput):
            return
        if self._printed is not None and isinstance(event, e.StepFinished | e.StepCancelled):
            self._show_look()
        ended = isinstance(event, e.StepFinished | e.StepUnknown | e.StepCancelled | e.StepOutput)
        if ended and isinstance(event, e.StepEvent) and not self._side_by_side(event.step):
            self._live.end()
        if isinstance(event, e.StepOutput) and event.file and event.size > self._live.sizes.get(event.stream, 0):
            self._screen.say(f"… not all of {event.stream} is shown here; it is in {event.file}", style="dim", indent=2)
        if isinstance(event, e.StepFinished) and event.step.endswith(".until"):
            self._look = event.reason
            return
        if isinstance(event, r.DeviationRecorded) and event.deviation == "skip":
            return  # the skip says it
        ends = isinstance(event, e.StepFinished) and self._ends(event)
        if told is not None and not ends:
            self._line(replace(told, text=" · ".join([told.text, *self._about(event)])))
        if isinstance(event, e.StepFinished):
            show_found(self._screen, self._kind(event), event)
        loop = self._near.visit if self._near else None
        if isinstance(event, e.StepFinished) and loop is not None and loop.items and event.step == loop.step.id:
            show_rest(self._screen, self._near, loop)  # type: ignore[arg-type]  # there is a loop

    def _kind(self, event: e.StepFinished) -> str:
        """The kind of the step that has finished; of a part of one, or an element, empty."""
        step = self._near.steps.get(event.step) if self._near else None
        return step.kind if step else ""

    def _about(self, event: r.Event) -> Iterator[str]:
        """What belongs behind the line of an event: facts, and how far a loop is."""
        if not isinstance(event, e.StepFinished | e.StepUnknown | e.StepSettled | e.StepSkipped):
            return
        nested = "." in event.step.removesuffix(".undo")
        visit = self._near.visit if self._near else None
        if visit is not None and event.step == visit.step.id and visit.items:
            if isinstance(event, e.StepFinished) and not event.reason:
                yield f"all {len(visit.items)}"
            return
        if isinstance(event, e.StepFinished) and not nested:
            yield from facts(self._kind(event), event)
        if event.step.endswith("]") and self._near is not None and (progress := progress_of(self._near)) is not None:
            yield progress.line()

    def _ends(self, event: e.StepFinished) -> bool:
        """Whether a run's end was reached as it should be: its own line says what end that is."""
        return self._kind(event) == "finish" and event.outcome == Outcome.PASSED.value

    def _line(self, told: Told) -> None:
        """A line about something, with its sign."""
        self.last = told.text
        name = name_within(self._near, told.step or "")
        lead = Text("    " if name else "").append_text(sign(told.mark)).append(" ")
        if self._screen.plain:
            lead = Text("    " if name else "")
        text = f"{name}: {told.text}" if name else told.text
        if told.mark in {Mark.REMINDER, Mark.WARNING}:
            text = f"{told.mark.value.upper()}: {text}"
        self._screen.say(text, first=lead, style="bold" if told.mark is Mark.REMINDER else "")

    def _finish(self, event: r.RunFinished) -> None:
        walk, screen = self.walk, self._screen
        screen.drop_row()
        screen.say()
        good = Finish(event.finish).good
        screen.say(f"{event.finish.upper()} after {spoken(event.mono)}", style="bold green" if good else "bold yellow")
        if walk is not None and not good and walk.runbook.contacts:
            show_contacts(screen, walk.runbook.contacts)


def _same(announced: Preview, shown: Preview | None) -> bool:
    """Whether an action has been shown; the log holds its fields in another order than the file."""
    return shown is not None and _lines(announced) == _lines(shown)


def _lines(preview: Preview) -> list[str]:
    return [preview.line, *sorted((preview.detail or "").splitlines())]
