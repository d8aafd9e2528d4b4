"""The websocket of the page ``/wiretap/``, where WIRETAP=1; else there is none."""

from typing import Any

from django.conf import settings
from django.urls import path

urlpatterns: list[Any] = []
if settings.WIRETAP:
    from operations import wiretap

    urlpatterns.append(path(wiretap.PATH, wiretap.watch))
