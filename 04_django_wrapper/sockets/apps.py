"""The Django app: it has no models, only checks, a signal and ``runserver``."""

from django.apps import AppConfig
from django.core.checks import register


class SocketsConfig(AppConfig):
    """``"sockets"`` in INSTALLED_APPS, before ``django.contrib.staticfiles``."""

    name = "sockets"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_out

        from .checks.settings import check
        from .groups import groups
        from .redis.setting import carrier_for
        from .steps.recheck import logged_out

        register(check)
        groups.find_carrier = carrier_for(groups)
        user_logged_out.connect(logged_out)
