"""Read settings from the environment, strictly: a typing error stops the start.

A value that makes no sense raises ``ImproperlyConfigured``, which says what to write.
No message repeats a value that may hold a password.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Readers go on while one writes. A writer waits for its turn when it begins: one that
# has read first, and wants to write later, would fail with "database is locked".
SQLITE = {
    "init_command": "PRAGMA journal_mode=wal",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,  # seconds; waiting writers are not served in their order
}


def switch(name: str, *, default: bool) -> bool:
    """The variable ``name`` as a boolean: ``1`` is on, ``0`` is off."""
    value = os.environ.get(name, "1" if default else "0")
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value == "1"


def token(name: str) -> str:
    """The variable ``name`` as a secret that nobody guesses; not set: ``""``."""
    value = os.environ.get(name, "")
    if value and (len(value) < 20 or not value.isascii()):
        raise ImproperlyConfigured(
            f"{name} must have at least 20 ASCII characters. Make one with:  python -c "
            '"import secrets; print(secrets.token_urlsafe())"'
        )
    return value


def hosts(name: str) -> list[str]:
    """The variable ``name`` as a list of host names: ``example.org,.example.net``."""
    found = _words(name)
    for host in found:
        if "/" in host or (":" in host and not host.startswith("[")):
            raise ImproperlyConfigured(
                f"{name}: {host!r} must be a bare host name, without scheme or port."
            )
    return found


def origins(name: str) -> list[str]:
    """The variable ``name`` as a list of origins: ``https://example.org``."""
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
    """The variable ``name`` as a Redis server's address; empty: there is none."""
    url = os.environ.get(name, "")
    with suppress(ValueError):  # a port that is no number, a bracket left open
        parts = urlsplit(url)
        site = parts.scheme in ("redis", "rediss") and parts.hostname
        if not url or (site and parts.port != 0 and parts.path[1:].isdecimal()):
            return url
    raise ImproperlyConfigured(
        f"{name} must look like redis://localhost:6379/0 or "
        "rediss://user:password@host:6379/0: the last number is the database's."
    )


def database(url: str, folder: Path) -> dict[str, Any]:
    """One entry of Django's ``DATABASES``, from an address.

    Args:
        url: ``sqlite:///FILE`` or ``postgres://USER:PASSWORD@HOST:PORT/NAME``. User,
            password, host and names are percent-decoded; what follows a ``?`` becomes
            the driver's options.
        folder: where a relative ``FILE`` begins.
    """
    with suppress(ValueError):  # a port that is no number, a bracket left open
        parts = urlsplit(url)
        port, name = parts.port, unquote(parts.path[1:])
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
