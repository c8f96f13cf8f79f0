"""What an expression mentions is set on every path to it, or the file is refused with a path on which it is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.language.loading import Loaded

Said = Callable[[str], list[str]]
Load = Callable[[str], Loaded]

RUNBOOK = (Path(__file__).parents[1] / "right" / "several_ways.yaml").read_text(encoding="utf-8")


@pytest.fixture
def changed(said: Said) -> Callable[..., list[str]]:
    """What is said about the runbook above with pieces of it replaced, but for what this version cannot walk yet."""

    def lines(*pieces: tuple[str, str]) -> list[str]:
        text = RUNBOOK
        for old, new in pieces:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return [line for line in said(text) if " RB29" not in line]

    return lines


Changed = Callable[..., list[str]]


@pytest.fixture
def unset(load_text: Load) -> Callable[..., list[str]]:
    """What may be unset in the runbook above with pieces of it replaced: the message and the path."""

    def lines(*pieces: tuple[str, str]) -> list[str]:
        text = RUNBOOK
        for old, new in pieces:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        found = [d for d in load_text(text).diagnostics if not d.code.number.startswith("RB29")]
        assert {d.code.number for d in found} <= {"RB152"}, found
        return [f"{d.message}; {d.label}" for d in found]

    return lines


SUMMARY = "resolved\n    summary: "


def test_a_field_is_set_where_every_path_has_observed_it(unset: Changed) -> None:
    assert unset(("run.mode ==", "steps.check.outcome == 'passed' && run.mode ==")) == []
    assert unset(("require:", "expect: steps.check.status == 200\n    require:")) == []


def test_a_step_that_failed_without_an_observation_left_none(unset: Changed) -> None:
    assert unset(("Mend it", "${{ steps.check.status }}")) == [
        "`steps.check.status` may not be set when `fix` starts; not set on this way: check fails → fix"
    ]
    assert unset(("run.mode ==", "steps.check.status == 200 && run.mode ==")) == [
        "`steps.check.status` may not be set when `look` starts; not set on this way: check fails → fix → look"
    ]


def test_a_step_that_was_skipped_left_none(unset: Changed) -> None:
    assert unset(("resolved", SUMMARY + "${{ steps.look.stdout }}")) == [
        (
            "`steps.look.stdout` may not be set when `done` starts; "
            "not set on this way: check → vars → look is skipped → done"
        )
    ]


def test_a_kind_that_always_observes_has_observed_when_it_failed(unset: Changed) -> None:
    assert unset(("url: ${{ environment.base }}/health\n    next: vars\n    on_fail: fix", "url: x\n    next: vars"),
                 ("Mend it", "${{ steps.vars.missing.join(', ') }}")) == []  # fmt: skip


def test_the_reason_why_a_source_could_not_be_read_is_there_only_on_some_answers(unset: Changed) -> None:
    assert unset(("resolved", SUMMARY + "${{ inputs.note }}")) == ["`inputs.note` may not be given; "]


def test_max_visits_may_end_a_step_that_observed_nothing(unset: Changed) -> None:
    pieces = (
        ("url: ${{ environment.base }}/health\n    next: vars\n    on_fail: fix", "url: x\n    next: vars"),
        ("require: {S", "max_visits: 2\n    require: {S"),
        ("Mend it", "${{ steps.vars.missing.join(', ') }}"),
    )
    assert unset(*pieces) == [
        "`steps.vars.missing` may not be set when `fix` starts; not set on this way: check → vars fails → fix"
    ]


CHANGE = (
    'kind: command\n    effect: none\n    argv: [uptime]\n    when: run.mode == "live"',
    "kind: command\n    effect: change\n    undo: none\n    because: x\n    argv: [uptime]\n    save: {file: stdout}",
)
PROBE = "probe: {kind: command, argv: [ls]%s}\n    argv: [uptime]"


def test_a_change_that_its_probe_settles_was_not_observed(unset: Changed) -> None:
    assert unset(CHANGE, ("resolved", SUMMARY + "${{ steps.look.stdout }} ${{ saved.file }}")) == []
    probed = (CHANGE[0], CHANGE[1].replace("argv: [uptime]", PROBE % ""))
    path = "not set on this way: check → vars → look is settled by its probe → done"
    assert unset(probed, ("resolved", SUMMARY + "${{ steps.look.stdout }} ${{ saved.file }}")) == [
        f"`steps.look.stdout` may not be set when `done` starts; {path}",
        f"`saved.file` may not be set when `done` starts; {path}",
    ]
    both = (CHANGE[0], CHANGE[1].replace("argv: [uptime]", PROBE % ", save: {file: stdout}"))
    assert unset(both, ("resolved", SUMMARY + "${{ saved.file }}")) == []


def test_an_unknown_step_left_nothing(unset: Changed) -> None:
    unknown = (CHANGE[0], CHANGE[1] + "\n    on_unknown: done")
    assert unset(unknown, ("resolved", SUMMARY + "${{ steps.look.stdout }}")) == [
        (
            "`steps.look.stdout` may not be set when `done` starts; "
            "not set on this way: check → vars → look is unknown → done"
        )
    ]


def test_a_value_is_set_where_every_path_has_saved_it_under_the_name(unset: Changed) -> None:
    by_check = ("next: vars", "next: vars\n    save: {seen: text}")
    by_fix = ("Mend it", "Mend it\n    save: {seen: evidence}")
    read = ("run.mode ==", "saved.seen != '' && run.mode ==")
    assert unset(by_check, by_fix, read) == []
    assert unset(by_check, read) == [
        "`saved.seen` may not be set when `look` starts; not set on this way: check fails → fix → look"
    ]
    assert unset(by_fix, read) == [
        "`saved.seen` may not be set when `look` starts; not set on this way: check → vars → look"
    ]


def test_a_secret_that_a_step_makes_is_set_where_every_path_has_made_it(changed: Changed) -> None:
    made = ("next: vars", "next: vars\n    save_secret: {session: text}")
    use = ("[uptime]", "[uptime]\n    env: {S: '${{ secrets.session }}'}")
    (said,) = changed(made, use)
    assert said == (
        "35:19 RB152 the secret `session` may not have been made when `look` starts"
        " | make it on every path that leads to `look`"
    )
    assert changed(made, ("    require: {SESSION_SECRET: {min_length: 32}}", "    require: {S: {}}")) == []


def test_a_step_sees_its_own_fields_in_its_verdict_and_not_before(changed: Changed) -> None:
    assert changed(("[uptime]", "[uptime]\n    expect: exit_code == 0 && steps.vars.outcome == 'passed'")) == []
    (said,) = changed(("[uptime]", "['${{ stdout }}']"))
    assert said == (
        "33:17 RB151 `stdout` is not known here"
        " | write `steps.look.stdout`: fields stand at the root only in the step's own `expect` and `save`"
    )
    (said,) = changed(("[uptime]", "['${{ steps.look.stdout }}']"))
    assert said == (
        "33:17 RB152 `steps.look.stdout` may not be set when `look` starts"
        " | use it in the `expect` or `save` of `look`, as `stdout`: it is observed when the step has run"
    )


def test_a_field_that_is_there_only_on_some_answers_may_be_expected_and_not_relied_on(changed: Changed) -> None:
    assert changed(("next: vars", "next: vars\n    expect: tls.days_left > 14")) == []
    (said,) = changed(("next: vars", "next: vars\n    save: {days: tls.days_left}"))
    assert said == (
        "18:18 RB152 `tls.days_left` is there only on some answers"
        " | use it in `expect`, where its absence fails the step"
    )
    (said,) = changed(("run.mode ==", "steps.check.tls.days_left > 1 && run.mode =="))
    assert said == (
        "34:11 RB152 `steps.check.tls.days_left` is there only on some answers"
        " | use it in the `expect` of `check`, or ask `has(last.check.tls.days_left)`"
    )
    assert changed(("run.mode ==", "has(last.check.tls) && run.mode ==")) == []


def test_what_a_loop_saves_may_be_unset_because_its_list_may_be_empty_and_the_help_says_so(said: Said) -> None:
    text = """runbook: v1
id: looping
environments: {production: {hosts: [a, b]}}
steps:
  - id: each
    kind: command
    effect: none
    argv: [echo, "${{ item }}"]
    for_each: {in: environment.hosts}
    save: {seen: stdout}
  - id: show
    kind: command
    effect: none
    argv: [echo, "${{ saved.seen }}"]
  - {id: done, kind: finish, outcome: resolved}
"""
    (complaint,) = said(text)
    assert "RB152 `saved.seen` may not be set when `show` starts" in complaint
    assert complaint.endswith("| the list of `each` may be empty, and then it saves nothing: use `steps.each.items`")
