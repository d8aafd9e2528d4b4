"""A Django site for the subjects that need one: settings, a user, a session.

Importing this sets Django up. The database is a file that all servers of one run share.
"""

import os
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import call_command

DATABASE = Path(os.environ["BENCH_FOLDER"], "site.sqlite3")

# The layer's limits are there; they are only too high for one client to reach.
SOCKETS: dict[str, object] = {
    "URLCONF": "benchmarks.subjects.layer",
    "MESSAGES_PER_SECOND": 1e9,
    "CONNECTIONS": 100_000,
    "CONNECTIONS_PER_USER": 100_000,
    "CONNECTIONS_PER_ADDRESS": 100_000,
    "GROUPS": 100_000,
}
if "BENCH_STEPS" in os.environ:
    SOCKETS["HANDSHAKE"] = ()
if "BENCH_GROUPS" in os.environ:
    SOCKETS["REDIS_URL"] = os.environ["BENCH_REDIS"]

CHANNEL_LAYER: dict[str, object] = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
if "BENCH_LAYER" in os.environ:
    CHANNEL_LAYER["BACKEND"] = os.environ["BENCH_LAYER"]
    CHANNEL_LAYER["CONFIG"] = {"hosts": [os.environ["BENCH_REDIS"]]}

settings.configure(
    SECRET_KEY="benchmarks",
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "sockets",
    ],
    LOGGING_CONFIG=None,
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    SOCKETS=SOCKETS,
    CHANNEL_LAYERS={"default": CHANNEL_LAYER},
)
django.setup()

urlpatterns: list[object] = []


def log_in() -> str:
    """Make a user and a session; returns the cookie that a browser would send."""
    from django.contrib.auth.models import User  # only after django.setup()
    from django.contrib.sessions.backends.db import SessionStore

    if not DATABASE.exists():
        call_command("migrate", verbosity=0)
        User.objects.create_user("visitor")
    user = User.objects.get()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


COOKIE = log_in()
