"""A server that has no file descriptors left, and gets them back."""

import asyncio
import sys
from contextlib import AsyncExitStack

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from tests.support.peers import idle, until_held
from tests.support.servers import socket_site

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux changes the limits of another process"
)


@linux
async def test_without_file_descriptors_the_old_go_on_and_new_ones_come_later(database):
    with socket_site("uvicorn-sansio", database) as server:
        before = idle(server)
        url = server.url.replace("http", "ws", 1)
        process = psutil.Process(server.process.pid)
        async with AsyncExitStack() as stack:

            async def enter(seconds):
                client = connect(f"{url}/room/hall/", open_timeout=seconds)
                client = await stack.enter_async_context(client)
                assert await client.recv() == "you are in"
                return client

            async def say(client, text):
                await client.send(text)
                heard = [await other.recv() for other in old]
                assert heard == [text] * len(old)

            old = [await enter(20) for _ in range(5)]
            _, most = process.rlimit(psutil.RLIMIT_NOFILE)
            process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds(), most))
            late = [asyncio.create_task(enter(1)) for _ in range(20)]
            for number in range(50):
                await say(old[number % 5], f"still here {number}")
            done, _ = await asyncio.wait(late)
            for task in done:
                assert isinstance(task.exception(), OSError | InvalidHandshake)
            process.rlimit(psutil.RLIMIT_NOFILE, (most, most))
            old.append(await enter(20))
            await say(old[-1], "and all is well")
        until_held(server, before)
