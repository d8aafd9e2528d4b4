"""Tell those who are in a room what has changed behind it.

What is deleted or set is told once the transaction is committed, whoever did it: the
admin, its action for many at once, a view. A management command is another process:
without Redis nobody hears of it.
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
    """The message disappears from open pages."""
    if getattr(origin, "model", type(origin)) is not Message:
        return  # it went with its room
    group, text = instance.room.group, dumps({"type": "deleted", "id": instance.pk})
    on_commit(lambda: groups.publish_sync(group, text))


@receiver(post_delete, sender=Room)
def room_deleted(instance: Room, **_: Any) -> None:
    """Nobody can be in a room that there is not."""
    close_soon(instance, CloseCode.POLICY_VIOLATION, "This room has been deleted.")


@receiver(post_save, sender=Room)
def rights_changed(instance: Room, **_: Any) -> None:
    """Everybody comes in anew; those who may not any more are refused at the door."""
    if instance.members_only:
        close_soon(instance, CloseCode.SERVICE_RESTART, "Who may be here has changed.")


@receiver(m2m_changed, sender=Room.members.through)
def member_left(instance: Any, action: str, **_: Any) -> None:
    """``instance`` is a room that loses members, or a user who loses rooms."""
    if action in ("pre_remove", "pre_clear"):
        rooms = [instance] if isinstance(instance, Room) else instance.rooms.all()
        for room in rooms:
            rights_changed(room)


def close_soon(room: Room, code: CloseCode, reason: str) -> None:
    group = room.group  # a deleted room loses its id, which is in this name
    on_commit(lambda: groups.close_sync(group, code, reason))
