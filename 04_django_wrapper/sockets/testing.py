"""Talk to a handler in a test, with no server and no sleep.

    async with SocketClient(application, "/ws/rooms/lobby/", user=anna) as socket:
        await socket.send("hello")
        assert await socket.receive() == "hello"

Leaving the block is the client's goodbye; then the handler must end. It works in pytest
and in Django's `TestCase`: the handler's ORM calls run where the test's own do.
"""

import asyncio
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import unquote, urlsplit

from asgiref.typing import ASGI3Application, WebSocketScope
from django.conf import settings
from django.test import AsyncClient

from sockets import jsontext
from sockets.database import in_this_thread


class SocketRefused(AssertionError):
    """The handshake was answered with an HTTP status."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"refused with {status}: {body!r}")
        self.status, self.body = status, body


class SocketClosed(AssertionError):
    """The handler has closed where a message was expected."""

    def __init__(self, code: int, reason: str, said: str) -> None:
        super().__init__(f"closed with {code} {reason!r}; said so far:\n{said}")
        self.code, self.reason = code, reason


class SocketClient:
    """One websocket to an ASGI application.

    Args:
        application: as in ``asgi.py``.
        path: with a query string, if you like.
        user: who is logged in; makes a session in the database.
        headers: name and value as text; they replace those of the same name.
        subprotocols: what the client offers; ``subprotocol`` is what was chosen.
        seconds: for each thing that is waited for.

    Raises:
        SocketRefused, SocketClosed, AssertionError: with all that was said so far.
    """

    def __init__(
        self,
        application: ASGI3Application,
        path: str,
        *,
        user: Any = None,
        headers: dict[str, str] | None = None,
        subprotocols: list[str] | None = None,
        seconds: float = 5,
    ) -> None:
        self.application, self.path, self.user = application, path, user
        self.headers = {"host": "testserver", "origin": "http://testserver"}
        self.headers.update({k.lower(): v for k, v in (headers or {}).items()})
        self.offered, self.seconds = subprotocols or [], seconds
        self.subprotocol: str | None = None
        self.accept_headers: list[tuple[bytes, bytes]] = []
        self.said: list[str] = []
        self._to_handler: asyncio.Queue[Any] = asyncio.Queue()
        self._from_handler: asyncio.Queue[Any] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        if self.user is not None:
            client = AsyncClient()
            await client.aforce_login(self.user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
            self.headers["cookie"] = f"{settings.SESSION_COOKIE_NAME}={cookie}"
        self._tell({"type": "websocket.connect"})
        with in_this_thread():  # the task inherits it
            self._task = asyncio.create_task(self._run())
        try:
            event = await self._next()
            if event["type"] == "websocket.http.response.start":
                body = await self._next()
                raise SocketRefused(event["status"], body["body"].decode())
            if event["type"] != "websocket.accept":
                raise SocketRefused(403, "")
        except BaseException:
            await self.leave()
            raise
        self.subprotocol = event.get("subprotocol")
        self.accept_headers = list(event.get("headers", []))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.leave()

    async def send(self, message: str | bytes) -> None:
        """Send one message, text as str, binary as bytes."""
        text, data = (message, None) if isinstance(message, str) else (None, message)
        self._tell({"type": "websocket.receive", "text": text, "bytes": data})

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON text."""
        await self.send(jsontext.dumps(value))

    async def receive(self) -> str | bytes:
        """The next message from the handler."""
        event = await self._next()
        if event["type"] != "websocket.send":
            said = "\n".join(self.said)
            raise SocketClosed(event["code"], event.get("reason") or "", said)
        text: str | None = event.get("text")
        data: bytes = event.get("bytes") or b""
        return data if text is None else text

    async def receive_json(self) -> Any:
        """The next message, which is JSON, as a value."""
        return jsontext.loads(str(await self.receive()), depth=1000)

    async def closed(self) -> tuple[int, str]:
        """Wait for the handler's goodbye: code and reason."""
        event = await self._next()
        if event["type"] != "websocket.close":
            self._fail(f"expected a close, got {event}")
        return event["code"], event.get("reason") or ""

    async def leave(self, code: int = 1001) -> None:
        """Say goodbye, and wait for the handler's end."""
        self._tell({"type": "websocket.disconnect", "code": code, "reason": ""})
        done, _ = await asyncio.wait([self._task], timeout=self.seconds)
        if not done:
            self._task.cancel()
            self._fail(
                f"the handler goes on {self.seconds} s after the client has left"
            )
        self._task.result()

    async def _run(self) -> None:
        await self.application(self._scope(), self._receive, self._send)

    def _scope(self) -> WebSocketScope:
        address = urlsplit(self.path)
        return {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": unquote(address.path),
            "raw_path": address.path.encode(),
            "query_string": address.query.encode(),
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in self.headers.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("testserver", 80),
            "subprotocols": self.offered,
            "state": {},
            "extensions": {"websocket.http.response": {}},
        }

    def _tell(self, event: dict[str, Any]) -> None:
        self.said.append(f"→ {event!r:.200}")
        self._to_handler.put_nowait(event)

    async def _receive(self) -> Any:
        return await self._to_handler.get()

    async def _send(self, event: Any) -> None:
        self.said.append(f"← {event!r:.200}")
        self._from_handler.put_nowait(event)

    async def _next(self) -> Any:
        """The next event from the handler."""
        getting = asyncio.create_task(self._from_handler.get())
        await asyncio.wait(
            [getting, self._task],
            timeout=self.seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self._task.done() and not getting.done():
            await asyncio.sleep(0)  # what it said last may be on its way
        if getting.done():
            return getting.result()
        getting.cancel()
        if self._task.done():
            self._task.result()
        self._fail(f"nothing came within {self.seconds} s")

    def _fail(self, what: str) -> NoReturn:
        raise AssertionError(f"{what}; said so far:\n" + "\n".join(self.said))
