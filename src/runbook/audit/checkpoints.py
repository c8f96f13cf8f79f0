"""Checkpoints: how long a log was, and what its head was, signed by whoever walked it; kept, and judged.

A checkpoint is two files in the run's ``checkpoints/``: a text, and its signature beside it. Nobody is believed because
a file says something: a checkpoint counts for the person under whose name the *verifier's* allowed signers list its
key, at the time of the record. That person is the operator of record; where those signers do not know the operator's
name, anybody whom they know may stand for the log, and that it is somebody else is said.

A checkpoint that counts is held against the log, as an anchor is. One that nobody can judge is too: a log and its own
checkpoints that contradict each other were not left alone.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from runbook.audit.footing import sync_directory
from runbook.audit.plain_file import new_file, open_plain
from runbook.audit.reader import OTHER_LOG, TRUNCATED, UNSIGNED
from runbook.audit.record import START, Record
from runbook.audit.signatures import NotVerified, Signers
from runbook.audit.signing import key_of
from runbook.audit.store import RunDir
from runbook.audit.verdict import Finding, Status, Verdict
from runbook.model.checkpoint import NAMESPACE, CheckpointText, parse
from runbook.model.diagnostics import Code, Diagnostic, Severity, Span

NOT_COUNTED = Code(
    number="RB563",
    title="checkpoint that does not count",
    why="A checkpoint is not signed by the operator whom the log names: its text or signature was altered, it is of "
    "another run, made for something else, or by a key that is not listed under that name, had expired or was revoked. "
    "That somebody has a valid signature with some key proves nothing.",
)
SPLIT_VIEW = Code(
    number="RB564",
    title="two views of one log",
    why="Two checkpoints say that the log had the same length and another head. Both cannot be: the log was written "
    "twice, and somebody was shown the one and somebody else the other.",
)
NOT_ESTABLISHED = Code(
    number="RB565",
    title="checkpoint that nobody could judge",
    why="A checkpoint is there and cannot be judged, or is not there and the log speaks of it: there are no allowed "
    "signers here that say whose key is whose, its files were taken away, or they do not know the operator's name.",
    severity=Severity.WARNING,
)
SUFFIX = ".txt"
SIGNED = ".sig"
"""What follows the name of the text to be that of its signature, as ``ssh-keygen`` has it."""
MOST = 10_000
"""How many checkpoints of a run are looked at, so that whoever fills the directory does not fill the memory."""
RECENT = 2_048
"""How many records may lie between the end of a checkpoint and the record that tells of it, to be compared."""
_LARGEST = 16 * 1024
_SHOWN = 3
_PERSONS = frozenset({START, "run.handed_over"})
_LOOKED_AT = _PERSONS | {"checkpoint.signed"}
_AGAIN = "ask whoever walked it for the checkpoint; this one proves nothing"


def keep(run: RunDir, text: CheckpointText, signature: str) -> str:
    """Keep a checkpoint on disk, whole or not at all; returns the name of its text below the run's directory.

    :raises OSError: if it cannot be kept, or one of that name is there.
    """
    directory = run.checkpoints
    name = f"{text.size:012d}{SUFFIX}"
    for file, data in ((name + SIGNED, signature), (name, str(text))):  # without its signature no text is one
        hidden = directory / f".{file}"
        try:
            with new_file(hidden) as made:
                made.write(data.encode())
                made.flush()
                os.fsync(made.fileno())
            (directory / file).hardlink_to(hidden)
        finally:
            with suppress(OSError):
                hidden.unlink()
    sync_directory(directory)
    run.publish(f"checkpoints/{name}{SIGNED}", f"checkpoints/{name}")
    return f"checkpoints/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The longest part of a log that a checkpoint which counts covers: its first ``size`` records.

    ``ours`` says that the signer is the operator of record, and not only somebody whom the signers know.
    """

    size: int
    person: str
    ts: str
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A checkpoint in the directory; ``wrong`` is why its text is none."""

    file: str
    text: CheckpointText | None
    raw: str
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A checkpoint that a record tells of."""

    line: int
    size: int
    head: str
    signer: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Covered:
    """The log at the end of a checkpoint: its head, the time, and who had walked it up to there and from there on."""

    head: str
    ts: str
    operators: tuple[str, ...]


def not_looked_at(verdict: Verdict, run: RunDir) -> Verdict:
    """A verdict for which nobody looked at the checkpoints: where there are some, the log is not called unsigned."""
    if not _names(run.checkpoints):
        return verdict
    diagnostic = Diagnostic(
        code=NOT_ESTABLISHED,
        message="there are signed checkpoints, and they were not judged here",
        file=str(run.log),
        help=f"`runbook verify {run.argument}` judges them",
    )
    found = [each for each in verdict.findings if each.diagnostic.code is not UNSIGNED]
    finding = Finding(status=Status.VALID, strict=Status.SIGNATURE, diagnostic=diagnostic)
    return replace(verdict, findings=(*found, finding))


class Checkpoints:
    """Judges the checkpoints of one log.

    ``signed`` is what came of it: how far the log is signed, None: not at all. ``counted`` is how many count.

    :param file: what the log is called in findings.
    :param directory: where its checkpoints are.
    :param signers: the allowed signers, asked for when a checkpoint is there; None: there are none here.
    """

    def __init__(self, file: str, directory: Path, signers: Callable[[], Signers | None]) -> None:
        """Look which checkpoints are there; so none is younger than the records that are told afterwards."""
        self._file = file
        self._directory = directory
        self._ask = signers
        self._findings: list[Finding] = []
        self.signed: Signed | None = None
        self.counted = 0
        self._kept = list(self._read())
        self._sizes = {kept.text.size for kept in self._kept if kept.text is not None}
        self._covered: dict[int, _Covered] = {}
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._told: dict[str, _Told] = {}
        self._operators = ("", "")
        self._run = self._last = ""
        self._telling = (0, 0)

    def tell(self, line: int, record: Record) -> None:
        """Take the record of a line (from 1), while the chain is right."""
        self._recent.append(record.h)
        if record.type in _LOOKED_AT:
            self._look(line, record)
        if line in self._sizes:
            operators = tuple(dict.fromkeys(self._operators)) if record.type in _PERSONS else self._operators[1:]
            self._covered[line] = _Covered(head=record.h, ts=record.ts, operators=operators)
        self._last = record.ts

    def findings(self, verdict: Verdict) -> tuple[Finding, ...]:
        """There are no more records: what is wrong with the checkpoints, and what nobody could say.

        :param verdict: on the chain.
        :raises Refused: if there are allowed signers that cannot be used.
        """
        whole = verdict.status not in {Status.TAMPERED, Status.UNREADABLE}
        signers = self._ask() if self._kept else None
        unknown: list[str] = []
        heads: dict[int, str] = {}
        for kept in self._kept:
            text = kept.text
            if text is None or text.run != self._run:
                self._wrong(kept, kept.wrong or f"it is of the run `{text.run if text else ''}`")
                continue
            person = None
            try:
                person = self._person(kept, text, signers)
            except NotVerified as error:
                if not error.unknown:
                    self._wrong(kept, str(error))
                    continue
                unknown.append(kept.file)
            if heads.setdefault(text.size, text.head) != text.head:
                message = f"split view: two checkpoints of {text.size} records have different heads"
                self._found(SPLIT_VIEW, Status.TAMPERED, message, "find out who was shown which; trust neither")
            elif not self._contradicts(kept, text, whole=whole) and person is not None:
                self._counts(text, person)
        there = {kept.file for kept in self._kept}
        self._say_unknown("checkpoints that could not be judged: no allowed signers are here, or no tool", unknown)
        self._say_unknown("checkpoints that the log tells of and that are not there", sorted(self._told.keys() - there))
        return tuple(self._findings)

    def over(self, verdict: Verdict, anchored: int) -> Verdict:
        """The verdict with how far the log is signed, where it says how little the chain alone can know.

        :param anchored: how many records an anchor covers.
        """
        signed = self.signed.size if self.signed else 0
        if signed <= anchored:
            return verdict
        others = tuple(each for each in verdict.findings if each.diagnostic.code is not UNSIGNED)
        telling, end = self._telling
        rest = verdict.count - signed
        if rest == 0 or (end == verdict.count and rest <= telling):  # what follows tells of it, and of nothing else
            return replace(verdict, findings=others)
        message = f"signed up to record {signed - 1}: its owner could have written the {rest} records after it anew"
        finding = self._finding(
            UNSIGNED, Status.VALID, message, "compare its head with one noted elsewhere: --anchor N:HASH"
        )
        return replace(verdict, findings=(*others, finding))

    def _look(self, line: int, record: Record) -> None:
        fields = record.fields
        match record.type:
            case "checkpoint.signed":
                size = fields.get("size")
                self._take(
                    _Told(
                        line=line,
                        size=size if isinstance(size, int) else 0,
                        head=str(fields.get("head")),
                        signer=str(fields.get("signer")),
                        ts=record.ts,
                    ),
                    str(fields.get("file")),
                )
            case "run.handed_over":
                self._operators = (self._operators[1], str(fields.get("to")))
            case _:
                self._run, operator = str(fields.get("run")), str(fields.get("operator"))
                self._operators = (operator, operator)

    def _take(self, told: _Told, file: str) -> None:
        """Take what a record tells of a checkpoint: of a head that the log had."""
        self._told[file] = told
        telling, end = self._telling
        self._telling = (telling + 1 if end == told.line - 1 else 1, told.line)
        back = told.line - told.size
        here = self._recent[-back - 1] if 0 < back < len(self._recent) else None
        if back <= 0 or (here is not None and here != told.head):
            message = "it tells of a checkpoint with another head than the log has there"
            help_ = "the log was written anew after it was signed; find a copy from before"
            self._found(OTHER_LOG, Status.TAMPERED, message, help_, told.line)

    def _person(self, kept: _Kept, text: CheckpointText, signers: Signers | None) -> str:
        """Who signed a checkpoint.

        :raises NotVerified: if it was nobody for whom it counts; or nobody knows.
        """
        told, covered = self._told.get(kept.file), self._covered.get(text.size)
        if told is not None and (told.size, told.head) != (text.size, text.head):
            raise NotVerified("it is not the one that the log tells of")
        try:
            signature = _read(self._directory / f"{Path(kept.file).name}{SIGNED}")
        except OSError:
            raise NotVerified("it has no signature") from None
        key = key_of(signature)
        if key is None:
            raise NotVerified("its signature is none")
        if signers is None:
            raise NotVerified("there are no allowed signers here", unknown=True)
        operators = covered.operators if covered else self._operators[1:]
        by_operator = (name for name in operators if signers.lists(name, key))
        person = told.signer if told else next(by_operator, next(iter(signers.names(key)), operators[-1]))
        at = told.ts if told else covered.ts if covered else self._last
        signers.verify(kept.raw, signature, person, NAMESPACE, at)
        if person not in operators and any(signers.knows(name) for name in operators):
            raise NotVerified(f"`{person}` signed it, and {_named(operators)} walked")
        return person

    def _contradicts(self, kept: _Kept, text: CheckpointText, *, whole: bool) -> bool:
        """Whether the log is not the one that was signed, as far as it can be read."""
        covered = self._covered.get(text.size)
        if covered is not None and covered.head != text.head:
            message = f"it is not the record that was signed in `{kept.file}`: the log was written anew since"
            self._found(OTHER_LOG, Status.TAMPERED, message, "find a copy of the log from before", text.size)
        elif covered is None and whole:
            message = f"TRUNCATED: `{kept.file}` covers {text.size} records, and the log has fewer"
            self._found(TRUNCATED, Status.TAMPERED, message, "look for the rest of the log where it was written")
        return covered is None or covered.head != text.head

    def _counts(self, text: CheckpointText, person: str) -> None:
        """A checkpoint counts, and the log is the one that was signed."""
        covered = self._covered[text.size]
        ours = person in covered.operators
        self.counted += 1
        if self.signed is None or text.size >= self.signed.size:
            self.signed = Signed(size=text.size, person=person, ts=covered.ts, ours=ours)
        if not ours:
            walked = _named(covered.operators)
            message = f"signed by `{person}`, and walked by {walked}, whom the allowed signers do not know by that name"
            self._note(message, "walk with --operator NAME, as the allowed signers have it")

    def _say_unknown(self, what: str, files: Sequence[str]) -> None:
        if files:
            shown = ", ".join(ascii(file)[1:-1][:80] for file in files[:_SHOWN])
            more = f" and {len(files) - _SHOWN:,} more" if len(files) > _SHOWN else ""
            help_ = "name them: --allowed-signers FILE; and put `checkpoints/` beside the log"
            self._note(f"{what}: {shown}{more}", help_)

    def _read(self) -> Iterator[_Kept]:
        """The checkpoints in the directory, by their names; a hidden file is one that was not finished."""
        names = _names(self._directory)
        if len(names) > MOST:
            self._note(
                f"no more than {MOST:,} checkpoints are looked at, and there are {len(names):,}", "take some away"
            )
        for name in names[:MOST]:
            file = f"checkpoints/{name}"
            try:
                raw = _read(self._directory / name)
                yield _Kept(file=file, text=parse(raw), raw=raw)
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                yield _Kept(file=file, text=None, raw="", wrong=f"it cannot be read: {why}")
            except ValueError as error:
                yield _Kept(file=file, text=None, raw="", wrong=str(error))

    def _wrong(self, kept: _Kept, why: str) -> None:
        file = ascii(kept.file)[1:-1][:80]
        self._found(NOT_COUNTED, Status.SIGNATURE, f"`{file}` does not count: {why}", _AGAIN)

    def _note(self, message: str, help_: str) -> None:
        finding = self._finding(NOT_ESTABLISHED, Status.VALID, message, help_)
        if finding not in self._findings:
            self._findings.append(finding)

    def _found(self, code: Code, status: Status, message: str, help_: str, line: int | None = None) -> None:
        self._findings.append(self._finding(code, status, message, help_, line))

    def _finding(self, code: Code, status: Status, message: str, help_: str, line: int | None = None) -> Finding:
        span = None if line is None else Span(line, 1, line, 2)
        strict = Status.SIGNATURE if status is Status.VALID else None
        diagnostic = Diagnostic(code=code, message=message, file=self._file, span=span, help=help_)
        return Finding(status=status, line=line, strict=strict, diagnostic=diagnostic)


def _names(directory: Path) -> list[str]:
    """The names of the checkpoints in a directory."""
    try:
        with os.scandir(directory) as entries:
            return sorted(e.name for e in entries if e.name.endswith(SUFFIX) and not e.name.startswith("."))
    except OSError:
        return []


def _read(path: Path) -> str:
    """The beginning of a small file; what is not ASCII in it is nothing of ours.

    :raises OSError: if it cannot be read, or is no plain file.
    """
    with open_plain(path) as file:
        return file.read(_LARGEST).decode("ascii", "replace")


def _named(operators: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in operators)
