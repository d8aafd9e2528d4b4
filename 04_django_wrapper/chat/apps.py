"""The Django app ``chat``."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """``"chat"`` in INSTALLED_APPS, after ``django.contrib.auth``."""

    name = "chat"

    def ready(self) -> None:
        from chat import converters, signals  # noqa: F401 (they register themselves)
