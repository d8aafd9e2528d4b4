"""Exercise 4.3 · The laptop that sleeps

25 minutes, after section 4 of the notebook.
Check it: python3 -m workshop exercise 4.3

Nobody in this room hears anything while one laptop sleeps: ``say`` waits for each peer.
Change ``Room``. ``say`` waits for nobody. Each peer has at most one ``send`` at a time,
and hears everything in its order. At most ``LIMIT`` texts wait for a peer; the next one
takes the peer out of the room, with ``peer.close(1013)``. A task of yours ends when its
peer has left.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LIMIT = 16  # texts that may wait for one peer


class Peer:
    """The other end of a websocket; ``send`` waits while its laptop sleeps."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: list[str] = []
        self.code = 0  # with which it was closed
        self.awake = asyncio.Event()
        self.awake.set()

    async def send(self, text: str) -> None:
        await self.awake.wait()
        self.heard.append(text)

    def close(self, code: int) -> None:
        self.code = code


# ↓ Your turn begins here.
class Room:
    """All who are in it hear what is said."""

    def __init__(self) -> None:
        self.peers: set[Peer] = set()

    @asynccontextmanager
    async def join(self, peer: Peer) -> AsyncIterator[None]:
        """The peer is in the room for the length of the block."""
        self.peers.add(peer)
        try:
            yield
        finally:
            self.peers.discard(peer)

    async def say(self, text: str) -> None:
        """Tell everybody."""
        for peer in list(self.peers):
            await peer.send(text)


# ↑ Your turn ends here.


async def main() -> None:
    room = Room()
    ann = Peer("Ann")
    carol = Peer("Carol")
    carol.awake.clear()
    async with room.join(ann), room.join(carol):
        try:
            async with asyncio.timeout(2):
                for number in range(50):
                    await room.say(f"text {number}")
                    await asyncio.sleep(0.01)
        except TimeoutError:
            print("say() has waited for two seconds")
        print("Ann has heard", len(ann.heard))
        print("Carol was closed with", carol.code)


if __name__ == "__main__":
    asyncio.run(main())
