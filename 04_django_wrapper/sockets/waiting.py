"""How many bytes of messages wait in this process, in all inboxes and outboxes.

A limit for each connection is no limit for the process: 10,000 peers may be behind at
one time. Only the event loop's thread changes the number.
"""

from sys import getsizeof

total = 0


def size_of(message: str | bytes) -> int:
    """Bytes of memory of one message, with what Python adds (about 50)."""
    return getsizeof(message)


def add(size: int) -> None:
    """``size`` bytes more wait, or less if it is negative."""
    global total
    total += size
