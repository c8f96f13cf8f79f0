"""Disks that fail for real: the library of faults.c between a walk and the C library, and what is asked of it."""

import atexit
import errno
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.drivers.hatchery import Hatchery

ERRORS = {
    "write": (errno.ENOSPC, errno.EIO, errno.EDQUOT),
    "fsync": (errno.EIO,),
    "ftruncate": (errno.EIO,),
    "flock": (errno.ENOLCK,),
}
"""What calls fail with; those that make, name or remove files, with ENOSPC."""


@functools.cache
def library() -> Path | None:
    """The compiled library; None where there is no Linux, or no compiler."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        return None
    directory = Path(tempfile.mkdtemp(prefix="runbook-faults-"))
    atexit.register(shutil.rmtree, directory)
    made = directory / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


@functools.cache
def faulty() -> Hatchery:
    """The one hatchery of this test process whose processes have the library under them."""
    found = library()
    if found is None:
        pytest.skip("failing disks are made with LD_PRELOAD, on Linux, by a C compiler (cc)")
    return Hatchery(str(found))


def calls(trace: Path) -> list[tuple[str, str]]:
    """The calls that a process made below the directory, each with the path below it, in order."""
    found = [line.partition(" ") for line in trace.read_text(errors="replace").splitlines()]
    return [(name, path) for name, _, path in found]
