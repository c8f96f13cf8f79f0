"""Files that the user names for an output."""

from pathlib import Path

from runbook.model.diagnostics import Code, Diagnostic, Refused

NOT_WRITTEN = Code(
    number="RB319",
    title="file that cannot be written",
    why="The file or directory that was named for an output cannot be written. The log is not touched by that.",
)
THERE_ALREADY = Code(
    number="RB390",
    title="file that is there already",
    why="What is begun with a draft is worked on by hand. Writing over it would lose that work, so a file that is "
    "there is left as it is, and there is no option to have it otherwise.",
)


def write_new(text: str, path: str, what: str) -> None:
    """Write a file that must not be there yet, in UTF-8, and the directories that it is in.

    :param what: the name of what is written, for the message.
    :raises Refused: if it is there, or cannot be written.
    """
    refuse_present(Path(path))
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with Path(path).open("xb") as file:  # somebody else may have made it since
            file.write(text.encode())
    except OSError as error:
        raise _not_written(error, path, what) from None


def refuse_present(path: Path) -> None:
    """Refuse to go on where there is such a file already.

    :raises Refused: if there is.
    """
    if path.exists() or path.is_symlink():
        raise _there_already(str(path))


def write_output(text: str, path: str, what: str) -> None:
    """Write a file anew, in UTF-8.

    :param what: the name of what is written, for the message.
    :raises Refused: if it cannot be written.
    """
    try:
        Path(path).write_bytes(text.encode())
    except OSError as error:
        raise _not_written(error, path, what) from None


def _there_already(path: str) -> Refused:
    message, help_ = "there is such a file already", "name another, or move that one away"
    return Refused(Diagnostic(code=THERE_ALREADY, message=message, file=path, help=help_))


def _not_written(error: OSError, path: str, what: str) -> Refused:
    message = f"{what} cannot be written: {(error.strerror or str(error)).lower()}"
    return Refused(Diagnostic(code=NOT_WRITTEN, message=message, file=path, help="name another file"))
