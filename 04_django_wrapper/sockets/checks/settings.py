"""``manage.py check``, first part: the setting SOCKETS."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from ..conf import Conf
from .importing import NotThere, attribute_of

LAYER = __package__.rpartition(".")[0]  # "sockets", or what the folder is called
MAY_BE_0 = ("DATABASE_SECONDS", "DRAIN_SECONDS", "IDLE_SECONDS")


def steps(conf: Conf) -> Iterator[CheckMessage]:
    """Each step is a function, and one of them looks at the Origin."""
    for name in conf.HANDSHAKE:
        try:
            attribute_of(name)
        except NotThere as error:
            yield Error(
                f'SOCKETS["HANDSHAKE"] has an unknown step {name!r}: {error}.',
                hint="The steps of this app are " + ", ".join(Conf().HANDSHAKE) + ".",
                id="sockets.E003",
            )
    origin = f"{LAYER}.steps.handshake.origin"
    if origin not in conf.HANDSHAKE:
        yield Warning(
            "No step checks the Origin: any page can open a websocket with the "
            "cookies of the person who looks at that page.",
            hint=f'Put "{origin}" into SOCKETS["HANDSHAKE"].',
            id="sockets.W001",
        )


def limits(conf: Conf) -> Iterator[CheckMessage]:
    """Each number is one, and allows something."""
    for field in fields(Conf):
        if field.type not in (int, float):
            continue
        value = getattr(conf, field.name)
        is_number = isinstance(value, int | float)
        if is_number and (value > 0 or (value == 0 and field.name in MAY_BE_0)):
            continue
        yield Error(
            f'SOCKETS["{field.name}"] must be a number over 0, not {value!r}.',
            hint=f"The default is {field.default}.",
            id="sockets.E004",
        )


def redis(conf: Conf) -> Iterator[CheckMessage]:
    """The package and the address of what groups need beyond one process."""
    if not conf.REDIS_URL:
        return
    why = ""
    named: list[str] = []
    try:
        from redis.asyncio import ConnectionPool

        pool: Any = ConnectionPool.from_url(conf.REDIS_URL)
        pool.make_connection()  # it connects to nothing yet
        named = _ours(pool.connection_kwargs)
    except ImportError:
        why = "the package redis is not installed"
    except (AttributeError, TypeError, ValueError):
        # The error's text may have the password in it.
        why = "this is no address of a Redis server"
    if why:
        yield Error(
            f'SOCKETS["REDIS_URL"] is set, and {why}.',
            hint='"redis://localhost:6379/0", and: pip install "redis>=7".',
            id="sockets.E009",
        )
    if named:
        yield Warning(
            f'SOCKETS["REDIS_URL"] sets {" and ".join(named)}: groups choose that '
            "themselves, and this has no effect.",
            hint="Leave it out of the address.",
            id="sockets.W008",
        )


def _ours(options: dict[str, Any]) -> list[str]:
    """The options of an address that the layer sets itself, to something else."""
    from ..redis.connection import OPTIONS

    return sorted(
        name for name in OPTIONS if name in options and options[name] != OPTIONS[name]
    )
