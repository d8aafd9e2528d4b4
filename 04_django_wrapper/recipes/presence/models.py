"""One row for each open websocket."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

LIFE = timedelta(seconds=60)  # of a row that nobody renews


class Seat(models.Model):
    """Somebody's websocket in a room; ``seen`` says that it still lives."""

    room = models.CharField(max_length=100, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    seen = models.DateTimeField(default=timezone.now)

    @classmethod
    def people(cls, room: str) -> list[str]:
        """The names of all who are in a room; several tabs count once."""
        living = cls.objects.filter(room=room, seen__gt=timezone.now() - LIFE)
        names = living.order_by("user__username").values_list("user__username")
        return [name for (name,) in names.distinct()]

    @classmethod
    def gone(cls, room: str) -> Any:
        """The rows of processes that were killed: nobody has deleted them."""
        return cls.objects.filter(room=room, seen__lt=timezone.now() - LIFE)
