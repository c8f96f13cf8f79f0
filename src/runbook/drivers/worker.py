"""The thread in which actions are performed, one at a time, while the main thread stays with the operator."""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
BACKLOG = 256
"""How many chunks of output may wait to be shown; what comes faster is counted and not shown."""


class Job(Generic[T]):
    """Something that is being performed. Its outputs come in order through ``chunks``."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done = threading.Event()
        self._chunks: Queue[tuple[str, bytes] | None] = Queue(BACKLOG)
        self._result: T | None = None
        self._error: BaseException | None = None
        self.unshown = 0

    def run(self) -> None:
        """Perform it; whatever is raised comes out of :meth:`result`."""
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self._error = error
        finally:
            self._done.set()
            with suppress(Full):
                self._chunks.put_nowait(None)

    def show(self, stream: str, chunk: bytes) -> None:
        """Hand over a piece of output; called in the thread that performs."""
        try:
            self._chunks.put_nowait((stream, chunk))
        except Full:
            self.unshown += len(chunk)

    def chunk(self, seconds: float) -> tuple[str, bytes] | None:
        """The next piece of output, or None when there is none for so long, or no more."""
        try:
            return self._chunks.get(timeout=seconds) if not self._done.is_set() else self._chunks.get_nowait()
        except Empty:
            return None

    @property
    def done(self) -> bool:
        """Whether it is over and all its output was handed over."""
        return self._done.is_set() and self._chunks.empty()

    def wait(self, seconds: float) -> None:
        """Wait so long, at most, for it to be over."""
        self._done.wait(seconds)

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
