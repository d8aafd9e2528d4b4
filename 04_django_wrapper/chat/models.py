"""Rooms and what was said in them.

The database is the truth: a message is stored first, and only then announced.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, models, transaction
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

    @property
    def news(self) -> str:
        """The group of the feeds, one in each process, that hear what is stored."""
        return f"news-{self.pk}"

    def refusal(self, user: Any) -> int:
        """0 for who may be here; else the HTTP status: 401 for a guest, or 403."""
        if not self.members_only or self.members.filter(pk=user.pk).exists():
            return 0
        return 403 if user.is_authenticated else 401

    def history(self, after: str | None) -> tuple[int, bool, list["Message"]]:
        """What one gets who comes in: all that came after a message, or the last page.

        Args:
            after: the id of the last message that they have, as they have sent it; "0"
                if they have seen the room empty.

        Returns:
            The room's highest id or 0; whether these are all messages after ``after``;
            the messages, oldest first.
        """
        newest_first = self.messages.order_by("-id")
        if after is not None and after.isdecimal() and len(after) < 19:
            number = int(after)
            found = list(newest_first.filter(id__gte=number)[: MISSED + 2])
            # The oldest must be the one that they have, a message of this room.
            known = number == 0 or (found and found.pop().pk == number)
            if known and len(found) <= MISSED:
                return found[0].pk if found else number, True, found[::-1]
        page = list(newest_first[:PAGE])
        return page[0].pk if page else 0, False, page[::-1]

    def after(self, number: int) -> list["Message"]:
        """At most ``MISSED`` messages with a higher id than this, oldest first."""
        return list(self.messages.filter(id__gt=number).order_by("id")[:MISSED])

    def last(self) -> int:
        """The highest id, or 0. In SQL: the ORM takes ten times as long to write it."""
        with connection.cursor() as cursor:
            newest = "SELECT MAX(id) FROM chat_message WHERE room_id = %s"
            cursor.execute(newest, [self.pk])
            return cursor.fetchone()[0] or 0

    def say(self, me: Person, text: str, key: str) -> int:
        """Store a message and announce it; sent again, with its key, store it not.

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
                before = room.last()
                message = Message.objects.create(
                    room=room, user=user, name=me.name, text=text, **about
                )
                transaction.on_commit(lambda: message.announce(before))
        except IntegrityError:  # the key was here before, or the user is no more
            found = self.messages.filter(**about).first()
            if found is None:
                raise PermissionDenied from None
            if found.text != text:
                return 0
            # A process that was killed may have stored it, and said nothing.
            found.announce(found.pk)
            return int(found.pk)
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

    def announce(self, before: int) -> None:
        """Tell all feeds, from a thread.

        Args:
            before: the id of the room's message before it, 0 for none. Who has not told
                that one asks the database first; who has told this one drops it.
        """
        text = f"{before} {self.pk} {dumps(self.as_json())}"
        groups.publish_sync(self.room.news, text)

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
