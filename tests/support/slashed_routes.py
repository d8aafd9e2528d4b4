"""Routes that begin with a slash, as a beginner writes them."""

from django.urls import include, path, re_path
from websocket_app.handlers import ping

urlpatterns = [
    path("rooms/", include([re_path("^/ping/", ping)])),
    path("ws/ping/", ping),
    path("/ws/ping/", ping),
]
