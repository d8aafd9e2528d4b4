"""Stage 04's Django project, in this process, with a database of its own."""

import logging
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.test.utils import setup_test_environment, teardown_test_environment
from django.urls import re_path

FAST = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    return tmp_path_factory.mktemp("stage_04") / "test.sqlite3"


@pytest.fixture(scope="module", autouse=True)
def project_environment(database):
    """Settings are read once, when the project is first imported: so before that.

    Set for one file of this folder at a time: other folders' tests see nothing of it.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"):
            patch.delenv(name, raising=False)
        patch.delenv("SOCKETS_REDIS_URL", raising=False)
        patch.setenv("DATABASE_URL", f"sqlite:///{database}")
        patch.setenv("DJANGO_SETTINGS_MODULE", "websocket_app.settings")
        # Read now: a file's own fixture may give its servers another database.
        assert str(settings.DATABASES["default"]["NAME"]) == str(database)
        yield


@pytest.fixture(scope="module")
def application(project_environment):
    from sockets.groups import groups
    from websocket_app.asgi import application

    groups.warned = True  # of a process without websockets: each test is one
    logging.getLogger("sockets").propagate = True  # caplog listens at the root
    return application


@pytest.fixture
def talk(application):
    """``talk(handler)``: a client to one handler, at any path, with settings to try.

    ``talk(handler, path, SETTINGS, …)``; what is left goes to `SocketClient`.
    """
    from sockets.dispatch import Dispatch  # now, since the apps are loaded
    from sockets.testing import SocketClient

    def talk(handler, path="/", sockets=(), **options):
        conf = {"URLCONF": (re_path("", handler),), **dict(sockets)}
        stack.enter_context(override_settings(SOCKETS=conf))
        options.setdefault("seconds", 30)  # only a failure takes so long
        return SocketClient(Dispatch(None), path, **options)

    with ExitStack() as stack:
        stack.enter_context(override_settings(ALLOWED_HOSTS=["testserver"]))
        yield talk


@pytest.fixture(scope="module")
def tables(application):
    """The database with Django's tables, and nobody in them."""
    from django.contrib.auth.models import User  # now, since the apps are loaded

    call_command("migrate", verbosity=0)
    User.objects.all().delete()


@pytest.fixture
def chat(application, tables):
    """What tests of the chat begin with: see ``tests/support/visitors.py``."""
    from tests.support.visitors import Chat  # now, since the apps are loaded

    setup_test_environment(debug=True)  # a page's answer has its context
    with override_settings(PASSWORD_HASHERS=FAST):
        yield Chat(application)
    teardown_test_environment()
    Chat.User.objects.all().delete()  # other files begin with nobody there
    Chat.Room.objects.exclude(slug="lobby").delete()
