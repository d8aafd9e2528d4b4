"""Which handler answers which websocket path."""

from chat.handlers import room
from django.urls import include, path

from websocket_app.handlers import ping

urlpatterns = [
    path("ws/ping/", ping, name="ping"),
    path("ws/rooms/<room:slug>/", room, name="room"),
    path("", include("operations.websocket_urls")),
]
