"""``manage.py check``: what people get wrong, each with what to do about it.

``settings`` looks at the setting SOCKETS, ``application`` at ``asgi.py`` and at the
websockets' routes, ``site`` at what in the rest of the site goes badly with websockets.
Each check is a generator of messages. ``importing`` imports what a setting names.
"""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from . import application, settings, site


def check(**_: Any) -> list[CheckMessage]:
    """All checks of this app; ``apps.py`` registers it."""
    try:
        found = conf()
    except (ImproperlyConfigured, TypeError) as error:
        return [Error(str(error), hint="Correct SOCKETS.", id="sockets.E001")]

    messages: list[CheckMessage] = []
    messages += settings.steps(found)
    messages += settings.limits(found)
    messages += settings.redis(found)
    messages += application.routes(found)
    messages += application.reached()
    messages += site.packages()
    messages += site.hosts()
    messages += site.connections()
    messages += site.sqlite()
    messages += site.workers(found)
    messages += site.order()
    return messages
