"""``runbook status``: show where a run stands."""

import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from runbook.audit.lock import holder_of
from runbook.audit.store import RunDir
from runbook.audit.verdict import WORDS, Status, Verdict
from runbook.cli.options import Parser, format_option, run_argument, state_option
from runbook.cli.rows import rows
from runbook.cli.runs import lock_lost_to, state_of
from runbook.cli.stores import store_of
from runbook.cli.told_so_far import ToldSoFar, told_so_far
from runbook.drivers.interrupted import still_running
from runbook.drivers.standing import standing
from runbook.drivers.stopping import as_json, sentences, shortly
from runbook.language.frames import visible
from runbook.model.canonical import Json, JsonObject
from runbook.model.durations import spoken
from runbook.model.runbook import Mode
from runbook.report.brief import DONE
from runbook.walk import including, looping
from runbook.walk.outlook import outlook
from runbook.walk.results import Visit
from runbook.walk.tables import Phase
from runbook.walk.walk import Walk

_FEW = 2
"""So many lines of each sort of what happened; the brief of a hand-over and the report say more."""
SOUND = frozenset({Status.VALID, Status.NO_END, Status.TORN_TAIL})


def main(arguments: Sequence[str]) -> int:
    """Show where a run stands; 1 if its log cannot be trusted to say so."""
    parser = Parser("status", "Show where a run stands: its step, its path, what it changed, what comes next.")
    run_argument(parser)
    format_option(parser, ("text", "json"))
    state_option(parser)
    options = parser.parse_args(arguments)
    with store_of(options) as store:
        return _show(store.find(options.run), options.format)


def _show(run: RunDir, form: str) -> int:
    told = told_so_far(run)
    verdict = told.verdict
    found = _status(run, told)
    sound = verdict.status in SOUND or found["state"] == "never began"
    found["log"] = {
        "path": run.shown,
        "records": verdict.count,
        "head": verdict.anchor,
        "status": int(verdict.status),
        "problem": None if sound else _problem(verdict),
    }
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if form == "json" else _as_text(found, told))
    return 0 if sound else 1


def _problem(verdict: Verdict) -> str:
    """What is wrong with a log, in a line."""
    worst = next(finding for finding in verdict.findings if finding.status is verdict.status)
    place = f"line {worst.line}: " if worst.line else ""
    return f"{WORDS[verdict.status]}: {place}{worst.diagnostic.message}"


def _status(run: RunDir, told: ToldSoFar) -> JsonObject:
    walk, handed = told.walk, told.seen.handed
    holder = holder_of(run)
    started = walk.started if walk else None
    found: JsonObject = {
        "run": run.id,
        "state": state_of(told.seen),
        "walked_by": f"process {holder.pid} on {holder.host} ({holder.operator})" if holder else told.seen.engine,
    }
    if walk is None or started is None:
        return found
    walks = including.chain(walk)
    near, visit = walks[-1], walks[-1].visit
    stands = standing(walk)
    path: list[Json] = []
    for each in walks:
        for step, number in each.path:
            outcome = each.outcomes.get((step, number))
            path.append({"step": each.prefix + step, "visit": number, "outcome": outcome.value if outcome else None})
    changes: list[Json] = [
        {"step": change.step, "visit": change.visit, "changed": change.changed} for change in walk.changes
    ]
    ahead = outlook(walk)
    number = visit.number if visit else 0
    changes += [{"step": step, "visit": number, "changed": "maybe", "in_flight": True} for step in ahead.open]
    return {
        **found,
        "mode": started.mode,
        "runbook": started.runbook,
        "title": walk.runbook.title,
        "environment": started.environment,
        "incident": started.incident,
        "operator": walk.operator,
        "handed_over_by": handed.fields.get("by") if handed is not None else None,
        "began": started.ts,
        "lasted_ms": walk.mono,
        "finish": walk.finish.value if walk.finish else None,
        "step": stands.step if stands else near.prefix + visit.step.id if visit else None,
        "visit": stands.visit if stands else visit.number if visit else None,
        "phase": visit.phase.value if visit else None,
        "because": (visit.because or None) if visit else None,
        "waits_for": told.stands or None,
        "still_running": _left(near, visit) if visit and found["state"] == "interrupted" else None,
        "path": path,
        "changes": changes,
        "lock": started.lock,
        "lock_taken_by": lock_lost_to(run, started.lock) if walk.finish is None else None,
        "loop": next((loop for each in walks if each.visit and (loop := _loop(each, each.visit))), None),
        "taking_back": [each.prefix + change.step for each in walks if each.undoing for change in each.undoing.todo],
        "if_stopped": as_json(ahead) if walk.finish is None else None,
    }


def _loop(walk: Walk, visit: Visit) -> JsonObject | None:
    """How far the step has come that the walk repeats now."""
    if not visit.elements:
        return None
    elements: list[Json] = [
        {"step": walk.prefix + address, "item": item, "outcome": _of_element(walk, visit, address)}
        for address, item in zip(visit.elements, visit.items, strict=True)
    ]
    return {"step": walk.prefix + visit.step.id, "elements": elements}


def _of_element(walk: Walk, visit: Visit, address: str) -> str:
    """How an element ended, or where it stands."""
    phase = visit.elements[address].phase
    return looping.outcome_of(walk, visit, address) if phase in {Phase.DONE, Phase.ENTERED} else phase.value


def _left(walk: Walk, visit: Visit) -> str | None:
    """What may still run of what was in flight when the walk was killed."""
    if not walk.in_flight():
        return None
    flying = [each for each in visit.elements.values() if walk.flies(each)] or [visit]
    found = [still_running(walk, next(iter(each.nested_running), each.step.id)) for each in flying]
    return "; ".join(dict.fromkeys(text.removeprefix("; ") for text in found if text)) or None


def _how(change: JsonObject) -> str:
    return f"{change['changed']}, begun and not seen to end" if change.get("in_flight") else str(change["changed"])


def _as_text(found: JsonObject, told: ToldSoFar) -> str:
    said = visible(f"{found['run']}: {found['state']}")
    return "\n".join([said, *rows(_pairs(found, told), sys.stdout)]) + "\n"


def _here(walk: Walk | None) -> Iterator[tuple[str, int]]:
    """The visits that are under way: inside each other, and those that wait while changes are taken back."""
    for each in including.chain(walk) if walk is not None else ():
        waiting = each.undoing.waiting if each.undoing is not None else None
        yield from ((each.prefix + visit.step.id, visit.number) for visit in (each.visit, waiting) if visit is not None)


def _prospects(walk: Walk | None) -> Iterator[tuple[str, str]]:
    """What is to be said of a loop, of an undo, and of what a stop would leave."""
    if walk is None or walk.finish is not None:
        return
    for each in including.chain(walk):
        visit = each.visit
        if visit is not None and visit.elements:
            found = Counter(_of_element(each, visit, address) for address in visit.elements)
            said = ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in sorted(found.items()))
            yield "repeated", f"{each.prefix}{visit.step.id}, {len(visit.elements)} in all: {said}"
        if each.undoing is not None:
            yield "taking back", shortly(each.prefix + change.step for change in each.undoing.todo)
    yield from sentences(walk, outlook(walk))


def _pairs(found: JsonObject, told: ToldSoFar) -> Iterator[tuple[str, str]]:
    """What is to be said about a run, each with its label."""
    if found["walked_by"]:
        by_log = ", as far as its log says" if found["walked_by"] == told.seen.engine else ""
        yield "walked by", f"{found['walked_by']}{by_log}"
    if "runbook" in found:
        where = f" in {found['environment']}" if found["environment"] else ""
        lasted = found["lasted_ms"]
        yield "runbook", f"{found['title']} (`{found['runbook']}`{where}), {str(found['mode']).upper()}"
        handed = f", handed over by {found['handed_over_by']}" if found["handed_over_by"] else ""
        yield "operator", f"{found['operator']}{handed}"
        yield "began", f"{found['began']}, {spoken(lasted) if isinstance(lasted, int) else ''} on record"
        path = found["path"]
        if isinstance(path, list):
            here = set(_here(told.walk))
            visits = [p for p in path if isinstance(p, dict)]
            without = ["now" if (p["step"], p["visit"]) in here else "not started" for p in visits]
            steps = [f"{p['step']} ({p['outcome'] or how})" for p, how in zip(visits, without, strict=True)]
            yield "path", " → ".join(steps)
        if found["waits_for"]:
            yield "stands at", str(found["waits_for"])
        if found["lock"] and found["finish"] is None:
            taken = found["lock_taken_by"]
            yield "lock", f"{found['lock']}, {f'taken by run {taken}' if taken else 'held until it is over'}"
        if found["still_running"]:
            yield "look first", str(found["still_running"])
        changes = found["changes"]
        if isinstance(changes, list) and changes:
            words = [f"{c['step']} ({_how(c)})" for c in changes if isinstance(c, dict)]
            yield "would change" if found["mode"] == Mode.DRY.value else "changed", shortly(words)
        yield from _prospects(told.walk)
        if found["finish"] is None:
            yield from told.short(_FEW, without=DONE)
    log = found["log"]
    if isinstance(log, dict):
        yield "log", str(log["path"])
        yield "head", str(log["head"])
        if log["problem"] is not None:
            yield "PROBLEM", str(log["problem"])
            yield "look closer", f"runbook verify {found['run']}"
            return
    handed = f" --operator {shlex.quote(str(found['operator']))}" if found.get("handed_over_by") else ""
    if told.seen.engine is not None:
        yield "answer", f"runbook answer {found['run']}{handed}"
    elif found["state"] in {"paused", "interrupted"}:
        yield "go on", f"runbook resume {found['run']}{handed}"
