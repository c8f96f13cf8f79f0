"""A real headless Chromium, told over a pipe what to do: it opens a page, and says what it sees and what it objects to.

It speaks the Chrome DevTools Protocol over ``--remote-debugging-pipe``: JSON messages on the file descriptors 3 and 4,
a zero byte after each. No port is opened, and no library is needed.
"""

import base64
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
OBJECTIONS = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded")
JSON = dict[str, Any]


def program() -> str | None:
    """The browser of this machine."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@dataclass(slots=True)
class Tab:
    """A tab of the browser; ``objections`` is what the page made it say, ``requests`` what it wanted to load."""

    to: int
    come: int
    session: str = ""
    objections: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""
    _loaded: bool = False

    def call(self, method: str, **parameters: object) -> JSON:
        """Have the browser do something, and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: JSON = answer["result"]
                return result

    def _next(self) -> JSON:
        """The next message; what it says of the page is kept."""
        while b"\0" not in self._rest:
            read = os.read(self.come, 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        raw, _, self._rest = self._rest.partition(b"\0")
        message: JSON = json.loads(raw)
        method, parameters = message.get("method", ""), message.get("params", {})
        if method in OBJECTIONS:
            self.objections.append(json.dumps(parameters))
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True
        return message

    def show(self, page: Path, width: int, *, dark: bool = False, height: int = 800) -> None:
        """Open a page in a window of that width in pixels, and wait until it is there."""
        scheme = "dark" if dark else "light"
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.objections.clear()
        self.requests.clear()
        self._loaded = False
        self.call("Page.navigate", url=page.as_uri())
        while not self._loaded:
            self._next()

    def ask(self, expression: str) -> Any:  # noqa: ANN401 - what a page computes may be anything
        """What an expression is in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def picture(self) -> bytes:
        """A PNG of the whole page."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def paper(self) -> bytes:
        """A PDF of the page, as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)["data"])


@contextmanager
def browsing(chromium: str, profile: Path) -> Iterator[Tab]:
    """A browser with one tab; it ends with the block."""
    (come, its_to), (its_come, to) = os.pipe(), os.pipe()
    # It wants its ends at 3 and 4, which may be in use here: they are moved out of the way first.
    low = [its_come, its_to]
    its_come, its_to = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in low)
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    pid = os.posix_spawn(
        chromium,
        [chromium, *OPTIONS, *root, f"--user-data-dir={profile}", "about:blank"],
        os.environ,
        file_actions=[
            *((os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)),
            (os.POSIX_SPAWN_DUP2, its_come, 3),
            (os.POSIX_SPAWN_DUP2, its_to, 4),
        ],
    )
    for fd in (*low, its_come, its_to):
        os.close(fd)
    try:
        tab = Tab(to=to, come=come)
        target = tab.call("Target.createTarget", url="about:blank")["targetId"]
        tab.session = tab.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            tab.call(f"{domain}.enable")
        yield tab
    finally:
        os.close(to)
        os.close(come)
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
