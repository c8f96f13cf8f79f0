"""The YAML language server that editors run, told over standard input what an editor tells it.

It speaks the Language Server Protocol 3.17: JSON-RPC messages, each behind a header with its length.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / ".venv" / "page_checkers" / "node_modules"
SERVER = MODULES / "yaml-language-server" / "bin" / "yaml-language-server"
JSON = dict[str, Any]


def missing() -> str | None:
    """Why there is no language server here; None where there is one."""
    if shutil.which("node") is None:
        return "no node on this machine; `apt-get install nodejs npm` enables this test"
    if not SERVER.is_file():
        return "no YAML language server; `rm -rf .venv/page_checkers && tools/test_needs` enables this test (wants npm)"
    return None


@dataclass(slots=True)
class Editor:
    """An editor with one server. ``schemas`` are those that it knows files by: a URI and the patterns of the files."""

    server: "subprocess.Popen[bytes]"
    schemas: Mapping[str, Sequence[str]]
    diagnostics: dict[str, list[JSON]] = field(default_factory=dict)
    _number: int = 0
    _version: int = 0

    def request(self, method: str, params: JSON) -> Any:  # noqa: ANN401 - what a server answers may be anything
        """Ask, and wait for the answer."""
        self._number += 1
        number = self._number
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, (method, message)
                return message["result"]

    def notify(self, method: str, params: JSON) -> None:
        """Tell."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def open(self, path: Path, text: str) -> str:
        """Open a file that holds this text, as it is on the screen; its URI."""
        self._version += 1
        uri = path.with_stem(f"{path.stem}-{self._version}").as_uri()  # what is said of one file is said of no other
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def complaints(self, path: Path, text: str) -> list[JSON]:
        """What is underlined in a file with this text."""
        return self.complaints_of((path, text))[0]

    def complaints_of(self, *files: tuple[Path, str]) -> list[list[JSON]]:
        """What is underlined in each of some files that are open together; the server waits a while before each."""
        found = []
        for uri in [self.open(path, text) for path, text in files]:
            while uri not in self.diagnostics:
                self._next()
            self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
            found.append(self.diagnostics.pop(uri))
        return found

    def offers(self, path: Path, text: str) -> list[JSON]:
        """What is offered where ``|`` stands in the text."""
        uri, place = self._at(path, text)
        found = self.request("textDocument/completion", {"textDocument": {"uri": uri}, "position": place})
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        items: list[JSON] = found["items"]
        return items

    def hover(self, path: Path, text: str) -> str:
        """What is shown where ``|`` stands in the text, when the mouse rests there."""
        uri, place = self._at(path, text)
        found = self.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": place})
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        return str(found["contents"]["value"]) if found else ""

    def _at(self, path: Path, text: str) -> tuple[str, JSON]:
        before, _, after = text.partition("|")
        uri = self.open(path, before + after)
        return uri, {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}

    def _send(self, message: JSON) -> None:
        body = json.dumps(message).encode()
        assert self.server.stdin is not None
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.server.stdin.flush()

    def _next(self) -> JSON:
        """The next message; what the server asks is answered, what it publishes is kept."""
        assert self.server.stdout is not None
        length = 0
        while line := self.server.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server has ended"
        message: JSON = json.loads(self.server.stdout.read(length))
        if message.get("method") == "workspace/configuration":
            settings = [self._setting(item) for item in message["params"]["items"]]
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": settings})
        elif "id" in message and "method" in message:
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def _setting(self, item: JSON) -> JSON:
        """The user's settings, a section at a time."""
        yaml = {
            "schemas": dict(self.schemas),
            "validate": True,
            "hover": True,
            "completion": True,
            "schemaStore": {"enable": False, "url": ""},
        }
        return yaml if item.get("section") == "yaml" else {}


@contextmanager
def editing(schemas: Mapping[str, Sequence[str]]) -> Iterator[Editor]:
    """An editor whose server ends with the block."""
    with subprocess.Popen(["node", SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            editor = Editor(server, schemas)
            abilities = {
                "textDocument": {
                    "completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": True}},
                    "hover": {"contentFormat": ["markdown"]},
                    "publishDiagnostics": {},
                },
                "workspace": {"configuration": True},
            }
            editor.request("initialize", {"processId": None, "rootUri": None, "capabilities": abilities})
            editor.notify("initialized", {})
            # It asks for the settings by itself; a file that it has judged was opened after them.
            editor.complaints(Path("/settings.yaml"), "a: 1\n")
            yield editor
        finally:
            server.kill()
