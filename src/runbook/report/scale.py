"""Where a moment of a run stands on a line from 0 to 100, and which moments are marked on it.

Linear, but for the times in which nobody walked: a pause over night would leave no room for what happened, so a long
one is drawn as a short gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from runbook.report.spans import NOBODY, Span
from runbook.report.times import At

_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)
_TICKS = 3
_APART = 14
"""So far apart, of 100, no two labels touch on a telephone."""
_LONG = 8
"""A time that nobody walked is long from one part in so many of the rest."""
_GAP = 5.0
"""How long a gap is drawn, of 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A moment that is marked: its place, and the time there as each zone has it."""

    place: float
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A part of the line: it begins at these milliseconds and at this place, and is so long."""

    began_ms: int
    ended_ms: int
    place: float
    length: float
    gap: bool


class Scale:
    """The line of one run.

    :param total_ms: how long the run was.
    :param spans: what the time went into.
    """

    def __init__(self, total_ms: int, spans: Sequence[Span]) -> None:
        self.total_ms = max(total_ms, 1)
        away = sorted((s.began_ms, s.began_ms + s.took_ms) for s in spans if s.who == NOBODY)
        walked = self.total_ms - sum(end - begin for begin, end in away)
        gaps = [(begin, end) for begin, end in away if (end - begin) * _LONG > walked > 0]
        gap = min(_GAP, 50.0 / len(gaps)) if gaps else 0.0
        rest = max(self.total_ms - sum(end - begin for begin, end in gaps), 1)
        self._pieces: list[_Piece] = []
        place, at = 0.0, 0
        for begin, end in [*gaps, (self.total_ms, self.total_ms)]:
            length = (begin - at) / rest * (100.0 - gap * len(gaps))
            self._pieces.append(_Piece(began_ms=at, ended_ms=begin, place=place, length=length, gap=False))
            place += length
            if end > begin:
                self._pieces.append(_Piece(began_ms=begin, ended_ms=end, place=place, length=gap, gap=True))
                place += gap
            at = end

    def at(self, mono: int) -> float:
        """Where a moment stands."""
        mono = min(max(mono, 0), self.total_ms)
        piece = next(piece for piece in self._pieces if mono <= piece.ended_ms)
        length = piece.ended_ms - piece.began_ms
        return round(piece.place + (piece.length * (mono - piece.began_ms) / length if length else 0.0), 2)

    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Where the gaps are, and how long they are drawn."""
        return tuple((round(piece.place, 2), round(piece.length, 2)) for piece in self._pieces if piece.gap)

    def ticks(self, began: At, zones: Sequence[tzinfo]) -> tuple[Tick, ...]:
        """The moments that are marked: at full seconds, minutes, hours of UTC; none where there is no time.

        :param zones: those in which their times are told.
        """
        try:
            start = round(datetime.fromisoformat(began.ts).timestamp() * 1_000)
        except (ValueError, OverflowError):
            return ()
        walked_s = sum(max(piece.ended_ms - piece.began_ms, 0) for piece in self._pieces if not piece.gap) / 1_000
        step_s = next((step for step in _STEPS_S if walked_s / step <= _TICKS), 0)
        step_s = step_s or int(walked_s / _TICKS // 86_400 + 1) * 86_400
        found: list[Tick] = []
        for piece in self._pieces:
            if piece.gap:
                continue
            moment = -((-start - piece.began_ms) // (step_s * 1_000)) * step_s * 1_000
            while moment <= start + piece.ended_ms:
                place = self.at(moment - start)
                labels = tuple(_label(moment, step_s, zone) for zone in zones)
                if all(labels) and (not found or place - found[-1].place >= _APART):
                    found.append(Tick(place=place, labels=labels))
                moment += step_s * 1_000
        if not found:
            # So short that no full second is in it, or longer than any calendar: its beginning is marked.
            labels = tuple(_label(start, 1, zone) for zone in zones)
            found += [Tick(place=0.0, labels=labels)] if all(labels) else []
        return tuple(found)


def _label(moment: int, step_s: int, zone: tzinfo) -> str:
    """A moment as it is marked; empty where no calendar has it, as in a log that was made up."""
    try:
        time = datetime.fromtimestamp(moment / 1_000, UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{time:%H:%M:%S}" if step_s < 60 else f"{time:%H:%M}" if step_s < 43_200 else f"{time:%b %d}"
