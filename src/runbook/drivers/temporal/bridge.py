"""Lets a session, which waits by blocking, run inside a workflow, which waits by awaiting.

The session runs in a greenlet. Where it has to wait it hands an awaitable to the workflow, which awaits it and comes
back with what came of it. A greenlet stays in its thread, so a worker has all its workflows in one.
"""

import contextvars
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import greenlet

T = TypeVar("T")


def wait_for(awaitable: Awaitable[T]) -> T:
    """Have the workflow await something, from inside :func:`bridged`; what came of it, or what it raised."""
    parent = greenlet.getcurrent().parent
    if parent is None:  # pragma: no cover - a session is always bridged
        raise RuntimeError("nobody here awaits anything")
    return cast("T", parent.switch(awaitable))


async def bridged(blocking: Callable[[], T]) -> T:
    """Call something that may :func:`wait_for` things."""
    inside = greenlet.greenlet(blocking)
    inside.gr_context = contextvars.copy_context()
    out: Any = inside.switch()
    while not inside.dead:
        try:
            came = await out
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            out = inside.throw(error)
        else:
            out = inside.switch(came)
    return cast("T", out)
