"""The Django app: it has no models, only checks, a signal and ``runserver``."""

from django.apps import AppConfig
from django.core.checks import register


class SocketsConfig(AppConfig):
    """``"sockets"`` in INSTALLED_APPS, before ``django.contrib.staticfiles``."""

    name = __package__

    def ready(self) -> None:
        """Hang the opt-in parts on the hooks of the story."""
        from django.contrib.auth.signals import user_logged_out

        from . import dispatch, handling
        from .checks import check
        from .groups import groups
        from .redis.setting import carrier_for
        from .steps import draining, journal, recheck

        register(check)
        groups.find_carrier = carrier_for(groups)
        # The first sees the ends of all, also of those that a later one refuses.
        for begin in (journal.begin, recheck.begin, draining.begin):
            if begin not in handling.on_connect:
                handling.on_connect.append(begin)
        for lifetime in (groups.lifetime, draining.lifetime):
            if lifetime not in dispatch.lifetimes:
                dispatch.lifetimes.append(lifetime)
        user_logged_out.connect(recheck.logged_out)
