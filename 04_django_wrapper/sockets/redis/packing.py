"""How a group's news crosses Redis: as bytes, on a channel of the group's.

A packed news is one byte for its kind, and then what it says:

    t  a message, as UTF-8 text
    b  a message, as bytes
    c  a close: the code, a space, the reason
    ?  a loss
"""

from ..members import Close, Loss, News, message_of

LOST = b"?"
ID_BYTES = 8  # before each packed news: which process says it
NOBODY = bytes(ID_BYTES)  # a process that hears nothing


def pack(news: News) -> bytes:
    """A group's news as bytes."""
    if isinstance(news, Close):
        return f"c{news.code:d} {news.reason}".encode()
    if isinstance(news, Loss):
        return LOST
    if "bytes" in news.event:
        return b"b" + bytes(news.event["bytes"])
    return b"t" + str(news.event["text"]).encode()


def unpack(packed: bytes) -> News:
    """The news again.

    Raises:
        ValueError: these bytes were packed by somebody else.
    """
    kind = packed[:1]
    rest = packed[1:]
    if kind == b"b":
        return message_of(rest)
    if kind == b"t":
        return message_of(rest.decode())
    if kind == b"c":
        code, _, reason = rest.decode().partition(" ")
        return Close(int(code), reason)
    return Loss()


def channel_prefix(database: int) -> bytes:
    """The beginning of our channels' names.

    Two sites may share a Redis and have a database each: ``redis://host/1``. Channels
    belong to no database, so its number is in their names.
    """
    return b"sockets:%d:" % database
