"""The thread in which actions are performed, one at a time, while the main thread stays with the operator.

A step that does nothing else costs two hand-overs; so a job has one queue and nothing else that would have to be woken.
"""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
BACKLOG = 256
"""How many chunks of output may wait to be shown; what comes faster is counted and not shown."""


class Job(Generic[T]):
    """Something that is being performed. Its outputs come in order, and behind them that it is over."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._chunks: SimpleQueue[tuple[str, bytes] | None] = SimpleQueue()
        self._result: T | None = None
        self._error: BaseException | None = None
        self.done = False
        self.unshown = 0

    def run(self) -> None:
        """Perform it; whatever is raised comes out of :meth:`result`."""
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self._error = error
        finally:
            self._chunks.put(None)

    def show(self, stream: str, chunk: bytes) -> None:
        """Hand over a piece of output; called in the thread that performs."""
        if self._chunks.qsize() < BACKLOG:
            self._chunks.put((stream, chunk))
        else:
            self.unshown += len(chunk)

    def chunk(self, seconds: float) -> tuple[str, bytes] | None:
        """The next piece of output; None when there is none for so long, or it is over and all was handed over.

        Only the thread that waits for it asks, which then knows by ``done`` that it is over.
        """
        if self.done:
            return None
        try:
            chunk = self._chunks.get(timeout=seconds)
        except Empty:
            return None
        self.done = chunk is None
        return chunk

    def wait(self, seconds: float) -> None:
        """Wait so long, at most, for it to be over; what it still prints is dropped."""
        until = time.monotonic() + seconds
        while not self.done and (left := until - time.monotonic()) > 0:
            self.chunk(left)

    def result(self) -> T:
        """What came of it; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # it ended without an error, so this is a T


class Worker:
    """One thread that performs jobs; a daemon, so that nothing that hangs keeps the program alive."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job[object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self, job: Job[T]) -> None:
        """Perform a job in the thread."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._loop, name="performer", daemon=True)
            self._thread.start()
        self._jobs.put(job)  # type: ignore[arg-type]  # the queue does not care what a job yields

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()

    def close(self) -> None:
        """Let the thread end when it has nothing more to do."""
        self._jobs.put(None)
