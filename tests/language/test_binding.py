"""What a file says comes out as data, with every default filled in."""

from tests.language.conftest import Load

from runbook.model.runbook import (
    Approvals,
    Confirm,
    Contact,
    Effect,
    ForEach,
    Guard,
    Link,
    Need,
    Reminder,
    Retry,
    Runbook,
    SecretSource,
)


def bound(load_text: Load, text: str) -> Runbook:
    runbook = load_text(text).runbook
    assert runbook is not None
    return runbook


def test_titles_are_made_of_ids_where_there_are_none(load_text: Load) -> None:
    runbook = bound(
        load_text,
        "runbook: v1\nid: orders_cannot_be_placed\nsteps:\n  - {id: all_is_well, kind: finish, outcome: completed}\n",
    )
    assert (runbook.title, runbook.steps[0].title) == ("Orders cannot be placed", "All is well")


def test_the_top_of_a_file_is_bound(load_text: Load) -> None:
    runbook = bound(load_text, """runbook: v1
id: top
description: |
  Two
  lines
owner: platform
tags: [a, b]
links: [{title: Board, url: "https://example.com"}]
contacts: [{name: Ana, reach: phone}, {name: Ben, reach: pager, when: at night}]
environments: {test: {count: 3, hosts: [a, b]}}
secrets:
  a: {env: A}
  b: {command: [pass, b], strip: newline}
roles: {platform: [ana@example.com]}
on_fail: done
reminders: [{every: 90s, say: Again}, {after: 1h, say: Once}]
steps:
  - {id: done, kind: finish, outcome: completed}
""")  # fmt: skip
    assert runbook.description == "Two\nlines\n"
    assert runbook.tags == ("a", "b")
    assert runbook.links == (Link(title="Board", url="https://example.com"),)
    assert runbook.contacts == (Contact(name="Ana", reach="phone"), Contact(name="Ben", reach="pager", when="at night"))
    assert dict(runbook.environments["test"]) == {"count": 3, "hosts": ["a", "b"]}
    assert runbook.secrets == {
        "a": SecretSource(name="a", kind="env", value="A"),
        "b": SecretSource(name="b", kind="command", value=("pass", "b"), strip_newline=True),
    }
    assert runbook.roles == {"platform": ("ana@example.com",)}
    assert (runbook.lock, runbook.on_fail) == (None, "done")
    assert runbook.reminders == (Reminder(say="Again", every=90_000), Reminder(say="Once", after=3_600_000))


def test_the_envelope_of_a_step_is_bound(load_text: Load) -> None:
    runbook = bound(load_text, """runbook: v1
id: envelope
steps:
  - id: first
    kind: manual
    effect: none
    instructions: Look
  - id: it
    title: The step
    description: More
    section: Part
    kind: http
    method: POST
    url: https://app.example.com
    effect: change
    when: run.mode == "live"
    needs: [first, {step: first, within: 30m}]
    because: so
    idempotent: true
    confirm: {phrase: do it, reason: required, expires: 15m}
    expect: status == 200
    save: {a: status}
    timeout: 250ms
    retry: {attempts: 3, delay: 2s, backoff: 2, max_delay: 1m}
    max_visits: 4
    undo: {kind: manual, title: Back, instructions: Undo it, timeout: 5m, confirm: {reason: required}}
    probe: {kind: http, url: "https://app.example.com", expect: status == 200, failed_when: status == 404}
    next: done
    on_fail: next
    on_unknown: done
  - id: done
    kind: finish
    outcome: completed
""")  # fmt: skip
    step = runbook.step("it")
    assert (step.effect, step.idempotent, step.no_undo, step.because) == (Effect.CHANGE, True, False, "so")
    assert step.needs == (Need(step="first"), Need(step="first", within=1_800_000))
    assert step.confirm == Confirm(phrase="do it", reason=True, expires=900_000)
    assert step.retry == Retry(attempts=3, delay=2_000, backoff=2.0, max_delay=60_000)
    assert (step.timeout, step.max_visits, step.save) == (250, 4, {"a": "status"})
    assert (step.next, step.on_fail, step.on_unknown) == ("done", "next", "done")
    assert dict(step.fields) == {"method": "POST", "url": "https://app.example.com"}
    assert step.undo is not None
    assert (step.undo.kind, step.undo.title, step.undo.timeout) == ("manual", "Back", 300_000)
    assert step.undo.confirm == Confirm(reason=True)
    assert step.probe is not None
    assert (step.probe.expect, step.probe.failed_when) == ("status == 200", "status == 404")


def test_what_is_not_walked_yet_is_bound_all_the_same() -> None:
    from runbook.kinds.registry import KINDS
    from runbook.language.binding import bind
    from runbook.language.source import parse

    runbook = bind(parse("""runbook: v1
id: later
steps:
  - id: it
    kind: activate
    provider: cloud_run
    service: api
    revision: r1
    confirm: {approvals: {count: 2, from: [platform]}, each: true}
    guards:
      - {cooldown: 10m, key: k, when: "true", override: reason}
      - {requires_run: {environment: staging, within: 1d}}
    for_each: {in: environment.hosts, at_once: 2}
    undo: none
    because: so
    site: here
""", "file"), KINDS)  # fmt: skip
    step = runbook.steps[0]
    assert step.effect is Effect.CHANGE
    assert step.confirm == Confirm(approvals=Approvals(count=2, roles=("platform",)), each=True)
    assert step.guards == (
        Guard(kind="cooldown", rule={"cooldown": "10m", "key": "k"}, when="true", override="reason"),
        Guard(kind="requires_run", rule={"requires_run": {"environment": "staging", "within": "1d"}}),
    )
    assert step.for_each == ForEach(source="environment.hosts", at_once=2, max_failures=0)
    assert (step.no_undo, step.site) == (True, "here")


def test_steps_inside_steps_are_found_by_the_last_part_of_their_address(load_text: Load) -> None:
    runbook = bound(load_text, """runbook: v1
id: inside
steps:
  - id: wait_for_it
    kind: wait
    until: {kind: http, url: "https://app.example.com"}
    timeout: 1m
  - id: journeys
    kind: checklist
    items:
      - {id: first, title: By hand}
      - {id: second, title: By machine, check: {kind: command, argv: [ls]}}
  - id: done
    kind: finish
    outcome: completed
""")  # fmt: skip
    assert {name: nested.kind for name, nested in runbook.steps[0].nested.items()} == {"until": "http"}
    assert {name: nested.kind for name, nested in runbook.steps[1].nested.items()} == {"second": "command"}
