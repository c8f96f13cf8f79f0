"""What ``runbook new`` writes: a runbook to be changed into another one, and a scenario that walks every way of it."""

import re

from runbook.model.diagnostics import Code, Diagnostic, Refused

NO_ID = Code(
    number="RB391",
    title="no id of a runbook",
    why="Expressions, logs and locks refer to a runbook by its id, and its file is named so. It is in snake_case: "
    "small letters of ASCII, digits and underscores, and a letter first.",
)
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")

_RUNBOOK = """\
# `runbook check` says what is wrong in here, `runbook kinds` what steps there are, `runbook kinds step` what keys.
# `runbook run %(id)s.yaml -e staging --dry-run` shows what would be done, without doing it.
runbook: v1
id: %(written)s
title: %(title)s
description: What it does not cover, and which runbook does.
symptoms:                              # the index of runbooks is made of these
  - what somebody sees who needs this runbook
owner: platform-oncall
# last_reviewed: "2026-11-21"          # the day on which somebody last went through it; `check` says when it is overdue
links:
  - {title: Dashboard, url: "https://dashboard.example.com"}
contacts:                              # shown when a step fails
  - {name: Platform on-call, reach: "pager: platform-oncall", when: nothing here helps}
environments:                          # the same keys in each; the operator chooses one with -e
  staging:    {base_url: "https://staging.example.com"}
  production: {base_url: "https://app.example.com"}
on_fail: get_help                      # where a step leads that fails and names no `on_fail` of its own

steps:                                 # in this order, where a step does not say otherwise
  - id: look
    title: Ask the health endpoint
    kind: http                         # a GET only looks; the step passes with a status from 200 to 299
    url: ${{ environment.base_url }}/health
    timeout: 10s
    retry: {attempts: 2, delay: 2s}
    next: done
    on_fail: mend

  - id: mend
    title: Restart the service
    kind: manual                       # a person does it; `command` lets a program do it
    effect: change                     # so it is confirmed first; `none` only looks, `irreversible` asks for a phrase
    instructions: |
      Restart the service in the *${{ environment.name }}* environment, and wait until it says that it is up.
    undo: none                         # or the step that takes it back: {kind: manual, instructions: …}
    because: a restart leaves nothing to take back
    next: look

  - id: get_help
    title: Call platform on-call
    kind: manual
    effect: none
    instructions: Say what you saw and what you did. Go on when they say that it should work again.
    next: look

  - id: done
    title: It works again
    kind: finish
    outcome: resolved                  # or mitigated, completed, escalated, failed, aborted
    needs: [{step: look, within: 10m}]
"""
_SCENARIO = """\
# A scripted world: `runbook test` walks it without anybody, `runbook drill` lets you walk it.
scenario: v1
runbook: ../%(id)s.yaml
title: The first restart does not help
briefing: It is 03:12, and the health endpoint answers 503.
environment: production
operator: trainee
clock: simulated                       # waits pass at once
world:                                 # what each step sees, one entry an attempt; the last repeats
  look: [{status: 503}, {status: 503}, {status: 503}, {status: 503}, {status: 200}]
answers:                               # what the operator says, in this order
  - {step: mend, confirm: yes, outcome: done}
  - {step: mend, confirm: yes, outcome: failed}
  - {step: get_help, outcome: done}
expect:
  finish: resolved
  path: [look, mend, look, mend, get_help, look, done]
"""

_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Ids that are a text, here or for other readers of YAML, only in quotes."""


def begun(id_: str) -> tuple[str, str]:
    """The texts of a new runbook and of its scenario, which stands in a directory beside it.

    :raises Refused: if no runbook can have that id.
    """
    if not _ID.fullmatch(id_):
        meant = re.sub(r"[^a-z0-9]+", "_", id_.lower()).strip("_0123456789")[:64]
        help_ = f"did you mean `{meant}`?" if meant else "write it in snake_case, such as `app_not_loading`"
        raise Refused(Diagnostic(code=NO_ID, message=f"`{id_[:80]}` is no id of a runbook", help=help_))
    sign = '"' if id_ in _WORDS else ""
    title = id_.replace("_", " ").strip().capitalize()
    said = {"id": id_, "written": f"{sign}{id_}{sign}", "title": f"{sign}{title}{sign}"}
    return _RUNBOOK % said, _SCENARIO % said
