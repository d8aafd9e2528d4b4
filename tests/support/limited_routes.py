"""A route whose handler has a limit that is none."""

from django.urls import path
from sockets.routing import limited


@limited(MESSAGE_BYTE=1_000_000)
async def upload(socket):
    """Never called."""


urlpatterns = [path("ws/upload/", upload)]
