"""Sentences for a mistake that comes from the habits of views."""

# A view asks its request for the left side; a handler writes the right side.
INSTEAD = {
    "GET": "write  socket.request.GET",
    "COOKIES": "write  socket.request.COOKIES",
    "META": "write  socket.request.META",
    "path": "write  socket.request.path",
    "get_host": "write  socket.request.get_host()",
    "auser": "in place of @login_required write  if not socket.user.is_authenticated: "
    'raise Refused(401, "Log in first.")',
    "method": "a decorator or a class for views does not fit a handler",
    "POST": "a websocket has no form: write  await socket.receive()",
    "body": "a websocket has no body: write  await socket.receive()",
}


def of_a_view(name: str) -> str:
    """The hint for an attribute that a request has, and a websocket has not."""
    what = f"a Socket has no {name!r}"
    if name in INSTEAD:
        what += f": {INSTEAD[name]}"
    return what
