"""The setting ``SOCKETS``: a dictionary with any of the keys below."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

# One route may have limits of its own for these (``limited``, in routing.py). The other
# settings belong to the whole process.
OF_A_ROUTE = (
    "HANDSHAKE_SECONDS",
    "LEAVE_SECONDS",
    "CLEANUP_SECONDS",
    "SEND_SECONDS",
    "MESSAGE_BYTES",
    "MESSAGES_PER_SECOND",
    "MESSAGES_AT_ONCE",
    "INBOX",
    "INBOX_BYTES",
    "INBOX_SECONDS",
    "OUTBOX",
    "OUTBOX_BYTES",
    "EVENTS",
    "EVENTS_BYTES",
    "JSON_DEPTH",
    "GROUPS",
)


@dataclass(frozen=True)
class Conf:
    """All that can be set, with what holds where it is not."""

    URLCONF: str = ""  # the module with the websockets' urlpatterns
    HANDSHAKE: tuple[str, ...] = (
        f"{__package__}.steps.handshake.host",
        f"{__package__}.steps.handshake.origin",
        f"{__package__}.steps.handshake.session",
        f"{__package__}.steps.handshake.user",
        f"{__package__}.steps.handshake.limits",
    )
    HANDSHAKE_SECONDS: float = 10  # from the connection to the handler's accept()
    # After the end, before a handler that never reads is cancelled.
    LEAVE_SECONDS: float = 0.5
    CLEANUP_SECONDS: float = 10  # for a handler to end once it knows of the end
    SEND_SECONDS: float = 10  # for a peer to take what it is sent
    MESSAGE_BYTES: int = 65_536  # of one message from the peer
    MESSAGES_PER_SECOND: float = 100  # from one peer, in the long run
    MESSAGES_AT_ONCE: int = 1_000  # from one peer, in a burst
    INBOX: int = 32  # messages that wait for the handler; then the peer must wait
    INBOX_BYTES: int = 262_144  # of those messages
    INBOX_SECONDS: float = 10  # for the handler to take one from a full inbox
    OUTBOX: int = 256  # messages that wait for a peer who reads too slowly
    OUTBOX_BYTES: int = 4_194_304  # of those messages
    WAITING_BYTES: int = 268_435_456  # of all that wait in this process
    EVENTS: int = 256  # of groups that wait for a handler with a feed (events.py)
    EVENTS_BYTES: int = 4_194_304  # of those events
    JSON_DEPTH: int = 32  # of a message's lists and objects
    GROUPS: int = 100  # that one socket may be in
    CONNECTIONS: int = 10_000  # of this process, in all
    CONNECTIONS_PER_USER: int = 100
    CONNECTIONS_PER_ADDRESS: int = 1_000  # whole offices share an address
    RECHECK_SECONDS: float = 3  # from one look at sessions and users to the next
    IDLE_SECONDS: float = 0  # of a peer's silence; 0: it may be silent for ever
    DRAIN_SECONDS: float = 5  # over which SIGTERM spreads the websockets' ends
    DATABASE_THREADS: int = 4  # units of work at once, each with a connection
    DATABASE_SECONDS: float = 60  # that a connection is kept for the next unit; or 0
    REDIS_URL: str = ""  # redis://host:6379/0 makes the groups of all processes one
    PUBLISH_SECONDS: float = 1  # for Redis to take a message, or to answer at all

    @cached_property
    def steps(self) -> list[Any]:
        """The functions that ``HANDSHAKE`` names."""
        return [import_string(name) for name in self.HANDSHAKE]

    def limited(self, limits: Mapping[str, Any]) -> "Conf":
        """The same settings, with the limits of one route; made once for each route."""
        key = tuple(sorted(limits.items()))
        if key not in self._limited:
            self._limited[key] = replace(self, **limits)
        return self._limited[key]

    @cached_property
    def _limited(self) -> "dict[tuple[tuple[str, Any], ...], Conf]":
        return {}


def wrong_limit(limits: Mapping[str, Any]) -> str:
    """The first of a route's limits that is none, as it is written; or ""."""
    for name, value in limits.items():
        is_number = isinstance(value, int | float)
        if name not in OF_A_ROUTE or not is_number or value <= 0:
            return f"{name}={value!r}"
    return ""


@cache
def conf() -> Conf:
    """The settings of this process; a key that means nothing is an error."""
    given = getattr(settings, "SOCKETS", {})
    known = [field.name for field in fields(Conf)]
    for key in given:
        if key not in known:
            keys = ", ".join(known)
            raise ImproperlyConfigured(f"SOCKETS has no key {key!r}; it has {keys}.")
    return Conf(**given)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "SOCKETS":
        conf.cache_clear()


setting_changed.connect(_forget)  # override_settings, in tests
