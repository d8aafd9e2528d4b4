"""Publish from a process without an event loop: a management command, a WSGI server."""

import logging
from functools import cache
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..conf import Conf
from ..members import News
from .connection import OPTIONS
from .packing import NOBODY, channel_prefix, pack

log = logging.getLogger("sockets")


def publish(conf: Conf, name: str, news: News) -> None:
    """Publish, and wait for it; a failure is one line in the log.

    Args:
        conf: with ``REDIS_URL``, and ``PUBLISH_SECONDS`` for each wait.
        name: the group's.
        news: for its members in all other processes.
    """
    client: Any = _client(conf.REDIS_URL, conf.PUBLISH_SECONDS)
    prefix = channel_prefix(client.get_connection_kwargs().get("db", 0))
    try:
        with client.pipeline(transaction=False) as pipeline:
            pipeline.execute_command(
                "PUBLISH", prefix + name.encode(), NOBODY + pack(news)
            )
            pipeline.execute_command("HELLO")
            _, about = pipeline.execute()
    except RedisError as error:
        log.warning("Redis has not taken a message to %r: %r", name, error)
        return
    if about[b"role"] != b"master":
        log.warning(
            "Redis has taken a message to %r, but is a replica: the processes at its "
            "primary server do not get it",
            name,
        )


@cache
def _client(url: str, seconds: float) -> Redis:
    client = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
    client.connection_pool.connection_kwargs |= OPTIONS | {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
    }
    return client
