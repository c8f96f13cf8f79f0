"""Walks that every driver takes in the same way: one of each kind, of each outcome, and of what a person may do.

A play is told once: its runbook, what is answered, and the keys by which a person at a terminal says the same. What the
world says in a drill is what it said to the first driver.
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.drivers.books import GOOD, book, change, read
from tests.kinds.test_releases import MADE, release

GO = ("run it", "")
YES = ("yes do it now", "yes")
ABORT = (("NO WAY ON", "a"), ("Why abort it?", "enough"), ("Type `abort`", "abort"))
UNDOES = "undo: {kind: command, argv: [sh, -c, 'echo back >> $EFFECTS']}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A walk.

    ``entries`` are those of an answers file, ``keys`` what is typed once a text is shown. ``status`` is that of a
    driver that walks it to its end. ``stage`` makes the files that it needs, in a directory ``world`` that is empty.
    ``beside`` is a step whose parts run
    side by side.
    """

    name: str
    book: str
    entries: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    status: int = 0
    stage: Callable[[Path], None] | None = None
    beside: str = ""
    effects: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()


def _releases(world: Path) -> None:
    for number, name in enumerate(("v1", "v2")):
        release(world / "app", name, made=MADE + 60 * number)
    (world / "app" / "current").symlink_to("releases/v2")


def _table(world: Path) -> None:
    with sqlite3.connect(world / "app.db") as database:
        database.execute("create table threads (id integer primary key, title text)")
        database.execute("insert into threads values (1, 'one')")
    database.close()


def _variables(world: Path) -> None:
    (world / ".env").write_text("SITE=https://example.com\nSESSION_SECRET=short\n")


def _inner(world: Path) -> None:
    (world / "inner.yaml").write_text(book(change("mend", then="done")).replace("id: tested", "id: inner"))


def _step(text: str, *, then: str = "done", fail: str = "bad") -> str:
    return f"{text}next: {then}\non_fail: {fail}\n"


def _kinds() -> tuple[Play, ...]:
    """One walk of each kind; ``SERVICE`` is a URL that answers ``{"status": "ok"}``, ``web1`` a machine."""
    app = "provider: releases\nservice: world/app\n"
    hand = "id: hand\nkind: manual\neffect: change\ninstructions: Set it\nevidence: required\nundo: none\nbecause: it\n"
    fields = "fields: {count: {type: integer}, region: {enum: [europe, america]}}\n"
    items = "items: [{id: a, title: First}, {id: b, title: Second, check: {kind: command, argv: ['true']}}]\n"
    options = "options: [{id: on, label: Go on, next: done}, {id: out, label: Leave, next: bad}]\n"
    parts = "steps: [{id: a, kind: command, argv: [echo, a]}, {id: b, kind: command, argv: [echo, b]}]\n"
    return (
        Play(name="command", book=book(read("look", "sh", "-c", "echo out; echo err >&2", then="done")), keys=(GO,)),
        Play(
            name="http",
            book=book(_step("id: look\nkind: http\nurl: SERVICE\nexpect: body.status == 'ok'\n")),
            keys=(GO,),
        ),
        Play(
            name="env",
            book=book(
                _step(
                    "id: look\nkind: env\nfrom: {file: world/.env}\n"
                    "require: {SITE: {format: url}, SESSION_SECRET: {min_length: 32, secret: true}, MISSING: {}}\n",
                )
            ),
            keys=(GO,),
            stage=_variables,
            status=1,
        ),
        Play(
            name="ssh",
            book=book(_step("id: look\nkind: ssh\nhost: web1\neffect: none\nargv: [echo, there]\n")),
            keys=(GO,),
        ),
        Play(
            name="sql",
            book=book(
                _step(
                    "id: look\nkind: sql\ndatabase: sqlite:world/app.db\neffect: none\n"
                    "statement: select * from threads\n"
                )
            ),
            keys=(GO,),
            stage=_table,
        ),
        Play(name="revisions", book=book(_step(f"id: look\nkind: revisions\n{app}")), keys=(GO,), stage=_releases),
        Play(
            name="activate",
            book=book(
                _step(
                    f"id: roll_back\nkind: activate\n{app}revision: v1\nundo: {{kind: activate, revision: v2, "
                    "provider: releases, service: world/app}\n"
                )
            ),
            entries=("step: roll_back, confirm: yes",),
            keys=(YES,),
            stage=_releases,
        ),
        Play(
            name="manual",
            book=book(_step(hand)),
            entries=("step: hand, confirm: yes, outcome: done, evidence: it says so",),
            keys=(YES, ("d it is done", "d"), ("What shows it?", "it says so")),
        ),
        Play(
            name="gate",
            book=book(_step("id: sure\nkind: gate\nquestion: Sure?\nconfirm: {phrase: go ahead, reason: required}\n")),
            entries=("step: sure, confirm: go ahead, reason: because",),
            keys=(("go ahead (typed exactly so)", "go ahead"), ("Why", "because")),
        ),
        Play(
            name="choice",
            book=book(_step(f"id: which\nkind: choice\n{options}")),
            entries=("step: which, choose: out",),
            keys=(("2 Leave", "2"),),
            status=1,
        ),
        Play(
            name="ask",
            book=book(_step(f"id: form\nkind: ask\n{fields}")),
            entries=("step: form, fields: {count: 3, region: america}",),
            keys=(("1 of 2", "3"), ("2 of 2", "2"), ("Enter these are the values", "")),
        ),
        Play(
            name="checklist",
            book=book(_step(f"id: list\nkind: checklist\n{items}")),
            entries=("step: list, items: {a: yes}",),
            keys=(("1 of 1 First", "y"), ("Enter these are the answers", "")),
        ),
        Play(name="wait", book=book("id: rest\nkind: wait\nfor: 50ms\nnext: done\n", end=GOOD)),
        Play(
            name="message",
            book=book(_step("id: say\nkind: message\naudience: support\ntext: It is over\n")),
            entries=("step: say, outcome: done",),
            keys=(("d it is", "d"),),
        ),
        Play(name="assert", book=book(_step("id: sure\nkind: assert\nthat: run.operator == 'nobody'\n")), status=1),
        Play(
            name="parallel",
            book=book(_step(f"id: both\nkind: parallel\n{parts}")),
            keys=(GO,),
            beside="both.",
        ),
        Play(
            name="runbook",
            book=book(_step("id: inside\nkind: runbook\npath: world/inner.yaml\n")),
            entries=("step: inside/mend, confirm: yes",),
            keys=(YES,),
            stage=_inner,
            effects=("mend",),
        ),
        Play(
            name="undo",
            book=book(
                change("one", then="two").replace("undo: none\nbecause: a test\n", UNDOES),
                change("two", after="exit 1", fail="back", then="done"),
                "id: back\nkind: undo\nnext: bad\non_fail: bad\n",
            ),
            entries=tuple(f"step: {step}, confirm: yes" for step in ("one", "two", "back", "one.undo")),
            keys=(YES, YES, YES, YES),
            status=1,
            effects=("one", "two", "back"),
        ),
        Play(name="finish", book=book(read("look", "false", then="done")), keys=(GO,), status=1),
    )


def _ways() -> tuple[Play, ...]:
    """One walk of each outcome, and of what a person may do."""
    slow = change("one", then="done", before="", after="sleep 20", more="timeout: 300ms\n")
    guard = "guards: [{{cooldown: 1h, key: k{}}}]\n"
    twice = change("two", then="done", more=guard.format(""))
    why = "confirm: {reason: required}\n"
    over = change("two", then="done", more=guard.format(", override: reason") + why)
    first = change("one", then="two", more=guard.format(""))
    hosts = "environments: {test: {hosts: [a, b, c]}}\n"
    each = (
        "id: each\nkind: command\neffect: change\nundo: none\nbecause: a test\nnext: done\non_fail: bad\n"
        "for_each: {in: environment.hosts, at_once: 3}\nargv: [sh, -c, 'test $0 != b', '${{ item }}']\n"
    )
    ahead = "options: [{id: on, label: Go on, next: one}, {id: first, label: Look first, next: later}]\n"
    return (
        Play(
            name="unknown-settled-by-a-person",
            book=book(slow),
            entries=("step: one, confirm: yes, settle: passed, evidence: seen",),
            keys=(YES, ("NOBODY SAW THE RESULT", "passed"), ("How do you know?", "seen")),
            effects=("one",),
        ),
        Play(
            name="unknown-settled-by-a-probe",
            book=book(slow + "probe: {kind: command, argv: [grep, -q, one, effects], failed_when: exit_code == 1}\n"),
            entries=("step: one, confirm: yes",),
            keys=(YES,),
            effects=("one",),
        ),
        Play(
            name="timed-out",
            book=book(read("look", "sleep", "20", then="done", more="timeout: 300ms\n")),
            keys=(GO,),
            status=1,
        ),
        Play(
            name="skipped-by-when",
            book=book(read("look", then="one"), read("one", "echo", "x", then="done", more="when: '1 > 2'\n")),
            keys=(GO,),
        ),
        Play(
            name="refused-and-skipped",
            book=book(change("one", then="done")),
            entries=("step: one, confirm: no, do: skip, reason: the operator said no",),
            keys=(("yes do it now", "no"), ("NOT STARTED", "s"), ("Why skip it?", "the operator said no")),
        ),
        Play(
            name="failed-change",
            book=book(change("one", then="done", after="exit 3")),
            entries=("step: one, confirm: yes",),
            keys=(YES,),
            status=1,
            effects=("one",),
        ),
        Play(
            name="phrase-and-reason",
            book=book(change("one", then="done", more="confirm: {phrase: 'change one', reason: required}\n")),
            entries=("step: one, confirm: change one, reason: because",),
            keys=(("change one (typed exactly so)", "change one"), ("Why", "because")),
            effects=("one",),
        ),
        Play(
            name="tried-again",
            book=book(
                read(
                    *("look", "sh", "-c", "test -e world/again || { touch world/again; exit 4; }"),
                    then="done",
                    more="retry: {attempts: 2, delay: 50ms}\nsave: {code: exit_code}\n",
                )
            ),
            keys=(GO,),
        ),
        Play(
            name="until",
            book=book(
                "id: until\nkind: wait\nevery: 50ms\ntimeout: 1m\nnext: done\non_fail: bad\n"
                "until: {kind: command, argv: [sh, -c, 'test -e world/later || { touch world/later; exit 1; }']}\n"
            ),
        ),
        Play(
            name="until-in-vain",
            book=book(
                "id: until\nkind: wait\nevery: 30s\ntimeout: 200ms\nnext: done\non_fail: bad\n"
                "until: {kind: command, argv: ['false']}\n"
            ),
            status=1,
        ),
        Play(
            name="side-by-side",
            book=book(each, head=hosts),
            entries=("step: each, confirm: yes",),
            keys=(YES,),
            status=1,
            beside="each[",
            argv=("-e", "test"),
        ),
        Play(
            name="undone-on-abort",
            book=book(
                change("one", then="two").replace("undo: none\nbecause: a test\n", UNDOES),
                change("two", after="exit 1", fail=""),
            ),
            entries=(
                "step: one, confirm: yes",
                "step: two, confirm: yes, do: undo",
                "step: one.undo, confirm: yes",
                "step: two, do: abort, reason: enough",
            ),
            keys=(YES, YES, ("u take back", "u"), ("Type `undo`", "undo"), YES, *ABORT),
            status=1,
            effects=("one", "two", "back"),
        ),
        Play(
            name="guard-refuses",
            book=book(first, twice),
            entries=("step: one, confirm: yes", "step: two, do: abort, reason: enough"),
            keys=(YES, ("NOT STARTED", "a"), *ABORT[1:]),
            status=1,
            effects=("one",),
        ),
        Play(
            name="guard-overridden",
            book=book(first, over),
            entries=("step: one, confirm: yes", "step: two, confirm: yes, do: override, reason: it had no effect"),
            keys=(
                YES,
                ("o override", "o"),
                ("Why may it start all the same?", "it had no effect"),
                YES,
                ("Why", "it had no effect"),
            ),
            effects=("one", "two"),
        ),
        Play(
            name="needs-refuse-and-a-jump",
            book=book(
                f"id: which\nkind: choice\n{ahead}",
                read("later", then="one"),
                change("one", then="done", more=f"needs: [later]\n{why}"),
            ),
            entries=(
                "step: which, choose: on",
                "step: one, confirm: yes, do: go_to, to: later, reason: first this",
                "step: one, confirm: yes, reason: now",
            ),
            keys=(
                ("1 Go on", "1"),
                YES,
                ("Why", "first this"),
                ("NOT STARTED", "g"),
                ("Go to which step?", "later"),
                ("Why go to", "first this"),
                GO,
                YES,
                ("Why", "now"),
            ),
            effects=("one",),
        ),
        Play(
            name="inputs",
            book=book(
                read("look", "echo", "${{ inputs.ticket }}", then="done"),
                head='inputs: {ticket: {pattern: "^I-[0-9]+$"}}\n',
            ),
            keys=(GO,),
            argv=("-i", "ticket=I-7"),
        ),
    )


PLAYS = (*_kinds(), *_ways())


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON with the JSON that is in its texts."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value
