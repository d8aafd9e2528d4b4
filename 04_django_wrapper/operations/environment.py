"""Read settings from the environment, strictly: a typing error stops the start.

Each function takes the name of a variable. A value that makes no sense raises
``ImproperlyConfigured``, which says what to write. No message repeats a value that may
hold a password.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Readers go on while one connection writes. Without IMMEDIATE, a transaction that reads
# first and writes later would fail with "database is locked" and not wait for its turn.
SQLITE = {
    "init_command": "PRAGMA journal_mode=wal",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,  # seconds; waiting writers are not served in their order
}


def switch(name: str, *, default: bool) -> bool:
    """The variable as a boolean: ``1`` is on, ``0`` is off.

    Raises:
        ImproperlyConfigured: it is something else.
    """
    value = os.environ.get(name)
    if value is None:
        return default
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value == "1"


def token(name: str) -> str:
    """The variable as a secret that nobody guesses; ``""`` if it is not set.

    Raises:
        ImproperlyConfigured: it has fewer than 20 characters, or others than ASCII.
    """
    value = os.environ.get(name, "")
    if value and (len(value) < 20 or not value.isascii()):
        raise ImproperlyConfigured(
            f"{name} must have at least 20 ASCII characters. Make one with:  python -c "
            '"import secrets; print(secrets.token_urlsafe())"'
        )
    return value


def hosts(name: str) -> list[str]:
    """The variable as a list of host names: ``example.org,.example.net``.

    Raises:
        ImproperlyConfigured: one of them has a scheme or a port.
    """
    found = _words(name)
    for host in found:
        if "/" in host or (":" in host and not host.startswith("[")):
            raise ImproperlyConfigured(
                f"{name}: {host!r} must be a bare host name, without scheme or port."
            )
    return found


def origins(name: str) -> list[str]:
    """The variable as a list of origins: ``https://example.org``.

    Raises:
        ImproperlyConfigured: one of them is no origin (RFC 6454, 4).
    """
    found = _words(name)
    for origin in found:
        scheme, _, host = origin.partition("://")
        if scheme not in ("http", "https") or not host or "/" in host:
            raise ImproperlyConfigured(
                f"{name}: {origin!r} must be an origin, like https://example.org."
            )
    return found


def _words(name: str) -> list[str]:
    words = os.environ.get(name, "").split(",")
    return [word.strip() for word in words if word.strip()]


def redis(name: str) -> str:
    """The variable as the address of a Redis server; ``""``: there is none.

    Raises:
        ImproperlyConfigured: it is no address.
    """
    url = os.environ.get(name, "")
    if url == "" or _is_redis(url):
        return url
    raise ImproperlyConfigured(
        f"{name} must look like redis://localhost:6379/0 or "
        "rediss://user:password@host:6379/0: the last number is the database's."
    )


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that is no number, a bracket left open
        return False
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or port == 0:
        return False
    return parts.path[1:].isdecimal()


def database(url: str, folder: Path) -> dict[str, Any]:
    """One entry of Django's ``DATABASES``, from an address.

    Args:
        url: ``sqlite:///FILE`` or ``postgres://USER:PASSWORD@HOST:PORT/NAME``. User,
            password, host and names are percent-decoded. The query becomes the options
            of the driver.
        folder: where a relative ``FILE`` begins.

    Raises:
        ImproperlyConfigured: it is no such address.
    """
    # A port that is no number, or a bracket left open: the sentence below says more.
    with suppress(ValueError):
        parts = urlsplit(url)
        port = parts.port
        name = unquote(parts.path[1:])
        if parts.scheme == "sqlite" and name and not parts.netloc:
            return {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / name,
                "OPTIONS": SQLITE,
            }
        if parts.scheme in ("postgres", "postgresql") and name:
            return {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": name,
                "USER": unquote(parts.username or ""),
                "PASSWORD": unquote(parts.password or ""),
                "HOST": unquote(parts.hostname or ""),
                "PORT": port or "",
                "OPTIONS": dict(parse_qsl(parts.query)),
            }
    raise ImproperlyConfigured(
        "DATABASE_URL must look like sqlite:///db.sqlite3 or "
        "postgres://user:password@host:5432/name. In a password write "
        "%40 for @, %2F for /, %3A for : and %23 for #."
    )
