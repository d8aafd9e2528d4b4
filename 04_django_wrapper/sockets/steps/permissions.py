"""The rights of a user now, and not those when the websocket opened.

``socket.user`` was loaded by the handshake, perhaps hours ago, and it keeps the
permissions that it has once looked up. So a handler asks anew before it does something
that needs a permission.
"""

from typing import Any

from asgiref.sync import sync_to_async

from ..connection import Socket
from ..database import database
from .rights import lost


async def has_perm(socket: Socket, permission: str, obj: Any = None) -> bool:
    """Has the user of this websocket this permission, at this moment?

    Args:
        socket: the user's.
        permission: ``"shop.change_order"``.
        obj: what it is about, for backends that know permissions of single objects.

    Returns:
        False, too, if the session has ended or the account is not active any more.
    """
    async with database():
        return await sync_to_async(_has_perm)(socket, permission, obj)


async def fresh_user(socket: Socket) -> Any:
    """The user of this websocket, loaded anew.

    Returns:
        The user; a guest as ``socket.user`` has it. None if the session has ended or
        the account is not active any more: the next round closes such a websocket.
    """
    async with database():
        return await sync_to_async(_fresh)(socket)


def _has_perm(socket: Socket, permission: str, obj: Any) -> bool:
    user = _fresh(socket)
    return user is not None and bool(user.has_perm(permission, obj))


def _fresh(socket: Socket) -> Any:
    user = socket.user
    if not hasattr(user, "_meta"):
        return user  # a guest, or a user of a step's own: no table has a newer one
    if lost([socket]):
        return None
    # Not type(user): a step may have set Django's lazy user of a request.
    return user.__class__._default_manager.filter(pk=user.pk).first()
