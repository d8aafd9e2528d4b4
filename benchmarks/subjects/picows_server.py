"""picows, a server in Cython with callbacks: about the limit of one core."""

import socket

import picows

rooms: dict[str, set[picows.WSTransport]] = {}


class Echo(picows.WSListener):
    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        transport.send(frame.msg_type, frame.get_payload_as_bytes())


class Room(picows.WSListener):
    def __init__(self, name: str) -> None:
        self.members = rooms.setdefault(name, set())

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.members.add(transport)
        transport.send(picows.WSMsgType.TEXT, b"joined")

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        message = frame.get_payload_as_bytes()
        for member in self.members:
            member.send(frame.msg_type, message)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.members.discard(transport)


def listener_for(request: picows.WSUpgradeRequest) -> picows.WSListener:
    kind, *words = request.path.decode().strip("/").split("/")
    return Echo() if kind == "echo" else Room(words[0])


async def serve(listener: socket.socket) -> None:
    server = await picows.ws_create_server(listener_for, sock=listener, backlog=2048)
    await server.serve_forever()
