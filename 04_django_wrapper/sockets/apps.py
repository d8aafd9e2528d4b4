"""The Django app: it has no models, only checks and the command ``runserver``."""

from django.apps import AppConfig
from django.core.checks import register


class SocketsConfig(AppConfig):
    """``"sockets"`` in INSTALLED_APPS, before ``django.contrib.staticfiles``."""

    name = "sockets"

    def ready(self) -> None:
        from sockets.checks import check

        register(check)
