"""All that passed on one connection: an entry for each event, and for bytes.

Entries hold short texts, and never a payload: a conversation stays small, however long
the connection lives and whatever is sent on it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, cast

from asgiref.typing import Scope

from workshop.pictures.shown import payload, shown

Direction = Literal["in", "out"]  # towards the application, or from it
Field = tuple[str, str, str]  # of bytes on the wire: name, value, meaning

NOT_CALLED = "not called yet"
HEAD = 5  # the first entries of a connection are always kept: its whole handshake
# Keys of an event whose value stands beside its type.
SHOWN_FIRST = ("text", "bytes", "body", "code", "status")
EXPLAINED = {
    "websocket.connect": "may I come in?",
    "websocket.accept": "yes, come in",
    "websocket.receive": "one whole message",
    "websocket.send": "one whole message",
    "websocket.disconnect": "the last event: leave the loop",
    "websocket.close": "the server says goodbye for it",
    "websocket.http.response.start": "no: an HTTP answer, no websocket",
    "http.request": "the body of the request",
    "http.response.start": "status and headers, not sent yet",
    "http.disconnect": "nobody waits for an answer any more",
    "lifespan.startup": "may the server begin?",
    "lifespan.startup.complete": "yes: connections may come",
    "lifespan.shutdown": "all connections have ended",
    "lifespan.shutdown.complete": "the server may go",
}


class Entry(NamedTuple):
    """One arrow of the picture.

    Attributes:
        number: of the connection's arrows, from 1.
        since: seconds since the entry before it.
        direction: towards the application, or from it.
        title: the first line.
        words: the second line.
        wire: whether it is bytes, between browser and server.
        failed: whether it is no event at all.
        fields: the bytes part by part.
    """

    number: int
    since: float | None
    direction: Direction
    title: str
    words: str
    wire: bool = False
    failed: bool = False
    fields: tuple[Field, ...] = ()


class Conversation:
    """The entries of one connection, finished or still growing.

    Args:
        keep: so many entries are kept beside the first five: the last ones.
        clock: gives seconds.
        changed: called when something has been noted.

    Attributes:
        title: what for: ``websocket /chat``.
        client: the peer's address and port, where the server tells them.
        query: the query string, as text.
        count: how many entries there were.
        state: what the application does just now, or how it has ended.
        ended: whether it has ended.
        failed: whether it has ended by an error.
    """

    def __init__(
        self, keep: int, clock: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self.title = "connection"
        self.client: tuple[object, ...] | None = None
        self.query = ""
        self.count = 0
        self.state = NOT_CALLED
        self.ended = False
        self.failed = False
        self._head: list[Entry] = []
        self._tail: deque[Entry] = deque(maxlen=keep)
        self._clock = clock
        self._last: float | None = None
        self._changed: Callable[[], None] = changed

    @property
    def entries(self) -> list[Entry]:
        """The entries that are kept: the first five, and the last ones."""
        return [*self._head, *self._tail]

    @property
    def left_out(self) -> int:
        """So many entries between the first five and the last ones are forgotten."""
        return self.count - len(self._head) - len(self._tail)

    def wire(
        self,
        direction: Direction,
        data: bytes,
        words: str,
        fields: Iterable[Field] = (),
    ) -> None:
        """Note bytes on the wire; for a server that lets itself be tapped.

        Args:
            direction: ``"in"`` from the browser, ``"out"`` to it.
            data: the bytes; an HTTP head is shown by its first line, others in hex.
            words: what they mean, for the second line.
            fields: the bytes part by part. Kept as they are.
        """
        start = bytes(data[:200])
        if start.startswith((b"GET ", b"HEAD ", b"POST ", b"HTTP/1.")):
            title = shown(start.partition(b"\r\n")[0].decode("latin-1"))
        else:
            title = start[:16].hex(" ")
            if len(data) > 16:
                title += " …"
        self._note(direction, title, shown(words, 200), wire=True, fields=tuple(fields))

    def called(self, scope: Scope) -> None:
        """Note that the application is called, and what for."""
        # Any server may call it, with any scope: nothing is taken for granted.
        given: Mapping[str, Any] = cast(Mapping[str, Any], scope)
        self.title = f"{shown(given.get('type'))} {shown(given.get('path', ''))}"
        self.title = self.title.strip()
        query = given.get("query_string", b"")
        if isinstance(query, bytes):
            self.query = shown(query.decode("latin-1"))

        parts = ["scope"]
        for key in ("type", "path"):
            if key in given:
                parts.append(f"{key}: {shown(given[key])}")
        self.state = "runs"
        self._note("in", "  ".join(parts), ", ".join(_about(given)))

    def event(self, direction: Direction, event: object) -> None:
        """Note an event, whatever it is: broken applications send anything."""
        if not isinstance(event, Mapping):
            self._note(direction, shown(event), "not a dictionary", failed=True)
            return
        kind = shown(event.get("type", "no type"))
        title = kind
        others: list[str] = []
        for key, value in event.items():
            if key in SHOWN_FIRST and value is not None:
                title += f"  {key}: {payload(value)}"
            elif key == "headers" and isinstance(value, list | tuple):
                if value:
                    others.append(f"{len(value)} headers")
            elif key in ("text", "bytes"):
                others.append(f"{key}: {payload(value)}")
            elif key != "type" and value not in (None, ""):
                others.append(f"{shown(key)}: {payload(value)}")
        if not others and kind in EXPLAINED:
            others.append(EXPLAINED[kind])
        self._note(direction, title, ", ".join(others))

    def doing(self, state: str, *, ended: bool = False, failed: bool = False) -> None:
        """Note what the application does just now, or how it has ended."""
        self.state = state
        self.ended = ended
        self.failed = failed
        self._changed()

    def _note(self, direction: Direction, title: str, words: str, **how: Any) -> None:
        now = self._clock()
        since = None
        if self._last is not None:
            since = now - self._last
        self._last = now
        self.count += 1
        entry = Entry(self.count, since, direction, title, words, **how)
        if len(self._head) < HEAD:
            self._head.append(entry)
        else:
            self._tail.append(entry)
        self._changed()


def _about(scope: Mapping[str, Any]) -> list[str]:
    """The other parts of a scope, in a few words."""
    about = []
    headers = scope.get("headers")
    if isinstance(headers, list | tuple):
        about.append(f"{len(headers)} headers")
    client = scope.get("client")
    if isinstance(client, list | tuple):
        about.append("client " + ":".join(map(shown, client)))
    offered = scope.get("subprotocols")
    if offered and isinstance(offered, list | tuple):
        about.append("subprotocols: " + ", ".join(map(shown, offered[:5])))
    return about
