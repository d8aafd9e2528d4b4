"""Which handler answers which websocket path."""

from chat.handlers import room
from django.conf import settings
from django.urls import path

from websocket_app.handlers import ping

urlpatterns = [
    path("ws/ping/", ping, name="ping"),
    path("ws/rooms/<room:slug>/", room, name="room"),
]
if settings.WIRETAP:
    from websocket_app import wiretap

    urlpatterns.append(path(wiretap.PATH, wiretap.watch))
