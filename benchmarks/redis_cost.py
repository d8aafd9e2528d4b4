"""The cost of a message for Redis: the seconds that one PUBLISH takes of its core.

``python benchmarks/redis_cost.py`` starts a redis-server of its own, subscribes more
and more connections to one channel, and asks Redis itself how long it was busy.
"""

import shutil
import socket
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

PUBLISHED = 2_000  # messages of a round, each waited for
PAYLOAD = b"x" * 150  # about a chat message with its frame
SUBSCRIBERS = (0, 1, 2, 4, 8, 16, 32)


@contextmanager
def server() -> Iterator[int]:
    """A redis-server of our own, which keeps nothing; its port."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("This needs redis-server: on Debian, apt install redis-server.")
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
    options = ["--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def subscribe(port: int) -> socket.socket:
    """One more connection that is subscribed, and reads all that comes."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"SUBSCRIBE room\r\n")
    connection.recv(1024)

    def read() -> None:
        while connection.recv(1 << 16):
            pass

    threading.Thread(target=read, daemon=True).start()
    return connection


def busy(client: Any) -> float:
    """Seconds of a core that Redis has used so far."""
    used = client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


def measure(rounds: int = 5) -> list[tuple[int, float]]:
    """Subscribers, and seconds for one PUBLISH to them (the median of the rounds)."""
    found = []
    with ExitStack() as stack:
        port = stack.enter_context(server())
        retry = Retry(ConstantBackoff(0.1), 100)  # it is starting
        errors: list[Any] = [redis.ConnectionError]
        client = redis.Redis(port=port, retry=retry, retry_on_error=errors)
        connections: list[socket.socket] = []
        for subscribers in SUBSCRIBERS:
            while len(connections) < subscribers:
                connections.append(stack.enter_context(subscribe(port)))
            seconds = []
            for _ in range(rounds):
                before = busy(client)
                for _ in range(PUBLISHED):
                    client.publish("room", PAYLOAD)
                seconds.append((busy(client) - before) / PUBLISHED)
            found.append((subscribers, statistics.median(seconds)))
    return found


if __name__ == "__main__":
    points = measure()
    for subscribers, seconds in points:
        print(f"{subscribers:3} subscribers  {seconds * 1e6:6.1f} µs")
    slope, start = statistics.linear_regression(*zip(*points, strict=True))
    print(f"One PUBLISH {start * 1e6:.1f} µs, and {slope * 1e6:.1f} µs a subscriber.")
