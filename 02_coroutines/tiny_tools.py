"""For programs: ``gather`` and sockets, built on the tiny loop from outside.

The loop knows nothing of this file. A future and a selector are enough to build them.

A socket's operation is tried at once. If it would block, the socket is given to the
loop's selector together with a future, and the task waits for that future. Only one
task at a time can wait for a socket object; ``socket.dup`` makes another object for the
same connection.
"""

from collections.abc import Callable, Sequence
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from socket import socket
from typing import Any, TypeVar

from tiny_loop import CancelledError, Future, create_task, get_loop

T = TypeVar("T")


class Gather(Future):
    """Done when all its children are, or as soon as one of them fails.

    Args:
        children: the tasks and futures to wait for.
    """

    name = "gather"

    def __init__(self, children: Sequence[Future]) -> None:
        super().__init__()
        self.children = children
        self._left = len(children)  # children that are not done
        self._cancel_asked = False

        for child in children:
            hear = partial(self._child_done, child)
            # Not at once, but in the loop's next turn: that is when asyncio does it.
            child.when_done(partial(self.loop.call_soon, hear))
        if not children:
            self.set_result([])

    def cancel(self) -> bool:
        """Cancel the children. The gather ends when they have ended, maybe later."""
        # After an error of one child the gather is done. The other children run on.
        if self.done():
            return False

        # A list, not ``any(… for …)``: that would stop asking at the first "yes".
        asked = [child.cancel() for child in self.children]
        if any(asked):
            self._cancel_asked = True
        return any(asked)

    def _child_done(self, child: Future) -> None:
        self._left -= 1
        if child.error is not None:
            self.set_exception(child.error)
        elif self._left == 0 and self._cancel_asked:
            # All children went on although they were cancelled. The task that awaits
            # the gather was cancelled as well, and must hear of it.
            self.set_exception(CancelledError())
        elif self._left == 0:
            self.set_result([child.value for child in self.children])


def gather(*awaitables: Any) -> Gather:
    """Run coroutines at the same time; ``await`` gives their results in this order.

    The first error is raised as soon as it comes; the others then run on.

    Args:
        awaitables: coroutines, of which tasks are made, and tasks or futures.
    """
    children: list[Future] = []
    for awaitable in awaitables:
        if isinstance(awaitable, Future):
            children.append(awaitable)
        else:
            children.append(create_task(awaitable))
    return Gather(children)


async def sock_accept(sock: socket) -> tuple[socket, Any]:
    """Wait for a client.

    Args:
        sock: a listening socket that does not block.

    Returns:
        The client's socket, which does not block, and its address.
    """
    peer, address = await _try(sock, EVENT_READ, sock.accept)
    peer.setblocking(False)
    return peer, address


async def sock_recv(sock: socket, size: int) -> bytes:
    """Wait for bytes, at most ``size``; ``b""`` when the peer has closed its side."""
    return await _try(sock, EVENT_READ, partial(sock.recv, size))


async def sock_sendall(sock: socket, data: bytes) -> None:
    """Send all of ``data``, in as many parts as the peer's speed asks for."""
    rest = memoryview(data)
    while rest:
        sent = await _try(sock, EVENT_WRITE, partial(sock.send, rest))
        rest = rest[sent:]


async def _try(sock: socket, event: int, operation: Callable[[], T]) -> T:
    """Try an operation again and again, each time when the socket is ready for it.

    Args:
        sock: a socket that does not block.
        event: what to wait for, ``EVENT_READ`` or ``EVENT_WRITE``.
        operation: a method of the socket, with its arguments.

    Raises:
        ValueError: the socket blocks.
    """
    if sock.gettimeout() != 0:
        raise ValueError("this socket would block all tasks: sock.setblocking(False)")
    while True:
        try:
            return operation()
        except (BlockingIOError, InterruptedError):
            await _ready(sock, event)


async def _ready(sock: socket, event: int) -> None:
    selector = get_loop().selector
    future = Future()
    selector.register(sock, event, future)
    try:
        await future
    finally:
        # Without this, a task that is cancelled here would leave its socket behind,
        # and the next one that waits for the same socket could not register it.
        selector.unregister(sock)
