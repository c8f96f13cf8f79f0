"""A placeholder in a script becomes a variable that stays one value, whatever quotes it stands in."""

import shutil
import subprocess

import pytest

from runbook.language.markdown.placeholders import Placeholders
from runbook.language.markdown.shell import assigned_in, is_whole

BASH = shutil.which("bash")
NASTY = "a b'\"$(echo no)`echo no`;*\\ \t#x"
SCRIPTS = {
    "printf %s <X>": NASTY,
    "printf %s pre-<X>-post": f"pre-{NASTY}-post",
    'printf %s "say <X>."': f"say {NASTY}.",
    "printf %s 'say <X>.'": f"say {NASTY}.",
    'printf %s "$(printf %s <X>)"': NASTY,
    "printf %s \"$(printf %s '<X>')\"": NASTY,
    "cat <<END\nsay <X>\nEND": f"say {NASTY}\n",
    "# it's <Y>\nprintf %s {{x}}": NASTY,
    "(printf %s ${{ inputs.x }})": NASTY,
    "printf %s it\\'s<X>": f"it's{NASTY}",
    "if true; then printf %s [pod-name]; fi": NASTY,
    "cat <<'END'\n<X>\nEND": None,
    'printf %s "`echo <X>`"': None,
    "printf %s $'<X>'": None,
    "printf %s ${A:-<X>}": None,
    'printf %s "<X>': None,
}
"""Scripts, with what they print once it is decided what X is; None where nothing can be put in its place."""


@pytest.mark.skipif(BASH is None, reason="there is no bash here")
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_value_of_a_placeholder_stays_one_value(script: str) -> None:
    found = Placeholders().in_script(script)
    assert (found is None) == (SCRIPTS[script] is None)
    if found is None:
        return
    text, (placeholder,) = found
    assert "${{" not in text
    assert BASH is not None
    environment = {placeholder.variable: NASTY}
    done = subprocess.run([BASH, "-euc", text], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == SCRIPTS[script]


def test_a_variable_that_a_script_does_not_set_is_an_input() -> None:
    script = 'A=1 B=$A; for c in x; do echo "$c$HOME${D}"; done; read -r e; echo $e \'$F\' $1 $? "$G" # $H\n'
    found = Placeholders().in_script(script)
    assert found is not None
    assert found[0] == script
    assert [each.variable for each in found[1]] == ["D", "G"]
    assert assigned_in("export X=1; y=2") == {"X", "y"}


def test_no_variable_takes_the_place_of_one_that_programs_know() -> None:
    found = Placeholders().in_script("ls <path>")
    assert found is not None
    assert found[0] == 'ls "${PATH_VALUE}"'.replace("{", "").replace("}", "")


def test_what_is_called_a_secret_is_one() -> None:
    known = Placeholders()
    for text in ("<TOKEN>", "YOUR_API_KEY", "$DB_PASSWORD", "${{ secrets.X }}"):
        found = known.in_script(f"echo {text}")
        assert found is not None
        assert [each.secret for each in found[1]] == [True], text
    found = known.in_script("echo <secret-name> <POD>")
    assert found is not None
    assert [each.secret for each in found[1]] == [False, False]


def test_a_script_that_is_not_closed_is_known() -> None:
    assert is_whole("echo 'a' \"b $(c)\"\ncat <<E\n'\nE\n")
    assert not any(map(is_whole, ["echo 'a", 'echo "a', "echo $(a", "echo `a"]))
