"""A peer by picows: C masks, parses and writes, so the server is the slower one."""

import picows

from benchmarks.peer import SECONDS, Peer

# The offer that browsers make.
DEFLATE = "permessage-deflate; client_max_window_bits"


class FastPeer(Peer, picows.WSListener):
    """A listener of picows, which is called with each frame."""

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self.text = picows.WSMsgType.TEXT
        self.goodbye = picows.WSMsgType.CLOSE
        accepted = transport.response.headers.get("Sec-WebSocket-Extensions", "")
        self.deflates = "permessage-deflate" in accepted

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == self.text:
            self.owner.received(self, frame.payload_size)
        elif frame.msg_type == self.goodbye:
            self.close()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.owner.lost(self)

    def send(self, message: bytes) -> None:
        self.transport.send(self.text, message)

    def close(self) -> None:
        self.transport.disconnect(graceful=False)


async def connect(url: str, headers: dict[str, str], deflate: bool) -> Peer:
    """Open a websocket; see ``peers.Connect``."""
    if deflate:
        headers = headers | {"Sec-WebSocket-Extensions": DEFLATE}
    peer = FastPeer()
    await picows.ws_connect(
        lambda: peer, url, extra_headers=headers, websocket_handshake_timeout=SECONDS
    )
    return peer
