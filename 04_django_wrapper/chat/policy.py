"""The Content-Security-Policy of the chat's pages.

A page runs scripts from this site's own files, and no others: text that somehow became
a script would not run. Source: W3C, Content Security Policy Level 3.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",  # and websockets to the same host and port
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


def strict(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view, with this policy as a header of each answer."""

    @wraps(view)
    def strict_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Content-Security-Policy"] = POLICY
        return response

    return strict_view
