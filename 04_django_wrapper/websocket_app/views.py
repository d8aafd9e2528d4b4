"""The page with the console that talks to ``websocket.py``, and its style sheets."""

from contextlib import closing

from django.contrib.staticfiles.views import serve
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def console(request: HttpRequest) -> HttpResponse:
    """Show the console."""
    # No session, no user, no database: it works before the first ``migrate``.
    return render(request, "console.html")


def static_file(request: HttpRequest, path: str) -> HttpResponse:
    """Serve a style sheet or a script during development.

    In production a web server has these files: see deployment/nginx.conf.
    """
    response = serve(request, path)
    if not response.streaming:
        return response  # 304: the browser has this file
    # Under ASGI Django warns of an open file as an answer. These files are small.
    with closing(response):
        return HttpResponse(b"".join(response), headers=response.headers)
