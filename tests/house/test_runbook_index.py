"""The index of the runbooks is what their files say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_index_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "runbook_index.py", "--check"], check=False)
    assert done.returncode == 0, "`make docs` writes it anew"
