"""One event, and each receiver's handler decides what its own peer is told."""

from typing import Any

from sockets import events
from sockets.codes import BadMessage
from sockets.connection import Socket
from sockets.groups import groups
from sockets.routing import path

PRICES = {"tea": 3, "coffee": 4, "oyster": 30}  # yours are in the database


async def shop(socket: Socket) -> None:
    """Messages of the peer and events of the group, in one loop."""
    await socket.accept()
    most = 10  # what this peer wants to pay; it changes while the websocket is open
    async with events.of(socket, "prices") as feed:
        async for item in feed:
            match item:
                case events.Event(value=offer):
                    await tell(socket, offer, most)
                case events.Lost():  # Redis was away: the database knows
                    for name, price in PRICES.items():
                        await tell(socket, {"name": name, "price": price}, most)
                case _:
                    most = read(feed.loads(item))
                    await socket.send_json({"most": most})


async def tell(socket: Socket, offer: dict[str, Any], most: int) -> None:
    """The same event is another message for each peer, or none."""
    if offer["price"] > most and not socket.user.is_staff:
        return
    left = most - offer["price"]
    await socket.send_json({**offer, "left": left})


def read(message: Any) -> int:
    """The peer's new limit."""
    match message:
        case {"most": int(most)}:
            return most
    raise BadMessage("expected the most that you want to pay")


async def change(name: str, price: int) -> None:
    """Somebody changes a price: a view, a task, another handler."""
    PRICES[name] = price
    await groups.publish_json("prices", {"name": name, "price": price})


websockets = [path("ws/shop/", shop)]
