"""Open a peer, as fast as it can be had.

With picows the client is written in C, so the server is the one that reaches its limit.
Without picows it is written in Python. Then the client may be the slower one: the
server's CPU time still counts, its throughput does not.
"""

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable

from benchmarks import slow_peer
from benchmarks.peer import SECONDS, Peer

FAST = importlib.util.find_spec("picows") is not None

# Called with the address, the headers, and whether to offer permessage-deflate.
Connect = Callable[[str, dict[str, str], bool], Awaitable[Peer]]


def connector() -> Connect:
    """How to open a websocket: by picows, where it is installed."""
    if not FAST:
        return slow_peer.connect
    from benchmarks import fast_peer

    return fast_peer.connect


async def open_peer(
    address: str, path: str, cookie: str, *, say: bytes = b"", deflate: bool = False
) -> Peer:
    """Open a websocket and wait for its first message.

    Args:
        address: of the server, ``127.0.0.1:8000``.
        path: ``/echo`` or another.
        cookie: of a logged-in user, or "".
        say: what to send first, to a server that does not begin.
        deflate: whether to offer permessage-deflate.

    Raises:
        OSError: nobody listens, or the server hung up.
        TimeoutError: no answer in ``SECONDS``.
    """
    headers = {"Origin": f"http://{address}"}
    if cookie:
        headers["Cookie"] = cookie
    async with asyncio.timeout(SECONDS):
        peer = await connector()(f"ws://{address}{path}", headers, deflate)
        if say:
            peer.send(say)
        await peer.first
    return peer
