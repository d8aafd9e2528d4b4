"""Talk to a handler in a test, with no server and no sleep.

    async with SocketClient(application, "/ws/rooms/lobby/", user=anna) as socket:
        await socket.send("hello")
        assert await socket.receive() == "hello"

To leave the block is the client's goodbye. In pytest and in Django's `TestCase`, the
handler's ORM calls run where the test's own do.
"""

import asyncio
from typing import Any, NoReturn, Self
from urllib.parse import unquote, urlsplit

from asgiref.typing import ASGI3Application
from django.conf import settings
from django.test import AsyncClient

from . import jsontext
from .codes import CloseCode
from .database import inside
from .request import AS_HTTP


class SocketRefused(AssertionError):
    """The handshake got an HTTP answer in place of ``accept()``.

    Attributes:
        status: of that answer, for example 403.
        body: its text, which is the reason.
    """

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"refused with {status}: {body!r}")
        self.status = status
        self.body = body


class SocketClient:
    """One websocket to an ASGI application.

    Args:
        application: as in ``asgi.py``.
        path: may have a query string.
        user: is logged in; this makes a session in the database. Its cookie stands
            beside those of ``headers``.
        host: of the site, in place of the first one in ALLOWED_HOSTS: ``Host`` and
            ``Origin`` name it.
        headers: name and value as text, ``{"cookie": "room=5"}``. They take the place
            of the client's own ``Host`` and ``Origin``. With None as its value, a
            header is left out.
        scope: keys of the ASGI scope that take the place of the client's own:
            ``{"client": ("203.0.113.7", 50_000)}``, or ``{"scheme": "wss"}`` for TLS.
        subprotocols: what the client offers.
        seconds: for each thing that is waited for.

    Attributes:
        subprotocol: what the handler has chosen, or None.
        accept_headers: what the handler has sent with ``accept()``.
        said: all events of both sides, as lines for an error message.

    Raises:
        TypeError: ``headers`` are pairs, or bytes.
        SocketRefused: there is an HTTP answer in place of ``accept()``.
        AssertionError: something else came, or nothing in time; with all that was said.
    """

    def __init__(
        self,
        application: ASGI3Application,
        path: str,
        *,
        user: Any = None,
        host: str | None = None,
        headers: dict[str, str | None] | None = None,
        scope: dict[str, Any] | None = None,
        subprotocols: list[str] | None = None,
        seconds: float = 5,
    ) -> None:
        self.application = application
        self.path = path
        self.user = user
        self.scope = scope or {}
        scheme = AS_HTTP[self.scope.get("scheme", "ws")]
        self.headers = _headers(scheme, host or _own_host(), headers or {})
        self.offered = subprotocols or []
        self.seconds = seconds
        self.subprotocol: str | None = None
        self.accept_headers: list[tuple[bytes, bytes]] = []
        self.said: list[str] = []
        self._to_handler: asyncio.Queue[Any] = asyncio.Queue()
        self._from_handler: asyncio.Queue[Any] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._is_there = True  # else nobody reads what is sent to it

    async def __aenter__(self) -> Self:
        if self.user is not None:
            await self._log_in()
        self._tell({"type": "websocket.connect"})

        # The new task copies this value: so units of work in it use the test's own
        # thread, and see what the test's transaction has written.
        token = inside.set(True)
        self._task = asyncio.create_task(self._run())
        inside.reset(token)
        try:
            event = await self._next()
            if event["type"] != "websocket.accept":
                raise await self._refusal(event)
        except BaseException:
            await self.leave()
            raise
        self.subprotocol = event["subprotocol"]
        self.accept_headers = event["headers"]
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
        text: str | None = event.get("text")
        if text is not None:
            return text
        binary: bytes = event["bytes"]
        return binary

    async def receive_json(self) -> Any:
        """The next message, which is JSON, as a value."""
        return jsontext.loads(str(await self.receive()), depth=1000)

    async def receive_nothing(self, seconds: float = 0.1) -> None:
        """See that nothing comes for a while: no message, and no goodbye.

        A test that can ask the handler for something else, and gets that as the next
        message, is quicker and surer than one that waits.

        Args:
            seconds: to wait.

        Raises:
            AssertionError: something has come; with all that was said.
        """
        try:
            async with asyncio.timeout(seconds):
                event = await self._from_handler.get()
        except TimeoutError:
            return
        if event is not None:
            self._fail(f"expected nothing for {seconds} s, got {event['type']}")
        # The handler has ended, and more cannot come: for whoever still waits for it.
        self._from_handler.put_nowait(None)

    async def closed(self) -> tuple[int, str]:
        """Wait for the handler's goodbye: code and reason."""
        event = await self._next("websocket.close")
        return event["code"], event["reason"]

    async def leave(self, code: int = 1001) -> None:
        """Say goodbye, and wait for the handler's end."""
        self._tell({"type": "websocket.disconnect", "code": code, "reason": ""})
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=self.seconds)
        if not self._task.done():
            self._task.cancel()
            self._fail(f"the handler has not ended after {self.seconds} s")
        self._task.result()

    async def vanish(self) -> None:
        """The network is gone, without a goodbye; wait for the handler's end.

        It is as a server tells of it: what was sent on the way is lost, the code is
        1006, and whatever is sent after that is an ``OSError`` of the server.

        Raises:
            AssertionError: the handler has not ended in time.
        """
        self._is_there = False
        await self.leave(CloseCode.ABNORMAL_CLOSURE)

    async def _log_in(self) -> None:
        client = AsyncClient()
        await client.aforce_login(self.user)
        name = settings.SESSION_COOKIE_NAME
        cookies = [f"{name}={client.cookies[name].value}"]
        if "cookie" in self.headers:
            # Django reads the last of two cookies with one name: the user's session.
            cookies.insert(0, self.headers["cookie"])
        self.headers["cookie"] = "; ".join(cookies)

    async def _run(self) -> None:
        try:
            await self.application(self._scope(), self._to_handler.get, self._send)
        finally:
            self._from_handler.put_nowait(None)

    def _scope(self) -> Any:
        address = urlsplit(self.path)
        headers = [
            (key.encode(), value.encode()) for key, value in self.headers.items()
        ]
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": unquote(address.path),
            "query_string": address.query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 50_000),
            "server": ("testserver", 80),
            "subprotocols": self.offered,
            "extensions": {"websocket.http.response": {}},
        }
        return scope | self.scope

    def _tell(self, event: dict[str, Any]) -> None:
        self.said.append(f"→ {event!r:.200}")
        self._to_handler.put_nowait(event)

    async def _send(self, event: Any) -> None:
        if not self._is_there:
            # As the ASGI specification wants it, "Send - send event".
            raise OSError("the peer has vanished")
        self.said.append(f"← {event!r:.200}")
        self._from_handler.put_nowait(event)

    async def _next(self, expected: str = "") -> Any:
        """The next event from the handler; of the type ``expected``, if it is given."""
        try:
            async with asyncio.timeout(self.seconds):
                event = await self._from_handler.get()
        except TimeoutError:
            self._fail(f"nothing came within {self.seconds} s")
        if event is None:
            kind = "the handler's end"
        else:
            kind = event["type"]
        if event is None or (expected and kind != expected):
            self._fail(f"expected {expected or 'an answer'}, got {kind}")
        return event

    async def _refusal(self, start: Any) -> AssertionError:
        """An error for what came in place of ``accept()``."""
        if start["type"] == "websocket.close":  # most servers make a 403 of it
            return SocketRefused(403, "")
        body = (await self._next("websocket.http.response.body"))["body"]
        return SocketRefused(start["status"], body.decode())

    def _fail(self, what: str) -> NoReturn:
        lines = [f"{self.path}: {what}; said so far:", *self.said]
        raise AssertionError("\n".join(lines))


def _own_host() -> str:
    """A host of this site's."""
    names = (host for host in settings.ALLOWED_HOSTS if not host.startswith(("*", ".")))
    return next(names, "localhost")


def _headers(scheme: str, host: str, given: dict[str, str | None]) -> dict[str, str]:
    """The client's headers: those of a page of this host, and what is given."""
    headers = {"host": host, "origin": f"{scheme}://{host}"}
    _refuse_pairs_and_bytes(given)
    for name, value in given.items():
        if value is None:
            headers.pop(name.lower(), None)
        else:
            headers[name.lower()] = value
    return headers


def _refuse_pairs_and_bytes(given: object) -> None:
    """Headers as ASGI and Channels write them, ``[(b"cookie", b"room=5")]``.

    Raises:
        TypeError: they are such ones. It says how they are written here.
    """
    is_text = False
    if isinstance(given, dict):
        parts = [part for pair in given.items() for part in pair]
        is_text = all(isinstance(part, str | None) for part in parts)
    if not is_text:
        raise TypeError(
            'headers are texts by their names: headers={"cookie": "room=5"}, and not '
            f"{given!r:.120}"
        )
