"""Rooms and what was said in them.

The database is the truth: a message is stored first, and only then announced.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.urls import reverse
from django.utils.timezone import now
from sockets.groups import groups
from sockets.jsontext import dumps

from chat.names import Person

PAGE = 50  # messages that are shown at once
MISSED = 200  # that one gets at most who was away; fewer than SOCKETS["OUTBOX"]


class Room(models.Model):
    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    members_only = models.BooleanField(default=False)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="rooms"
    )

    def __str__(self) -> str:
        return str(self.name)

    def get_absolute_url(self) -> str:
        return str(reverse("room", args=[self.slug]))

    @property
    def group(self) -> str:
        """The group of all websockets in this room."""
        return f"room-{self.pk}"

    def refusal(self, user: Any) -> int:
        """0 for who may be here; else the HTTP status: 401 for a guest, or 403."""
        if not self.members_only or self.members.filter(pk=user.pk).exists():
            return 0
        return 403 if user.is_authenticated else 401

    def history(self, after: str | None) -> tuple[int, bool, list["Message"]]:
        """What one gets who comes in: all that came after a message, or the last page.

        Args:
            after: the id of the last message that they have, as they have sent it.

        Returns:
            The room's highest id or 0; whether these are all messages after ``after``;
            the messages, oldest first.
        """
        newest_first = self.messages.order_by("-id")
        page = list(newest_first[:PAGE])
        last = page[0].pk if page else 0
        if after is not None and after.isdecimal() and int(after[:20]) <= last:
            missed = newest_first.filter(id__gt=int(after), id__lte=last)[: MISSED + 1]
            if len(missed) <= MISSED:
                return last, True, list(missed)[::-1]
        return last, False, page[::-1]

    def say(self, me: Person, text: str, key: str) -> int:
        """Store a message and announce it; sent again, with its key, do neither.

        The thread that stores it also announces it: no handler that is cancelled, for
        its peer has left, can part the two.

        Returns:
            The message's id; 0: this key was another message's.

        Raises:
            PermissionDenied: they may not be here any more.
            Room.DoesNotExist: the room has been deleted.
        """
        user = me.user if me.user.is_authenticated else None
        about = {"author": me.author, "key": key}
        try:
            with transaction.atomic():
                # The lock lets ids of one room be committed in their order.
                room = Room.objects.select_for_update().get(pk=self.pk)
                if room.refusal(me.user):
                    raise PermissionDenied
                message = room.messages.create(
                    user=user, name=me.name, text=text, **about
                )
                said = dumps(message.as_json())
                transaction.on_commit(lambda: groups.publish_sync(room.group, said))
        except IntegrityError:  # the key was here before
            message = self.messages.get(**about)
            if message.text != text:
                return 0
        return int(message.pk)


class Message(models.Model):
    room = models.ForeignKey(
        Room, models.CASCADE, related_name="messages", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    author = models.CharField(max_length=40, default="")  # see Person
    name = models.CharField(max_length=150)  # of whoever said it, as it was then
    text = models.TextField()
    created = models.DateTimeField(default=now)
    key = models.CharField(max_length=64)  # the author's own: sent twice, stored once

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room", "author", "key"], name="stored_once"
            )
        ]
        indexes = [models.Index(fields=["room", "id"], name="history")]

    def __str__(self) -> str:
        return f"{self.name}: {self.text:.60}"

    def as_json(self) -> dict[str, Any]:
        """What a browser gets."""
        return {
            "type": "message",
            "id": self.pk,
            "room": self.room.slug,
            "user": self.name,
            "text": self.text,
            "created": self.created,
        }
