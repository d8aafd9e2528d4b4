"""The peer's answer for each error: a table, and nothing else.

Before ``accept()`` the peer gets an HTTP status, after it a close code. Details of an
error that nobody expected are for our log only.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404

from .codes import BadMessage, CloseCode, Refused


class Answer(NamedTuple):
    """The answer that the peer gets.

    Attributes:
        status: the HTTP status before ``accept()``.
        code: the close code after it (RFC 6455, section 7.4).
        reason: a sentence for people.
    """

    status: int
    code: int
    reason: str


DONE = Answer(500, CloseCode.NORMAL_CLOSURE, "")
FAILED = Answer(500, CloseCode.INTERNAL_ERROR, "")

# The event that ends a handshake without any words: the server makes a bare 403 of it.
NO_ANSWER = {"type": "websocket.close"}

# Django's errors that a view may let pass, with what Django answers to them.
# SessionInterrupted is a BadRequest, DisallowedHost is a SuspiciousOperation.
DJANGOS: Sequence[tuple[type[Exception], Answer]] = (
    (Http404, Answer(404, CloseCode.POLICY_VIOLATION, "Nothing is here.")),
    (PermissionDenied, Answer(403, CloseCode.POLICY_VIOLATION, "You may not do this.")),
    (BadRequest, Answer(400, CloseCode.POLICY_VIOLATION, "This looks wrong.")),
    (SuspiciousOperation, Answer(400, CloseCode.POLICY_VIOLATION, "This looks wrong.")),
)


def answer_to(error: Exception) -> Answer | None:
    """The answer to an error that a handler may raise; None for a failure."""
    if isinstance(error, Refused):
        return Answer(error.status, CloseCode.POLICY_VIOLATION, error.reason)
    if isinstance(error, BadMessage):
        return Answer(400, error.code, error.reason)
    for kind, answer in DJANGOS:
        if isinstance(error, kind):
            return answer
    return None


def errors_in(error: Exception) -> Sequence[Exception]:
    """The errors inside an exception group (PEP 654); of any other error, itself."""
    if not isinstance(error, ExceptionGroup):
        return [error]
    errors: list[Exception] = []
    for inner in error.exceptions:
        errors += errors_in(inner)
    return errors


def close_event(code: int, reason: str) -> dict[str, Any]:
    """The event that says goodbye on an open websocket."""
    return {"type": "websocket.close", "code": code, "reason": reason}


def refusal_events(
    status: int, reason: str, extensions: Any
) -> Sequence[dict[str, Any]]:
    """The events that answer a handshake with an HTTP response.

    Args:
        status: of HTTP.
        reason: the body's one line.
        extensions: of the scope. Without "websocket.http.response" in it the server
            can answer with a bare 403 only (ASGI specification, "Websocket Denial
            Response").
    """
    if "websocket.http.response" not in (extensions or {}):
        return [NO_ANSWER]
    body = f"{reason}\n".encode(errors="replace")
    length = str(len(body)).encode()
    return [
        {
            "type": "websocket.http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", length),
            ],
        },
        {"type": "websocket.http.response.body", "body": body},
    ]
