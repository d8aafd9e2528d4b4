"""What it costs a server to store a message, beside telling it to a room."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
from contextlib import AsyncExitStack

import psutil
import pytest
from websockets.asyncio.client import connect

from tests.support.processes import ROOT, server_process

STAGE = ROOT / "04_django_wrapper"
UVICORN = ["-m", "uvicorn", "websocket_app.asgi:application", "--port=0"]
MEMBERS, SENDERS, MESSAGES, ROUNDS = 200, 8, 104, 5


@pytest.fixture
def server(tmp_path):
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        **{"DEBUG": "0", "ALLOWED_HOSTS": "127.0.0.1", "SECRET_KEY": "of this test"},
    }
    migrate = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(migrate, cwd=STAGE, env={**os.environ, **environment}, check=True)
    with server_process(UVICORN, cwd=STAGE, **environment) as process:
        yield process


async def answered(client, message, answer):
    """Say something, and wait for what answers it."""
    await client.send(json.dumps(message))
    async for text in client:
        if answer in text:
            return


async def test_to_store_a_message_costs_little_more_than_to_tell_it(server):
    """The server's CPU time: a message, which is stored, less a typing, which is not.

    Both go to the whole room. A few people speak at a time, each waits for its answer.
    """
    process = psutil.Process(server.process.pid)
    address = server.url.replace("http", "ws", 1) + "/ws/rooms/lobby/"

    def seconds():
        return sum(process.cpu_times()[:2])

    async def speak(client, name, kind):
        for _ in range(MESSAGES // SENDERS):
            if kind == "typing":
                answer = f'"typing", "user": "{name}"'
                await answered(client, {"type": kind}, answer)
            else:
                said = {"type": kind, "text": "hello " * 4, "key": os.urandom(8).hex()}
                await answered(client, said, '"ack"')

    async def ignore(client):
        async for _ in client:
            pass

    async def cost(kind):
        before = seconds()
        async with asyncio.TaskGroup() as tasks:
            for client, name in senders.items():
                tasks.create_task(speak(client, name, kind))
        return (seconds() - before) / MESSAGES * 1000

    plain = {"compression": None, "max_queue": None}
    async with AsyncExitStack() as stack:
        people = {}
        for _ in range(MEMBERS):
            client = await stack.enter_async_context(connect(address, **plain))
            people[client] = json.loads(await client.recv())["user"]
        senders = dict(list(people.items())[:SENDERS])
        listeners = [
            asyncio.create_task(ignore(client))
            for client in people
            if client not in senders
        ]
        await cost("message")  # the first ones open connections
        costs = [(await cost("message"), await cost("typing")) for _ in range(ROUNDS)]
        for listener in listeners:
            listener.cancel()
        for client in people:
            client.transport.abort()
    stored, told = (statistics.median(column) for column in zip(*costs, strict=True))
    beyond = statistics.median(message - typing for message, typing in costs)
    print(f"stored and told: {stored:.1f} ms, only told: {told:.1f} ms of CPU")
    print(f"beyond the fan-out: {beyond:.1f} ms, the median of {ROUNDS} rounds")
    assert beyond < 10
