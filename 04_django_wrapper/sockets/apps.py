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
        from .steps import draining, journal, live, recheck

        register(check)
        groups.find_carrier = carrier_for(groups)
        # In this order, at a socket's beginning and at its end: ``live`` takes a socket
        # out when the journal has read when it came, and ``draining`` may refuse it.
        for begin in (journal.begin, live.begin, recheck.begin, draining.begin):
            if begin not in handling.on_connect:
                handling.on_connect.append(begin)
        for lifetime in (groups.lifetime, draining.lifetime):
            if lifetime not in dispatch.lifetimes:
                dispatch.lifetimes.append(lifetime)
        user_logged_out.connect(recheck.logged_out)
