"""The threads in which actions are performed, while the main thread stays with the operator.

A step that does nothing else costs two hand-overs; so there is one queue on which everything comes back, and nothing
else that would have to be woken. One thread does for steps that come one after the other; more are begun only when
several run side by side.
"""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeAlias

from runbook.model.canonical import JsonObject

BACKLOG = 256
"""How many chunks of output may wait to be shown; what comes faster is counted and not shown."""


class Job:
    """Something that is being performed. Its outputs come in order, and behind them that it is over."""

    def __init__(self, work: Callable[[], JsonObject], news: "SimpleQueue[News]") -> None:
        self._work = work
        self._news = news
        self._result: JsonObject | None = None
        self._error: BaseException | None = None
        self.done = False
        self.unshown = 0

    def run(self) -> None:
        """Perform it; whatever is raised comes out of :meth:`result`."""
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self._error = error

    def over(self) -> None:
        """Say that it is over; called in the thread that performed."""
        self._news.put((self, None))

    def show(self, stream: str, chunk: bytes) -> None:
        """Hand over a piece of output; called in the thread that performs."""
        if self._news.qsize() < BACKLOG:
            self._news.put((self, (stream, chunk)))
        else:
            self.unshown += len(chunk)

    def result(self) -> JsonObject:
        """What came of it; raises what it raised."""
        if self._error is not None:
            raise self._error
        if self._result is None:  # pragma: no cover - nobody asks before it is over
            raise AssertionError
        return self._result


News: TypeAlias = tuple[Job, tuple[str, bytes] | None]
"""A piece of output of a job, or None when it is over."""


class Workers:
    """The threads that perform jobs; daemons, so that nothing that hangs keeps the program alive."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._news: SimpleQueue[News] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0

    def job(self, work: Callable[[], JsonObject]) -> Job:
        """Something to be performed."""
        return Job(work, self._news)

    def start(self, job: Job) -> None:
        """Perform a job in a thread."""
        with self._lock:
            new = self._free == 0
            self._free -= not new
        if new:
            threading.Thread(target=self._loop, name="performer", daemon=True).start()
        self._jobs.put(job)

    def news(self, seconds: float) -> News | None:
        """The next piece of news; None when there is none for so long. Only one thread asks."""
        try:
            job, chunk = self._news.get(timeout=seconds)
        except Empty:
            return None
        job.done = chunk is None
        return job, chunk

    def wait(self, job: Job, seconds: float) -> None:
        """Wait so long, at most, for a job to be over; what is still printed is dropped."""
        until = time.monotonic() + seconds
        while not job.done and (left := until - time.monotonic()) > 0:
            self.news(left)

    def _loop(self) -> None:
        while True:
            job = self._jobs.get()
            job.run()
            with self._lock:
                self._free += 1
            job.over()


class AtOnce(Workers):
    """Performs each job where it is started, before anything else: for a world in which nothing takes real time."""

    def start(self, job: Job) -> None:
        """Perform a job now."""
        job.run()
        job.over()
