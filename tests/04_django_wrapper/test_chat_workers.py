"""One room in two processes of uvicorn, with one database and one Redis."""

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack, ExitStack

import pytest

from tests.support.lobby import enter, hear, say
from tests.support.processes import ROOT, server_process
from tests.support.redis_server import running_redis

STAGE = ROOT / "04_django_wrapper"
UVICORN = ["-m", "uvicorn", "websocket_app.asgi:application", "--port=0"]


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def workers(redis_server, tmp_path_factory):
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('workers')}/db.sqlite3",
        "SOCKETS_REDIS_URL": redis_server.url,
        "SECRET_KEY": "the same for both",
    }
    migrate = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(migrate, cwd=STAGE, env={**os.environ, **environment}, check=True)
    with ExitStack() as stack:
        started = [
            stack.enter_context(server_process(UVICORN, cwd=STAGE, **environment))
            for _ in range(2)
        ]
        yield started
    assert not any("Traceback" in worker.log for worker in started)


async def test_all_see_what_many_say_at_once_whole_and_in_one_order(workers):
    async def talk(number, client):
        for turn in range(15):
            await say(client, f"{number} {turn}", key=os.urandom(16).hex())

    async def listen(client):
        return [(await hear(client, "message"))["id"] for _ in range(60)]

    async with AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(enter(worker))
            for worker in workers
            for _ in range(2)
        ]
        for client in people:
            await hear(client, "welcome")
        async with asyncio.TaskGroup() as tasks:
            heard = [tasks.create_task(listen(client)) for client in people]
            for number, client in enumerate(people):
                tasks.create_task(talk(number, client))
        first, *others = [ids.result() for ids in heard]
        assert first == sorted(set(first))
        assert all(ids == first for ids in others)


async def test_a_person_in_another_process_is_here(workers):
    async with enter(workers[0]) as one:
        ann = (await hear(one, "welcome"))["user"]
        async with enter(workers[1]) as two:
            ben = (await hear(two, "welcome"))["user"]
            for client in (one, two):
                await hear(client, "presence", users=sorted([ann, ben]))
        await hear(one, "presence", users=[ann])


async def test_messages_said_while_redis_was_away_come_when_it_is_back(
    workers, redis_server
):
    async with enter(workers[0]) as one, enter(workers[1]) as two:
        for client in (one, two):
            await hear(client, "presence")
        redis_server.kill()
        for number in range(3):
            await say(one, f"away {number}", key=os.urandom(16).hex())
            await hear(one, "ack")
        redis_server.start()
        for number in range(3):
            await hear(two, "message", text=f"away {number}")
