"""Which handler answers which websocket path."""

from django.urls import path

from websocket_app.handlers import ping

urlpatterns = [
    path("ws/ping/", ping, name="ping"),
]
