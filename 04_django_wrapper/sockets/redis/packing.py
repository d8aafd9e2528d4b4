"""What crosses Redis: an event as bytes; and its way there without an event loop."""

import logging
from functools import cache
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..conf import Conf
from ..outbox import Event, send_event

LOST = b"?"  # the packed event None: something may have been lost
NOBODY = bytes(8)  # the id of a process that hears nothing

log = logging.getLogger("sockets")


def pack(event: Event) -> bytes:
    """A group's event as bytes: one for its kind, then what it says."""
    if "code" in event:
        return f"c{event['code']:d} {event['reason']}".encode()
    if "bytes" in event:
        return b"b" + bytes(event["bytes"])
    return b"t" + str(event["text"]).encode()


def unpack(message: bytes) -> Event:
    """The event again; None for LOST."""
    kind, rest = message[:1], message[1:]
    if kind == b"b":
        return send_event(rest)
    if kind == b"t":
        return send_event(rest.decode())
    if kind == b"c":
        code, _, reason = rest.decode().partition(" ")
        return {"code": int(code), "reason": reason}
    return None


def channel_prefix(connection: dict[str, Any]) -> bytes:
    """What our channels' names begin with, given a connection's settings.

    Two sites may share a Redis and have a database each: ``redis://host/1``. Channels
    belong to no database, so its number is in their names.
    """
    return b"sockets:%d:" % connection.get("db", 0)


def publish(conf: Conf, name: str, event: Event) -> None:
    """Publish from a process without an event loop: a command, a WSGI server."""
    client = _client(conf.REDIS_URL, conf.PUBLISH_SECONDS)
    prefix = channel_prefix(client.get_connection_kwargs())
    try:
        client.publish(prefix + name.encode(), NOBODY + pack(event))
    except RedisError as error:
        log.warning("Redis has not taken a message to %r: %r", name, error)


@cache
def _client(url: str, seconds: float) -> Redis:
    times = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **times)
