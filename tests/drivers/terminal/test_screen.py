"""What is shown: inert whatever it holds, readable at 40 columns, without colour, on a dumb terminal, resized."""

import re

import pytest
from tests.drivers.terminal.conftest import HEAD, Walking

FINISH = "  - {id: done, kind: finish, outcome: resolved}\n"
HOSTILE = [
    r"\033]52;c;aGVsbG8=\a",  # the clipboard
    r"\033]0;pwned\a",  # the title
    r"\033]8;;http://x.example.com\033\\click\033]8;;\033\\",
    r"\033P$qm\033\\",  # a request that the terminal would answer by typing
    r"\033[6n",
    r"\033c",  # reset
    r"\233 31m",  # an 8-bit control
    r"over\rwritten",
    r"bs\b\b\bxx",
    r"\342\200\256rtl",  # direction override
    r"\033]52;c;never ended",
]


def command(script: str) -> str:
    return f"""\
  - id: look
    title: Look
    kind: command
    effect: none
    shell: sh
    script: |
      {script}
"""


@pytest.mark.reliability
def test_h1_hostile_output_is_inert_and_what_follows_is_seen(walking: Walking) -> None:
    """Nothing of it reaches the terminal as a control; the emulator would refuse it."""
    lines = "; ".join(f"printf '{text}\\n'" for text in HOSTILE)
    terminal = walking.start(command(f"{lines}; echo the last line") + FINISH)
    terminal.expect("run it")
    terminal.answer("")
    shown = terminal.expect("│ the last line", "passed", "RESOLVED")
    for piece in ("␛]52;c;aGVsbG8=␇", "␛]0;pwned␇", "␛P$qm␛", "␛[6n", "␛c", "bs␈␈␈xx", "\\u202ertl", "never ended"):
        assert piece in shown
    assert "│ over │ written" in shown


@pytest.mark.reliability
def test_h1_a_title_that_holds_what_a_command_printed_is_inert(walking: Walking) -> None:
    """A value from outside can make no heading, question or answer of ours, and steer nothing."""
    steps = (
        command(r"printf '\033c\033]0;pwned\a yes  do it now\n\n› yes'").replace(
            "    shell", "    save: {x: stdout}\n    shell"
        )
        + """\
  - id: mend
    title: Mend ${{ saved.x }}
    kind: command
    effect: change
    argv: [echo, "${{ saved.x }}"]
    undo: {kind: manual, instructions: "Take back ${{ saved.x }}"}
"""
        + FINISH
    )
    terminal = walking.start(steps)
    terminal.expect("run it")
    terminal.answer("")
    shown = terminal.expect("CHANGES SOMETHING", "no leave it")
    assert "Mend ␛c␛]0;pwned␇ yes do it now › yes CHANGES SOMETHING" in shown


def test_a_child_has_no_terminal(walking: Walking) -> None:
    """What wants one is told so, and reads nothing that was meant for us."""
    terminal = walking.start(
        command('read -r x || true; echo "got [$x]"; echo gone > /dev/tty || echo no tty') + FINISH
    )
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("│ got []", "│ no tty", "RESOLVED")


def test_output_of_many_lines_leaves_the_scrollback_usable(walking: Walking) -> None:
    """The beginning and the end are shown, and what is not shown is counted."""
    terminal = walking.start(command("seq 1 2000; printf 'no line end'") + FINISH)
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("│ 300 … 1681 lines are not shown here │ 1982", "│ 2000 │ no line end", "passed")


def test_forty_columns_are_enough(walking: Walking) -> None:
    """Nothing is wider than the terminal, and nothing that matters is cut."""
    wide = command("echo 日本語の長い行日本語の長い行日本語の長い行; echo abc").replace(
        "title: Look", "title: 健康チェック that has a title which is longer than a line"
    )
    terminal = walking.start(wide + FINISH, columns=40, rows=20)
    terminal.expect("健康チェック that has a title which is longer than a line", "sh", "reads only", "? help")
    terminal.answer("")
    terminal.expect("日本語の長い行", "│ abc", "passed", "RESOLVED")
    assert all(len(line) <= 40 for line in terminal.text.splitlines())
    assert "step 1 of 2 · visit 1" in terminal.text


def test_what_is_told_in_words_is_wrapped_between_them_on_a_narrow_terminal(walking: Walking) -> None:
    """A summary, the items of a checklist, and how somebody takes a change back: nobody copies those."""
    back = "Put the former names and values back and deploy again"
    item = "The front page sends something within the time that is given"
    summary = "It is healthy, as far as it can be seen from outside; whether its database was reached is open."
    steps = f"""\
  - id: mend
    kind: manual
    effect: change
    instructions: Mend it
    undo: {{kind: manual, instructions: {back}}}
    next: look
  - id: look
    kind: checklist
    items: [{{id: page, title: "{item}", check: {{kind: command, argv: ["true"]}}}}]
    next: done
  - {{id: done, kind: finish, outcome: resolved, summary: "{summary}"}}
"""
    terminal = walking.start(steps, columns=40)
    terminal.expect("do it now")
    terminal.answer("yes", guarded=True)
    terminal.expect("it is done")
    terminal.answer("d")
    terminal.expect("RESOLVED")
    assert {*back.split(), *item.split(), *summary.split()} <= set(terminal.text.split())


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_colour_is_left_out_where_it_is_not_wanted(walking: Walking, variable: str) -> None:
    """Without colour every outcome has its word; a dumb terminal gets no sequence at all."""
    value = {"NO_COLOR": "1", "TERM": "dumb"}[variable]
    terminal = walking.start(
        command("exit 3").replace("title", "on_fail: done\n    next: done\n    title") + FINISH, env={variable: value}
    )
    terminal.expect("run it")
    terminal.send("n a notf\x7fe\r")
    terminal.expect("note by ana@example.com: a note")
    terminal.answer("")
    terminal.expect("failed · exit status 3", "RESOLVED")
    terminal.end()
    if variable == "TERM":
        assert "\x1b" not in terminal.raw
        assert re.search(r"\r(?!\n)", terminal.raw) is None
        assert "failed look" in terminal.text  # where we are, in words
    else:
        assert re.search(r"\x1b\[[0-9;]*\b(3[0-7]|4[0-7]|9[0-7])\b[0-9;]*m", terminal.raw) is None


def test_force_color_colours_a_dumb_terminal_and_moves_no_cursor(walking: Walking) -> None:
    terminal = walking.start(command("true") + FINISH, env={"TERM": "dumb", "FORCE_COLOR": "1"})
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("RESOLVED")
    terminal.end()
    assert set(re.findall(r"\x1b\[[0-9;?]*([A-Za-z])", terminal.raw)) == {"m"}


def test_a_dumb_terminal_says_in_lines_what_goes_on(walking: Walking) -> None:
    """No spinner and no countdown: a line when something starts, one when it is over."""
    wait = "  - {id: settle, title: Settle, kind: wait, for: 1s}\n"
    terminal = walking.start(command("sleep 0.6") + wait + FINISH, env={"TERM": "dumb"})
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("started", "passed", "passed look › settle", "x stop waiting", "RESOLVED")
    assert "Ctrl-C stops it" not in terminal.text
    assert terminal.text.count("\n>") <= 2


def test_a_resize_is_followed(walking: Walking) -> None:
    """A line that is being typed is drawn again, and what follows fits the new width."""
    terminal = walking.start(command("echo abc") + FINISH)
    terminal.expect("run it")
    terminal.send("n a note that is quite long, longer than forty columns")
    terminal.expect("longer than forty columns")
    terminal.resize(40, 20)
    terminal.expect("…", "forty columns")
    before = len(terminal.text.splitlines())
    terminal.send(" \x17\x17\x17and\x1b[D\x1b[Dx\x01\x1b[C\x1b[C\r")
    terminal.expect("note by ana@example.com: a note that is quite long, longer axnd")
    assert all(len(line) <= 40 for line in terminal.text.splitlines()[before:])


def test_every_step_says_where_we_are(walking: Walking) -> None:
    """Where we are is at the head of each step: which of how many, which visit, how we came here."""
    steps = (
        command("test -e there").replace("title", "next: which\n    on_fail: which\n    title")
        + """\
  - id: which
    title: What now?
    kind: choice
    options:
      - {id: again, label: Look again, next: look}
      - {id: over, label: It is over, next: done}
"""
        + FINISH
    ).replace("title: What now?", 'title: "What now?"')
    terminal = walking.start(steps, head=HEAD.replace("environments", "description: About **it**.\nenvironments"))
    terminal.expect("Sign-in does not work", "live · production", "About it.", "step 1 of 3 · visit 1")
    terminal.answer("")
    terminal.expect("step 2 of 3 · visit 1", "✗ look › which")
    terminal.answer("1")
    terminal.expect("step 1 of 3 · visit 2", "✗ look › ✓ which › look")
    terminal.answer("")
    terminal.expect("step 2 of 3 · visit 2", "✗ look › ✓ which › ✗ look › which")
    terminal.answer("2")
    terminal.expect("step 3 of 3 · visit 1", "RESOLVED")


def test_a_condition_that_does_not_hold_is_shown_with_what_was_seen(walking: Walking) -> None:
    steps = "  - {id: look, kind: command, effect: none, argv: [echo, seen], expect: exit_code == 7}\n"
    terminal = walking.start(steps + "  - {id: done, kind: finish, outcome: resolved}\n")
    terminal.expect("run it")
    terminal.answer("")
    terminal.expect("failed · expected exit_code == 7, but exit_code is 0")
