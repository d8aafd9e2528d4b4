"""A page whose websocket comes back by itself, and the handler behind it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path as page
from sockets.codes import BadMessage
from sockets.connection import Socket
from sockets.groups import groups
from sockets.routing import path

votes = {"tea": 0, "coffee": 0}  # of one process; yours asks the database


async def poll(socket: Socket) -> None:
    """Tell the votes; take one; answer a sign of life."""
    await socket.accept()
    async with groups.join("poll", socket):
        await socket.send_json({"type": "votes", **votes})
        while True:
            match await socket.receive_json():
                case {"type": "ping"}:
                    await socket.send_json({"type": "pong"})
                case {"type": "vote", "for": str(choice)} if choice in votes:
                    votes[choice] += 1
                    await groups.publish_json("poll", {"type": "votes", **votes})
                case _:
                    raise BadMessage("expected a vote or a ping")


def show(request: HttpRequest) -> HttpResponse:
    """The page, which has no data of its own."""
    return render(request, "live_page.html")


pages = [page("poll/", show)]
websockets = [path("ws/poll/", poll)]
