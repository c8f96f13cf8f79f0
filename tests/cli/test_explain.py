"""Codes are explained whatever extras are installed."""

import subprocess
import sys

import pytest

from runbook.cli.explain import OPTIONAL


@pytest.mark.parametrize("arguments", [["explain"], ["explain", "RB252"], ["explain", "--format", "json"]])
def test_codes_are_explained_where_no_extra_is_installed(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({sorted(OPTIONAL)!r}))\n"
        "from runbook.cli.main import run\n"
        f"sys.exit(run({arguments!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "RB252" in done.stdout
