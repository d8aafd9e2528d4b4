"""Talk to a handler in a test, with no server and no sleep.

    async with SocketClient(application, "/ws/rooms/lobby/", user=anna) as socket:
        await socket.send("hello")
        assert await socket.receive() == "hello"

Leaving the block is the client's goodbye. In pytest and in Django's `TestCase`, the
handler's ORM calls run where the test's own do.
"""

import asyncio
from typing import Any, NoReturn, Self
from urllib.parse import unquote, urlsplit

from asgiref.typing import ASGI3Application
from django.conf import settings
from django.test import AsyncClient

from . import jsontext
from .database import inside


class SocketRefused(AssertionError):  # by an HTTP status
    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"refused with {status}: {body!r}")
        self.status, self.body = status, body


class SocketClient:
    """One websocket to an ASGI application.

    Args:
        application: as in ``asgi.py``.
        path: with a query string, if you like.
        user: who is logged in; makes a session in the database.
        headers: name and value as text, in place of its own; None: without it.
        subprotocols: what the client offers; ``subprotocol`` is what was chosen.
        seconds: for each thing that is waited for.

    Raises SocketRefused for an HTTP answer in place of ``accept()``, AssertionError for
    anything else unexpected, with all that was said.
    """

    def __init__(
        self,
        application: ASGI3Application,
        path: str,
        *,
        user: Any = None,
        headers: dict[str, str | None] | None = None,
        subprotocols: list[str] | None = None,
        seconds: float = 5,
    ) -> None:
        self.application, self.path, self.user = application, path, user
        hosts = (host for host in settings.ALLOWED_HOSTS if host[0] not in "*.")
        host = next(hosts, "localhost")
        own = {"host": host, "origin": f"http://{host}", **(headers or {})}
        self.headers = {k.lower(): v for k, v in own.items() if v is not None}
        self.offered, self.seconds = subprotocols or [], seconds
        self.said: list[str] = []
        self._to_handler: asyncio.Queue[Any] = asyncio.Queue()
        self._from_handler: asyncio.Queue[Any] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        if self.user is not None:
            client, name = AsyncClient(), settings.SESSION_COOKIE_NAME
            await client.aforce_login(self.user)
            self.headers["cookie"] = f"{name}={client.cookies[name].value}"
        self._tell({"type": "websocket.connect"})
        token = inside.set(True)  # for the task: units of work use the test's thread
        self._task = asyncio.create_task(self._run())
        inside.reset(token)
        try:
            event = await self._next()
            if event["type"] != "websocket.accept":
                body = (await self._next())["body"].decode()
                raise SocketRefused(event["status"], body)
        except BaseException:
            await self.leave()
            raise
        self.subprotocol, self.accept_headers = event["subprotocol"], event["headers"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def send(self, message: str | bytes) -> None:
        """Send one message, text as str, binary as bytes."""
        kind = "text" if isinstance(message, str) else "bytes"
        self._tell({"type": "websocket.receive", kind: message})

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON text."""
        await self.send(jsontext.dumps(value))

    async def receive(self) -> str | bytes:
        """The next message from the handler."""
        event = await self._next("websocket.send")
        message: str | bytes | None = event.get("text")
        return event["bytes"] if message is None else message

    async def receive_json(self) -> Any:
        """The next message, which is JSON, as a value."""
        return jsontext.loads(str(await self.receive()), depth=1000)

    async def closed(self) -> tuple[int, str]:
        """Wait for the handler's goodbye: code and reason."""
        event = await self._next("websocket.close")
        return event["code"], event["reason"]

    async def leave(self, code: int = 1001) -> None:
        """Say goodbye, and wait for the handler's end."""
        self._tell({"type": "websocket.disconnect", "code": code, "reason": ""})
        await asyncio.wait([self._task], timeout=self.seconds)
        if not self._task.done():
            self._task.cancel()
            self._fail(f"the handler has not ended after {self.seconds} s")
        self._task.result()

    async def _run(self) -> None:
        try:
            await self.application(self._scope(), self._to_handler.get, self._send)
        finally:
            self._from_handler.put_nowait(None)

    def _scope(self) -> Any:
        address = urlsplit(self.path)
        return {
            **{"type": "websocket", "scheme": "ws", "http_version": "1.1"},
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            **{"path": unquote(address.path), "query_string": address.query.encode()},
            "headers": [(k.encode(), v.encode()) for k, v in self.headers.items()],
            **{"client": ("127.0.0.1", 50_000), "server": ("testserver", 80)},
            "subprotocols": self.offered,
            "extensions": {"websocket.http.response": {}},
        }

    def _tell(self, event: dict[str, Any]) -> None:
        self.said.append(f"→ {event!r:.200}")
        self._to_handler.put_nowait(event)

    async def _send(self, event: Any) -> None:
        self.said.append(f"← {event!r:.200}")
        self._from_handler.put_nowait(event)

    async def _next(self, *expected: str) -> Any:
        """The next event from the handler."""
        try:
            async with asyncio.timeout(self.seconds):
                event = await self._from_handler.get()
        except TimeoutError:
            self._fail(f"nothing came within {self.seconds} s")
        kind = event["type"] if event else "the handler's end"
        if event is None or (expected and kind not in expected):
            self._fail(f"expected {expected}, got {kind}")
        return event

    def _fail(self, what: str) -> NoReturn:
        what = f"{self.path}: {what}; said so far:"
        raise AssertionError("\n".join([what, *self.said]))
