"""A file that cannot be read ends in its own code, a place and one thing to do."""

import os
import socket
from pathlib import Path

import pytest

from runbook.language.files import LARGEST
from runbook.language.source import Unread, read
from runbook.model.diagnostics import Diagnostic


def refused(path: Path | str) -> Diagnostic:
    with pytest.raises(Unread) as refusal:
        read(path)
    (diagnostic,) = refusal.value.diagnostics
    assert diagnostic.file == str(path)
    assert diagnostic.help
    return diagnostic


def test_a_file_is_read_with_the_name_that_the_user_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.yaml").write_text("a: b\n")
    monkeypatch.chdir(tmp_path)
    assert read("./x.yaml").file == "./x.yaml"
    assert read(tmp_path / "x.yaml").data == {"a": "b"}


def test_a_missing_file_is_said_with_a_name_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "app_not_loading.yaml").write_text("a: b\n")
    diagnostic = refused(tmp_path / "app_not_laoding.yaml")
    assert (diagnostic.code.number, diagnostic.message) == ("RB100", "there is no such file")
    assert diagnostic.help == f"did you mean `{tmp_path / 'app_not_loading.yaml'}`?"


def test_a_missing_file_with_no_name_near_is_said_too(tmp_path: Path) -> None:
    assert refused(tmp_path / "x.yaml").help == "check the path"
    assert (
        refused(tmp_path / "no" / "x.yaml").help == f"check the path: there is no directory `{tmp_path / 'no'}` either"
    )


@pytest.mark.parametrize("name", ["x.yaml/y.yaml", "x\0y", "", "loop"])
def test_a_path_that_leads_nowhere_is_no_traceback(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.yaml").write_text("a: b\n")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("nowhere")
    code = {"loop": "RB102"}.get(name, "RB100")
    assert refused(f"{tmp_path}/{name}" if name else "").code.number == code
    assert refused(tmp_path / "gone").code.number == "RB100"
    assert refused(tmp_path / ("n" * 300)).code.number == "RB102"


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert (refused(tmp_path).code.number, refused(tmp_path).message) == ("RB101", "this is a directory")


def test_a_pipe_that_nobody_writes_to_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe").code.number == "RB101"
    assert refused("/dev/zero").code.number == "RB101"


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert refused("socket").code.number in {"RB101", "RB102"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; run the tests as another user")
def test_a_file_that_one_may_not_read_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: b\n")
    path.chmod(0)
    assert refused(path).code.number == "RB102"


def test_what_one_may_not_read_is_said_so_even_to_root() -> None:
    path = Path("/proc/self/mem")
    if not path.exists():
        pytest.skip("there is no /proc on this system")
    assert refused(path).code.number == "RB102"


def test_a_file_as_large_as_allowed_is_read_and_a_larger_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: " + b"x" * (LARGEST - 3))
    assert read(path).has(("a",))
    path.write_bytes(b"a: " + b"x" * (LARGEST - 2))
    assert refused(path).message == "the file has more than 2,000,000 bytes"
    assert refused(path).code.number == "RB104"


def test_an_empty_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").touch()
    assert (refused(tmp_path / "x.yaml").code.number, refused(tmp_path / "x.yaml").message) == (
        "RB103",
        "the file is empty",
    )
