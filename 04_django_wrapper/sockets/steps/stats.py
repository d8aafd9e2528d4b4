"""The counters of this process: plain numbers about its websockets, for metrics.

1. All begin at 0 with the process and only grow. No reader sets them back: so there may
   be two of them. `outbox_most` is the most ever, not the most of late.
2. A message costs nothing here. Each socket counts its own, and they are added up when
   it has ended, or when somebody asks.
3. Values chosen by peers must not create unlimited keys: a peer's own close codes, and
   reasons beyond the first `REASONS`, are counted together.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from ..codes import CloseCode
from ..connection import By, Socket
from . import live

PUBLISH_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)  # limits of the classes
REASONS = 50
OTHER = "other"


@dataclass
class Stats:
    """The counters of one process, changed in its event loop only."""

    opened: int = 0
    closed: Counter[str] = field(default_factory=Counter)  # by close code
    refused: Counter[tuple[int, str]] = field(default_factory=Counter)  # status, reason
    evicted: Counter[str] = field(default_factory=Counter)  # with 1013, by reason
    cut_off: int = 0  # handlers that were cancelled in their work or clean-up
    failed: int = 0  # handlers: by an error that nobody caught, or they did not end
    published_in: list[int] = field(
        default_factory=lambda: [0] * (len(PUBLISH_SECONDS) + 1)
    )
    published_seconds: float = 0.0  # all of them together
    unpublished: int = 0
    _received: int = 0  # by sockets that have ended
    _sent: int = 0
    _outbox_most: int = 0

    @property
    def received(self) -> int:
        """Messages from peers, of all sockets that are open or were."""
        return self._received + sum(socket.received for socket in live.opened)

    @property
    def sent(self) -> int:
        """Messages to peers that the server has taken."""
        of_open: int = sum(socket.sent for socket in live.opened)
        return self._sent + of_open

    @property
    def outbox_most(self) -> int:
        """The most messages that have waited for one peer."""
        of_open = (socket.outbox.most for socket in live.opened)
        return max(self._outbox_most, *of_open, 0)

    def refuse(self, status: int, reason: str) -> None:
        """Count a handshake that is answered with an HTTP status."""
        known = (status, reason) in self.refused or len(self.refused) < REASONS
        self.refused[status, reason if known else OTHER] += 1

    def end(self, socket: Socket) -> None:
        """Count what has gone wrong with a socket that has ended."""
        ending = socket.ending
        if ending is not None and ending.status is not None:
            self.refuse(ending.status, ending.reason)
        if socket.failed:
            self.failed += 1
        if socket.deadline.cut_off:
            self.cut_off += 1
        if socket.deadline.left_behind:
            self.failed += 1

    def open(self) -> None:
        """Count a socket that has been accepted."""
        self.opened += 1

    def close(self, socket: Socket) -> int:
        """Count an open socket that has ended, and give its close code."""
        ending = socket.ending
        assert ending is not None
        code = int(ending.code)
        reason = ending.reason
        is_ours = ending.by is not By.PEER
        if is_ours and code == CloseCode.TRY_AGAIN_LATER:
            known = reason in self.evicted or len(self.evicted) < REASONS
            self.evicted[reason if known else OTHER] += 1
        self.closed[str(code) if is_ours or code in {*CloseCode} else OTHER] += 1
        self._received += socket.received
        self._sent += socket.sent
        self._outbox_most = max(self._outbox_most, socket.outbox.most)
        return code

    def published(self, seconds: float, ok: bool) -> None:
        """Count a message to other processes: taken within ``seconds``, or lost."""
        if ok:
            self.published_in[bisect_left(PUBLISH_SECONDS, seconds)] += 1
            self.published_seconds += seconds
        else:
            self.unpublished += 1


stats = Stats()
