"""Tell those who are in a room what has changed behind it.

A change is told when its transaction is committed, whoever made it: the admin, its
action for many at once, a view. A management command is another process: without Redis
nobody hears of its changes.
"""

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from django.db.transaction import on_commit
from django.dispatch import receiver
from sockets.codes import CloseCode
from sockets.groups import groups
from sockets.jsontext import dumps

from chat.models import Message, Room


@receiver(post_delete, sender=Message)
def deleted(instance: Message, origin: Any, **_: Any) -> None:
    """A deleted message disappears from open pages."""
    # The origin is what delete() was called on: a message, a queryset, or a room.
    if getattr(origin, "model", type(origin)) is not Message:
        return  # the message went with its room
    group = instance.room.group
    text = dumps({"type": "deleted", "id": instance.pk})
    on_commit(lambda: groups.publish_sync(group, text))


@receiver(post_delete, sender=Room)
def room_deleted(instance: Room, **_: Any) -> None:
    """A deleted room closes the websockets of all who are in it."""
    reason = "This room has been deleted."
    close_soon(instance.group, CloseCode.POLICY_VIOLATION, reason)


@receiver(post_save, sender=Room)
def rights_changed(instance: Room, **_: Any) -> None:
    """All come in again; the handler refuses those who may not be here any more."""
    if instance.members_only:
        reason = "Who may be here has changed."
        close_soon(instance.group, CloseCode.SERVICE_RESTART, reason)


@receiver(m2m_changed, sender=Room.members.through)
def member_left(instance: Any, action: str, **_: Any) -> None:
    """A room loses members, or a user loses rooms: ``instance`` is either."""
    if action not in ("pre_remove", "pre_clear"):
        return
    rooms = [instance] if isinstance(instance, Room) else instance.rooms.all()
    for room in rooms:
        rights_changed(room)


def close_soon(group: str, code: CloseCode, reason: str) -> None:
    """Close the websockets of all members once the transaction is committed.

    Args:
        group: its name, and not the room: a deleted room loses its id.
        code: of the close frame.
        reason: what their pages show.
    """
    on_commit(lambda: groups.close_sync(group, code, reason))
