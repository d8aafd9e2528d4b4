"""``/metrics``: the counts of this process, for Prometheus and for people.

1. Staff see the page in a browser. A scraper has no session: it shows METRICS_TOKEN, as
   a bearer token (RFC 6750).
2. The page is a coroutine. It runs in the event loop, between two turns of handlers, so
   no number changes while the page reads it.
"""

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

MISSING = "This page needs a package: pip install prometheus-client\n"


async def page(request: HttpRequest) -> HttpResponse:
    """All metrics of this process, as text.

    Raises:
        PermissionDenied: somebody is logged in, and is not staff.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer":
        if not _is_ours(token):
            challenge = {"WWW-Authenticate": "Bearer"}
            return HttpResponse("Wrong token.\n", "text/plain", 401, headers=challenge)
    else:
        user = await request.auser()
        if not user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not user.is_staff:
            raise PermissionDenied
    try:
        from operations.prometheus import CONTENT_TYPE, exposition
    except ModuleNotFoundError:
        return HttpResponse(MISSING, "text/plain", 503)
    return HttpResponse(exposition(), CONTENT_TYPE)


def _is_ours(token: str) -> bool:
    ours: str = settings.METRICS_TOKEN
    # Without a token of ours an empty one would be right.
    return ours != "" and bool(constant_time_compare(token, ours))
