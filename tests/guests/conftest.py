"""Packages that bring kinds, installed as pip does it, beside the program and for one process only."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "prometheus"
TOOL = Path(sys.executable).with_name("runbook")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the example package in it, laid out from its own pyproject.toml as an installer does."""
    target = tmp_path_factory.mktemp("site")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    shutil.copytree(EXAMPLE / "src", target, dirs_exist_ok=True)
    points = project["entry-points"]["runbook.kinds"]
    return brought_by(target, project["name"], project["version"], **points)


def brought_by(folder: Path, package: str, version: str = "1.0", /, **points: str) -> Path:
    """A package with entry points in a directory."""
    about = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (about / "entry_points.txt").write_text("\n".join(["[runbook.kinds]", *lines, ""]))
    return folder


def runbook(
    *arguments: str | Path, cwd: Path, sites: tuple[Path, ...], **more: str
) -> subprocess.CompletedProcess[str]:
    """The command line of a machine on which these packages are installed too."""
    environment: Mapping[str, str] = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, sites)),
        "RUNBOOK_STATE_DIR": str(cwd / "state"),
        **more,
    }
    return subprocess.run(
        [TOOL, *arguments], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=60
    )
