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
LONGEST_ID = 18  # digits; more do not fit into a BigAutoField

# Messages that somebody who was away gets at most. Fewer than SOCKETS["OUTBOX"]: they
# go out at once, and a longer line would end the websocket.
MISSED = 200


class Room(models.Model):
    """A room, open to all or to its members only."""

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
        """The group of the room's feeds, one in each process."""
        return f"news-{self.pk}"

    def refusal(self, user: Any) -> int:
        """The HTTP status for a user who may not be here; 0 for one who may."""
        if not self.members_only:
            return 0
        if self.members.filter(pk=user.pk).exists():
            return 0
        return 403 if user.is_authenticated else 401

    def history(self, after: str | None) -> tuple[int, bool, list["Message"]]:
        """The messages that a person who comes in gets first.

        Args:
            after: the id of the last message that they have, as they have sent it; "0"
                if they have seen the room empty; None for the last ``PAGE`` messages.

        Returns:
            The room's highest id, or 0. Whether these are all messages after ``after``.
            The messages, oldest first.
        """
        if after is not None and after.isdecimal() and len(after) <= LONGEST_ID:
            missed = self._missed(int(after))
            if missed is not None:
                last = missed[-1].pk if missed else int(after)
                return last, True, missed

        newest_first = self.messages.order_by("-id")
        page = list(newest_first[:PAGE])
        page.reverse()
        last = page[-1].pk if page else 0
        return last, False, page

    def _missed(self, number: int) -> list["Message"] | None:
        """All messages after this one, oldest first; None if that cannot be said."""
        # One more than may be missed, to see whether there are more; and `number`.
        newest_first = self.messages.filter(id__gte=number).order_by("-id")
        found = list(newest_first[: MISSED + 2])
        # The oldest must be the one that they have, a message of this room. If it was
        # deleted, or is another room's, nobody knows what came after it.
        if number != 0 and (not found or found.pop().pk != number):
            return None
        if len(found) > MISSED:
            return None
        found.reverse()
        return found

    def after(self, number: int) -> list["Message"]:
        """At most ``MISSED`` messages with a higher id than this, oldest first."""
        return list(self.messages.filter(id__gt=number).order_by("id")[:MISSED])

    def last(self) -> int:
        """The highest id, or 0."""
        # In SQL: the ORM takes ten times as long to write it, for each message.
        with connection.cursor() as cursor:
            newest = "SELECT MAX(id) FROM chat_message WHERE room_id = %s"
            cursor.execute(newest, [self.pk])
            return cursor.fetchone()[0] or 0

    def say(self, me: Person, text: str, key: str) -> int:
        """Store a message and announce it. If the same key comes again, only announce.

        One thread stores it and announces it. The handler may be cancelled at any
        ``await``, because its peer has left; a thread is not, so the two stay together.

        Args:
            me: who says it.
            text: at most ``LONGEST`` characters.
            key: of the author's own; at most 64 characters.

        Returns:
            The message's id; 0: this key was another message's.

        Raises:
            PermissionDenied: they may not be here any more.
            Room.DoesNotExist: the room has been deleted.
        """
        try:
            message = self._store(me, text, key)
        except IntegrityError:  # the key was here before, or the user is no more
            found = self.messages.filter(author=me.author, key=key).first()
            if found is None:
                raise PermissionDenied from None
            if found.text != text:
                return 0
            # The process that stored it may have been killed before it announced it.
            found.announce(found.pk)
            return int(found.pk)
        return int(message.pk)

    def _store(self, me: Person, text: str, key: str) -> "Message":
        user = me.user if me.user.is_authenticated else None
        with transaction.atomic():
            # Without this lock two processes could commit the ids of one room in the
            # other order, and a reader of the history would miss the lower one.
            room = Room.objects.select_for_update().get(pk=self.pk)
            if room.refusal(me.user):
                raise PermissionDenied
            before = room.last()
            message: Message = Message.objects.create(
                room=room, user=user, author=me.author, name=me.name, text=text, key=key
            )
            transaction.on_commit(lambda: message.announce(before))
        return message


class Message(models.Model):
    """One message. Its author's key lets it be sent twice and stored once."""

    room = models.ForeignKey(
        Room, models.CASCADE, related_name="messages", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    author = models.CharField(max_length=40, default="")  # see Person
    name = models.CharField(max_length=150)  # of the author, as it was then
    text = models.TextField()
    created = models.DateTimeField(default=now)
    key = models.CharField(max_length=64)

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
        """Tell the feeds of all processes; called in a thread.

        Args:
            before: the id of the room's message before it, 0 for none. A feed that has
                not told that one asks the database first. A feed that has told this
                message drops it.
        """
        text = f"{before} {self.pk} {dumps(self.as_json())}"
        groups.publish_sync(self.room.news, text)

    def as_json(self) -> dict[str, Any]:
        """The message as a browser gets it."""
        return {
            "type": "message",
            "id": self.pk,
            "room": self.room.slug,
            "user": self.name,
            "text": self.text,
            "created": self.created,
        }
