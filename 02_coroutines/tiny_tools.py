"""What programs use, built on the tiny loop's futures and selector without its help.

A socket's operation is tried at once. Where it would block, the socket is given to the
loop's selector together with a future, and the task waits for that: one task at a time
for each socket object (``socket.dup`` makes another one for the same connection).
"""

from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from socket import socket
from typing import Any, TypeVar

from tiny_loop import CancelledError, Future, Task, get_loop

T = TypeVar("T")


class Gather(Future):
    """Done when all its children are, or as soon as one of them fails."""

    name = "gather"

    def __init__(self, children: list[Future]) -> None:
        super().__init__()
        self.children = children
        self._left = len(children)
        self._cancel_asked = False
        for child in children:
            told = partial(self._child_done, child)
            # Not at once but by the ready queue, which is when asyncio does it.
            child.waiters.append(partial(self.loop.call_soon, told))
        if not children:
            self.set_result([])

    def cancel(self) -> bool:
        """Cancel the children: it ends when they do, and they may take their time."""
        if self.done():  # an error came first: the other children run on
            return False
        asked = [child.cancel() for child in self.children]
        self._cancel_asked = self._cancel_asked or any(asked)
        return any(asked)

    def _child_done(self, child: Future) -> None:
        self._left -= 1
        if child.error is not None:
            self.set_result(error=child.error)
        elif not self._left:
            error = CancelledError() if self._cancel_asked else None
            self.set_result([child.value for child in self.children], error)


def gather(*awaitables: Any) -> Gather:
    """Run coroutines at the same time; ``await`` gives their results in this order.

    The first error is raised as soon as it comes; the others then run on.
    """
    return Gather([a if isinstance(a, Future) else Task(a) for a in awaitables])


async def sock_accept(sock: socket) -> tuple[socket, Any]:
    """Wait for a client: its socket, which does not block, and its address."""
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
    if sock.gettimeout() != 0:
        raise ValueError("this socket would block all tasks: sock.setblocking(False)")
    while True:
        try:
            return operation()
        except (BlockingIOError, InterruptedError):
            await _ready(sock, event)


async def _ready(sock: socket, event: int) -> None:
    selector, future = get_loop().selector, Future()
    selector.register(sock, event, future)
    try:
        await future
    finally:  # also when cancelled
        selector.unregister(sock)
