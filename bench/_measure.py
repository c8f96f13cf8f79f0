"""What every benchmark shares: works are measured in turn within one run, and a row is printed as text or JSON.

A noisy machine slows neighbours alike, so what is compared runs interleaved, and what is quoted is a median or a ratio
of medians.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping


def interleaved(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each work, all of them run once a round; a first round is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if number:
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in taken.items()}


def row(work: str, unit: str, *, ours: float, bar: float, limit: float | None = None, **peers: float) -> None:
    """Print a row: as JSON for ``tools/bench.py`` (``--json``), else for a person."""
    if "--json" in sys.argv:
        fields = {"work": work, "unit": unit, "ours": _short(ours), "bar": bar}
        others = {name: _short(value) for name, value in peers.items()}
        print(json.dumps(fields | ({} if limit is None else {"limit": _short(limit)}) | {"peers": others}), flush=True)
        return
    said = [f"{work}: {_short(ours)} {unit} (bar {bar}"]
    said += [] if limit is None else [f", limit {_short(limit)}"]
    said += [f", {name} {_short(value)}" for name, value in peers.items()]
    print("".join(said) + ")", flush=True)


def _short(value: float) -> float:
    return round(value, 2) if value < 100 else round(value)
