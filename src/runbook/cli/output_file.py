"""Files that the user names for an output."""

from pathlib import Path

from runbook.model.diagnostics import Code, Diagnostic, Refused

NOT_WRITTEN = Code(
    number="RB319",
    title="file that cannot be written",
    why="The file or directory that was named for an output cannot be written. The log is not touched by that.",
)


def write_output(text: str, path: str, what: str) -> None:
    """Write a file anew, in UTF-8.

    :param what: the name of what is written, for the message.
    :raises Refused: if it cannot be written.
    """
    try:
        Path(path).write_bytes(text.encode())
    except OSError as error:
        message = f"{what} cannot be written: {(error.strerror or str(error)).lower()}"
        raise Refused(Diagnostic(code=NOT_WRITTEN, message=message, file=path, help="name another file")) from None
