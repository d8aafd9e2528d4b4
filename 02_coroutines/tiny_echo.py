"""A TCP server that sends back what it gets, to any number of clients, in one thread.

``python tiny_echo.py --port 9000``, then ``nc localhost 9000`` in as many terminals as
you like. Ctrl-C ends it, and every connection with it.
"""

import argparse
import contextlib
import socket
import sys

import tiny_loop
from tiny_tools import sock_accept, sock_recv, sock_sendall

SIZE = 65_536  # bytes that are read at most at a time


async def echo(peer: socket.socket) -> None:
    with peer, contextlib.suppress(ConnectionError):  # a peer may vanish at any time
        while True:
            data = await sock_recv(peer, SIZE)
            if not data:  # the peer has ended
                return
            await sock_sendall(peer, data)
            # A peer that never pauses always has more bytes for us, and then neither
            # of the two awaits above gives control back. Without this line the other
            # clients would wait until it has ended.
            await tiny_loop.sleep(0)


async def serve(server: socket.socket) -> None:
    if sys.platform == "win32":  # where Ctrl-C does not end the wait for a socket
        tiny_loop.create_task(heartbeat())
    while True:
        peer, _ = await sock_accept(server)
        tiny_loop.create_task(echo(peer))


async def heartbeat() -> None:
    while True:
        await tiny_loop.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description="A TCP echo server on the tiny loop.")
    parser.add_argument("--port", type=int, default=9000, help="0 takes any free one")
    port = parser.parse_args().port
    try:
        server = socket.create_server(("127.0.0.1", port), backlog=512)
    except (OSError, OverflowError) as error:  # it is taken, or no port at all
        sys.exit(f"Cannot listen on port {port}: {error}. Try --port 0.")
    with server:
        server.setblocking(False)
        print(f"Listening on 127.0.0.1:{server.getsockname()[1]}", flush=True)
        try:
            tiny_loop.run(serve(server))
        except KeyboardInterrupt:
            print("Ended.")


if __name__ == "__main__":
    main()
