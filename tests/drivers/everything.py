"""One walk in which everything happens that a log can hold: made once, to be forged, mutated and replayed."""

from pathlib import Path

from tests.drivers.desk import Desk

BOOK = """\
runbook: v1
id: everything
title: Everything that a log can hold
environments:
  staging: {host: one.example.com}
  production: {host: two.example.com}
inputs: {ticket: {pattern: "^INC-[0-9]+$"}}
on_fail: bad
reminders: [{after: 1ms, say: Look at the clock}]
steps:
  - id: look
    title: Look at ${{ environment.host }}
    kind: command
    effect: none
    argv: [sh, -c, 'if [ -e again ]; then echo "{\\"n\\": 3}"; else touch again; exit 4; fi']
    output: json
    expect: exit_code == 0 && json.n == 3
    retry: {attempts: 2, delay: 50ms}
    save: {number: int(json.n)}
  - id: skipped
    kind: command
    effect: none
    when: saved.number > 3
    argv: [echo, never]
  - id: sure
    kind: gate
    question: Are you sure of ${{ saved.number }}?
    confirm: {phrase: "${{ environment.name }}"}
  - id: which
    kind: choice
    options:
      - {id: ahead, label: Go ahead}
      - {id: back, label: Go back, next: bad}
  - id: sized
    kind: choice
    options:
      - {id: small, label: Small, when: saved.number < 5}
      - {id: large, label: Large, otherwise: true, next: bad}
  - id: form
    kind: ask
    fields: {count: {type: integer}, name: {default: nobody}}
  - id: items
    kind: checklist
    items:
      - {id: seen, title: Somebody saw it}
      - {id: there, title: It is there, check: {kind: command, argv: [test, -e, again]}}
  - id: until
    kind: wait
    until: {kind: command, argv: [sh, -c, '[ -e later ] || { touch later; exit 1; }']}
    every: 50ms
    timeout: 1m
  - id: nap
    kind: wait
    for: 30ms
  - id: one
    kind: command
    effect: change
    undo: none
    because: a test
    confirm: {phrase: "${{ environment.name }}", reason: required}
    needs: [look, {step: sure, within: 1h}]
    argv: [sh, -c, 'echo "$1" >> effects', sh, "one-${{ saved.number }}-${{ inputs.ticket }}"]
  - id: two
    kind: command
    effect: change
    undo: {kind: command, argv: [echo, undone]}
    script: echo two >> effects; sleep 5
    timeout: 300ms
    probe: {kind: command, argv: [grep, -q, two, effects], failed_when: exit_code == 1}
  - id: three
    kind: command
    effect: change
    undo: none
    because: a test
    script: sleep 5
    timeout: 300ms
    probe: {kind: command, argv: [grep, -q, three, effects], failed_when: exit_code == 1}
    on_fail: by_hand
    next: by_hand
  - id: by_hand
    kind: manual
    effect: change
    undo: {kind: manual, instructions: Put it back}
    instructions: Set ${{ steps.form.name }} to ${{ steps.form.count }}
    evidence: required
  - id: stuck
    kind: command
    effect: none
    argv: ["false"]
    on_fail: hop
    next: hop
  - id: hop
    kind: assert
    that: saved.number == 3 && steps.one.outcome == "passed" && steps.two.outcome == "passed"
  - id: done
    kind: finish
    outcome: resolved
    needs: [one, {step: two, within: 1h}]
  - id: bad
    kind: finish
    outcome: failed
"""
ANSWERS = """\
answers:
  - {step: sure, confirm: staging}
  - {step: which, choose: ahead}
  - {step: form, fields: {count: 7, name: "a b"}}
  - {step: items, items: {seen: "yes"}}
  - {step: one, confirm: staging, reason: because}
  - {step: two, confirm: "yes"}
  - {step: three, confirm: "yes"}
  - {step: by_hand, confirm: "yes", outcome: done, evidence: it says so}
"""


def walked(root: Path) -> Desk:
    """A desk with that walk as its run ``r1``, paused once in the middle and once by a kill."""
    desk = Desk(root)
    desk.write("answers.yaml", "answers:\n  - {step: sure, confirm: staging}\n")
    given = ("-e", "staging", "-i", "ticket=INC-7", "--operator", "ana@example.com", "--incident", "INC-7")
    assert desk.walk(BOOK, *given, "--answers", "answers.yaml").status == 3
    desk.write("answers.yaml", ANSWERS.replace("  - {step: sure, confirm: staging}\n", ""))
    done = desk.do("resume", "r1", "--answers", "answers.yaml", "--operator", "ben@example.com")
    assert done.status == 0, done
    assert desk.effects() == ["one-3-INC-7", "two"]
    return desk
