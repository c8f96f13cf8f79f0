"""Does independent pieces of work in several processes, and hands out what came of them in their order.

The processes are forks: they have everything that was loaded, and share it. So the process that forks must have one
thread only. They do not hear Ctrl-C, which is for whoever hands out the work; they are killed when the work is over or
given up, and end by themselves when that process is gone.
"""

import os
import signal
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

T = TypeVar("T")
FEW = 8
"""So many pieces are done sooner here than it takes to start somebody else."""


class Died(Exception):  # noqa: N818 - named for what happened
    """A process ended in the middle of a piece of work."""

    def __init__(self, index: int, status: int | None) -> None:
        """Say which piece it was, and how the process ended: minus a signal, or its status."""
        ended = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        super().__init__(f"the process that did it ended with {ended}")
        self.index = index


def cores() -> int:
    """How many processors this process may use."""
    mine = getattr(os, "sched_getaffinity", None)  # macOS does not tell
    return len(mine(0)) if mine else os.cpu_count() or 1


def in_order(work: Callable[[int], T], count: int, processes: int) -> Generator[T, None, None]:
    """What comes of each piece of work, in order, as soon as it and those before it are done.

    :param work: does piece 0, 1, 2 and so on; what it returns can be pickled.
    :param processes: at most so many at once.
    :raises Died: if a process ended in the middle of its work.
    :raises RuntimeError: if a piece of work raised something; the message has the trace of it.
    """
    if min(processes, count) < 2 or count < FEW:
        yield from map(work, range(count))
        return
    from multiprocessing.connection import wait  # not for few

    workers: dict[Connection, BaseProcess] = {}
    try:
        _start(workers, work, min(processes, count))
        todo = iter(range(count))
        doing = {connection: _next(connection, todo) for connection in workers}
        done: dict[int, T] = {}
        for index in range(count):
            while index not in done:
                for ready in wait([connection for connection, at in doing.items() if at is not None]):
                    connection = next(each for each in doing if each is ready)
                    at = doing[connection]
                    assert at is not None  # noqa: S101 - for the type checker: only those are waited for
                    done[at] = cast("T", _received(connection, workers[connection], at))
                    doing[connection] = _next(connection, todo)
            yield done.pop(index)
    finally:
        for connection, process in workers.items():
            connection.close()
            process.kill()
        for process in workers.values():
            process.join()


def _start(workers: "dict[Connection, BaseProcess]", work: Callable[[int], T], count: int) -> None:
    from multiprocessing import get_context

    context = get_context("fork")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a fork inherits it
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(work, theirs, [*workers, ours]), daemon=True)
            process.start()
            theirs.close()
            workers[ours] = process
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _next(connection: "Connection", todo: Iterator[int]) -> int | None:
    """Hand out the next piece of work, if there is one; whoever died meanwhile is noticed when it is to answer."""
    index = next(todo, None)
    if index is not None:
        with suppress(OSError):
            connection.send(index)
    return index


def _received(connection: "Connection", process: "BaseProcess", index: int) -> object:
    try:
        result, fault = connection.recv()
    except (EOFError, OSError):
        process.join(1)
        raise Died(index, process.exitcode) from None
    if fault is not None:
        raise RuntimeError(fault)
    return cast("object", result)


def _serve(work: Callable[[int], T], connection: "Connection", others: "Sequence[Connection]") -> None:
    """Work until whoever hands out the work is gone; with the ends of other pipes open that could not be noticed."""
    for other in others:
        other.close()
    with suppress(EOFError, OSError):
        while True:
            index = connection.recv()
            try:
                answer = work(index), None
            except Exception as error:  # noqa: BLE001 - it is raised again where the work was handed out
                trace = "".join(traceback.format_exception(error))
                connection.send((None, f"{type(error).__name__}: {error}\n{trace}"))
            else:
                connection.send(answer)
