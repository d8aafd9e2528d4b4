"""The right to stay: a websocket lives longer than what its handshake has seen.

The database is asked, and no signal is trusted: a command, an ``update()`` or psql may
end a session or change a user, too. It is only read: nothing keeps a session alive.

Rights come from a session or from elsewhere. A user of the session stays as long as the
session does and as long as Django would let the user in with it. A user that a step of
the project's own has found, by a token for instance, has nothing to do with a session
cookie that the browser has sent along: such a user stays as long as the account does.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.sessions.backends import cache, db, file
from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheKey
from django.core.exceptions import SuspiciousOperation
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from ..connection import Socket


def lost(batch: list[Socket]) -> list[tuple[Socket, str]]:
    """Those whose session has ended or whose user has changed, each with a reason.

    Two queries, however many they are; a session outside the database is one look-up
    each. For a thread.
    """
    sessions = {}
    people = {}
    for socket in batch:
        session = session_of(socket)
        if session_key_of(session) is not None:
            sessions[socket] = session
        if _is_of_the_model(socket.user):
            people[socket] = socket.user.pk
    living = _living({session.session_key: session for session in sessions.values()})
    users = _in_bulk(set(people.values()))

    found = []
    for socket in batch:
        session = sessions.get(socket)
        if session is not None and session.session_key not in living:
            found.append((socket, "logged out"))
        elif socket in people:
            user = users.get(people[socket])
            if user is None or not _may_stay(user, _backend(socket, session), session):
                found.append((socket, "your account has changed"))
    return found


def session_of(socket: Socket) -> Any:
    """The session that a websocket's rights come from; None: they come from elsewhere.

    A guest's session counts, too: a guest who logs in gets a new one.
    """
    user = socket.user
    if not getattr(user, "is_authenticated", False):
        return socket.session
    if session_key_of(socket.session) is None:
        return None
    if _key_in_session(user) != socket.session.get(SESSION_KEY):
        return None  # somebody else's, or a guest's
    return socket.session


def session_key_of(session: Any) -> str | None:
    """The key of a session, if it has one."""
    key: str | None = getattr(session, "session_key", None)
    return key


def _key_in_session(user: Any) -> str:
    """How ``login()`` writes a user into a session."""
    meta = getattr(user, "_meta", None)
    if meta is None:
        return str(getattr(user, "pk", None))
    text: str = meta.pk.value_to_string(user)
    return text


def _is_of_the_model(user: Any) -> bool:
    """Is this somebody whom the table of users knows?"""
    if not getattr(user, "is_authenticated", False) or not hasattr(user, "_meta"):
        return False  # without an app for users there is not even a model
    return isinstance(user, get_user_model())


def _in_bulk(keys: set[Any]) -> dict[Any, Any]:
    if not keys:
        return {}
    users: dict[Any, Any] = get_user_model()._default_manager.in_bulk(keys)
    return users


def _living(sessions: dict[str, Any]) -> set[str]:
    """The keys of the sessions that have neither ended nor expired."""
    if not sessions:
        return set()
    engine: Any = type(next(iter(sessions.values())))
    if not issubclass(engine, db.SessionStore):
        return {key for key in sessions if _lives(engine(key))}
    rows = engine.get_model_class().objects.filter(
        session_key__in=sessions, expire_date__gt=timezone.now()
    )
    return set(rows.values_list("session_key", flat=True))


def _lives(session: Any) -> bool:
    """Has this session neither ended nor expired?

    ``load()`` of Django's caches and files takes a store that is away for a session
    that has ended: everybody would be logged out. These two are asked without it.
    """
    if isinstance(session, cache.SessionStore):
        return _is_in_the_cache(session)
    if isinstance(session, file.SessionStore):
        return _is_in_a_file(session)
    # Other engines say no by having no key then, or by beginning a new session.
    key = session.session_key
    session.load()
    return bool(session.session_key == key and not session.modified)


def _is_in_the_cache(session: Any) -> bool:
    store = caches[settings.SESSION_CACHE_ALIAS]
    try:
        return store.get(session.cache_key) is not None
    except InvalidCacheKey:  # a guest's cookie may say anything
        return False


def _is_in_a_file(session: Any) -> bool:
    try:
        text = Path(session._key_to_file()).read_text("ascii")
        # An empty file is a session without data.
        data = session.decode(text) if text else {}
        expiry = session._expiry_date(data)
    except (FileNotFoundError, SuspiciousOperation):
        return False
    return bool(session.get_expiry_age(expiry=expiry) > 0)


def _backend(socket: Socket, session: Any) -> Any:
    """The backend that has let this user in; None where nobody knows it."""
    if session is not None:
        path = session.get(BACKEND_SESSION_KEY)
    else:
        path = getattr(socket.user, "backend", None)  # set by authenticate()
    if not path:
        return None
    return load_backend(path)


def _may_stay(user: Any, backend: Any, session: Any) -> bool:
    """Ask of a user at hand what ``django.contrib.auth.get_user`` asks for a page."""
    if hasattr(backend, "user_can_authenticate"):
        active = backend.user_can_authenticate(user)
    else:
        active = getattr(user, "is_active", True)
    if not active:
        return False
    if session is None:
        return True
    known = session.get(HASH_SESSION_KEY)  # of the password; some projects have none
    if not known:
        return True
    return bool(constant_time_compare(known, user.get_session_auth_hash()))
