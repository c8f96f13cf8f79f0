"""An expression yields the same in every process, in the same order."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [*ROOT.glob("runbooks/*.yaml"), *ROOT.glob("tests/right/*.yaml"), *ROOT.glob("tests/later/*.yaml")]
ORDER = """
import sys
from runbook.language.expressions import Cel
from runbook.model.canonical import canonical
from runbook.model.evaluator import ExpressionError
cel = Cel({"m": "map<string,dyn>", "d": "dyn"})
scope = {"m": {f"key{n}": {"n": n, "x": None} for n in range(50)}, "d": {chr(97 + n): [n] for n in range(26)}}
for source in sys.argv[1:]:
    try:
        print(source, canonical(cel.evaluate(source, scope, "dyn")), list(cel.evaluate(source, scope, "dyn") or ()))
    except (ExpressionError, TypeError) as error:
        print(source, error)
"""
SOURCES = """
m; d; {'b': m, 'a': d}; '%s'.format([m]); m.all(k, m[k].n >= 0); d.exists(k, d[k] == [7]); m == m; m.map(k, k)
d.filter(k, true); d.map(k, d[k]).size(); [m, d].map(x, x); size(m); m.exists_one(k, k == 'key7')
"""


def outputs(arguments: Sequence[str]) -> set[str]:
    """What five processes write, each with its own seed for hashes."""
    processes = [
        subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        )
        for seed in range(5)
    ]
    written = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 5
    return written


@pytest.mark.reliability
def test_k3_every_expression_of_the_tree_yields_the_same_in_five_processes() -> None:
    assert FILES
    (written,) = outputs([str(Path(__file__).with_name("every_expression.py")), *map(str, sorted(FILES))])
    assert written.count("\n") > 100


@pytest.mark.reliability
def test_k3_maps_have_one_order_and_none_where_there_is_none() -> None:
    (written,) = outputs(["-c", ORDER, *SOURCES.strip().replace("\n", ";").split(";")])
    assert written.count("no order") == 3
