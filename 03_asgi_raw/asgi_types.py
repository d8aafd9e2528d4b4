"""The types of ASGI: an application is called with three things.

``asgiref.typing`` has a ``TypedDict`` for each kind of event. Those demand every key,
also the ones that the specification lets an application leave out (a message has text
or bytes). So here an event is what it is on the way: a dictionary.
"""

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]  # what the call is for; "type" says which kind
Event = dict[str, Any]  # "type" says which kind
Receive = Callable[[], Awaitable[Event]]  # waits for the next event
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
