"""What stand-ins on loopback share: answers over HTTP, and a program that passes on what it was called with."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.runbooks.serving import Quiet, serving

PAGE = b"<!doctype html><html><title>It works</title></html>"
_PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
words = {{"argv": sys.argv[1:], "project": os.environ.get("CLOUDSDK_CORE_PROJECT", ""), "stdin": ""}}
if "--data-file=-" in sys.argv:
    words["stdin"] = sys.stdin.buffer.read().decode("latin-1")
body = json.dumps(words).encode()
with socket.create_connection(("127.0.0.1", {port})) as talk:
    talk.sendall(b"POST /{name} HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    answer = json.loads(talk.makefile("rb").read().partition(b"\\r\\n\\r\\n")[2])
sys.stdout.buffer.write(answer["out"].encode("latin-1"))
sys.stderr.write(answer["err"])
sys.exit(answer["status"])
"""
"""The program: everything is decided where it is passed on to."""


class RefusedError(Exception):
    """What stands in does not do that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asked: the path with its query, who it says it is, and the JSON that came with it."""

    method: str
    path: str
    authorization: str
    body: Any


Answer = tuple[int, object]
"""A status, and what is sent as JSON; bytes are sent as they are."""
Program = Callable[[Sequence[str], str, bytes], bytes]
"""What a program prints for its arguments, its project and its standard input; it may raise RefusedError."""


def _called(program: Program, argv: Sequence[str], project: str, stdin: str) -> Answer:
    try:
        out = program(argv, project, stdin.encode("latin-1"))
    except RefusedError as refused:
        return 200, {"out": "", "err": f"ERROR: {refused}\n", "status": 1}
    return 200, {"out": out.decode("latin-1"), "err": "", "status": 0}


@contextmanager
def answering(
    respond: Callable[[Request], Answer | None], name: str, program: Program, programs: Path
) -> Iterator[str]:
    """The URL at which a stand-in responds.

    :param respond: what it answers; None hangs up.
    :param name: that of its program, which is put into the directory ``programs``.
    """

    def answer(call: Quiet) -> None:
        length = int(call.headers["Content-Length"] or 0)
        body = json.loads(call.rfile.read(length)) if length else {}
        authorization = call.headers["Authorization"] or ""
        asked = Request(method=call.command, path=call.path, authorization=authorization, body=body)
        answered = _called(program, **body) if call.path == f"/{name}" else respond(asked)
        if answered is None:
            return
        status, said = answered
        call.send(status, said if isinstance(said, bytes) else json.dumps(said).encode(), {})

    with serving(answer) as url:
        programs.mkdir()
        put = programs / name
        put.write_text(_PROGRAM.format(python=sys.executable, name=name, port=url.rpartition(":")[2]))
        put.chmod(0o755)
        yield url
