"""The one page: the console that talks to ``websocket.py``."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def console(request: HttpRequest) -> HttpResponse:
    # No session, no user, no database: it works before the first ``migrate``.
    return render(request, "console.html")
