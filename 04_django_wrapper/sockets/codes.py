"""How a websocket ends: close codes, and the errors that a handler raises or meets."""

from enum import IntEnum


class CloseCode(IntEnum):
    """RFC 6455, 7.4.1 and 11.7; from 4000 to 4999 the meaning is the application's."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RCVD = 1005  # never sent: a close frame without a code has come
    ABNORMAL_CLOSURE = 1006  # never sent: no close frame has come
    INVALID_FRAME_PAYLOAD_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXT = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    UNAUTHORIZED = 4401  # ours, after HTTP's 401: log in, then come back


class Refused(Exception):
    """Before ``accept()``: answer the handshake with an HTTP status and a sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status, self.reason = status, reason


class BadMessage(Exception):
    """The peer's fault. Where no handler catches it, the socket is closed with it."""

    def __init__(self, reason: str, code: int = CloseCode.POLICY_VIOLATION) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, sendable(code)


class Disconnected(ConnectionError):
    """The websocket has ended. A handler may let it pass: nothing is logged."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class HandlerError(RuntimeError):
    """The handler's own fault, in a sentence that says what it should have done."""


def sendable(code: int) -> int:
    """A code that a close frame may carry (RFC 6455, 7.4); HandlerError: it may not."""
    if 3000 <= code <= 4999 or (code in {*CloseCode} and code not in (1005, 1006)):
        return int(code)
    raise HandlerError(f"{code} is not sent: close with a CloseCode or 3000 to 4999")
