"""A Redis server of the test's own, which can be stopped, killed and started again."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from tests.support.ports import free_port
from tests.support.processes import server_process

READY = re.compile("(Ready to accept connections)")


class RedisServer:
    """A server without persistence: it begins empty, each time."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._life = ExitStack()

    def start(self) -> None:
        """Start it, for the first time or again, at the same port."""
        program = shutil.which("redis-server")
        assert program is not None
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        server = server_process(options, python=program, address=READY, cwd=self.folder)
        self.process = psutil.Process(self._life.enter_context(server).process.pid)

    def stop(self) -> None:
        """End it."""
        if self.process.is_running():
            self.process.resume()
        self._life.close()

    def kill(self) -> None:
        """End it as a power failure would."""
        self.process.kill()
        self._life.close()

    def pause(self) -> None:
        """Stop it (SIGSTOP): its connections stay open, and nothing answers."""
        self.process.suspend()

    def resume(self) -> None:
        """Let it go on."""
        self.process.resume()

    def command(self, *words: str) -> object:
        """One command on a connection of its own."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(*words)

    def connections(self) -> list[dict[str, str]]:
        """All that are open, but the one that asks."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return [c for c in client.client_list() if c["cmd"] != "client|list"]


def require_redis() -> None:
    """Skip the test where there is no redis-server; under CI, fail."""
    if shutil.which("redis-server") is None:
        reason = "no redis-server found: on Debian, apt-get install redis-server"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Run a server until the block ends; its files, if any, are in ``folder``."""
    require_redis()
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
