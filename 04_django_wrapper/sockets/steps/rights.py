"""Who may stay: a websocket lives longer than what its handshake has seen.

The database is asked, and no signal is trusted: a command, an ``update()`` or psql may
end a session or change a user, too. It is only read: nothing keeps a session alive.
"""

from typing import Any

from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.sessions.backends import db
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from ..connection import Socket


def lost(batch: list[Socket]) -> list[tuple[Socket, str]]:
    """Those whose session has ended or whose user has changed, each with a reason.

    Two queries, however many they are; a session outside the database is one look-up
    each. For a thread.
    """
    found, model = [], get_user_model()
    sessions = {s: s.session for s in batch if session_key_of(s)}
    keys = {socket: session.session_key for socket, session in sessions.items()}
    people = {s: s.user.pk for s in batch if isinstance(s.user, model)}
    engine = type(next(iter(sessions.values()), None))
    living = _living(engine, {*keys.values()})
    users = model._default_manager.in_bulk({*people.values()})
    for socket in batch:
        if socket in keys and keys[socket] not in living:
            found.append((socket, "logged out"))
        elif socket in people:
            user = users.get(people[socket])
            if user is None or not _may_stay(user, sessions.get(socket, {})):
                found.append((socket, "your account has changed"))
    return found


def session_key_of(thing: Any) -> str | None:
    """The key of a socket's or a request's session, if it has one."""
    key: str | None = getattr(getattr(thing, "session", None), "session_key", None)
    return key


def _living(engine: Any, keys: set[str]) -> set[str]:
    """Those of the sessions that have neither ended nor expired."""
    if not issubclass(engine, db.SessionStore):
        return {key for key in keys if _lives(engine(key))}
    rows = engine.get_model_class().objects.filter(
        session_key__in=keys, expire_date__gt=timezone.now()
    )
    return set(rows.values_list("session_key", flat=True))


def _lives(session: Any) -> bool:
    """Django's engines say no by having no key then, or by beginning a new session."""
    key = session.session_key
    session.load()
    return session.session_key == key and not session.modified


def _may_stay(user: Any, session: Any) -> bool:
    """What ``django.contrib.auth.get_user`` asks for a page, of a user at hand."""
    backend = session.get(BACKEND_SESSION_KEY)
    if may := getattr(backend and load_backend(backend), "user_can_authenticate", None):
        active = may(user)
    else:
        active = getattr(user, "is_active", True)
    known = session.get(HASH_SESSION_KEY)  # of the password; some projects have none
    return active and (
        not known or constant_time_compare(known, user.get_session_auth_hash())
    )
