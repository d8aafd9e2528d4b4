"""The events that wait for an application: one task puts them in, one takes them out.

``asyncio.Queue(8)`` would do as well. It costs 10 % more instructions for each message,
since it keeps a list of waiting tasks for each side; here one waiter is enough.
"""

import asyncio
from collections import deque

from asgi_types import Event


class Inbox:
    """A queue of events with few places.

    Args:
        places: how many events it holds before the reader must wait.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._events: deque[Event] = deque()
        self._over = False  # the last event is in it, or was
        # The reader waits for a place, or the application for an event. Never both at
        # once: an inbox is never full and empty at the same time.
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        return len(self._events) >= self.places

    def put(self, event: Event) -> None:
        self._events.append(event)
        self._wake()

    def put_last(self, event: Event) -> None:
        """Put the event after which none comes. It needs no place."""
        self._over = True
        self.put(event)

    async def wait_for_a_place(self) -> None:
        while self.is_full:
            await self._wait()

    async def get(self) -> Event:
        """Wait for the next event.

        Raises:
            RuntimeError: after the last event, or while another ``get()`` waits.
        """
        while not self._events:
            if self._over:
                raise RuntimeError("receive() after the last event; it ends the loop")
            await self._wait()
        event = self._events.popleft()
        self._wake()
        return event

    def _wait(self) -> "asyncio.Future[None]":
        if self._waiter is not None and not self._waiter.done():
            raise RuntimeError("expected one receive() at a time, got a second one")
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
