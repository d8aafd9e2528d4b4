"""Units of work: threads and connections for as long as they are needed."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection, connections, transaction
from django.test import TestCase, override_settings
from django.urls import path
from sockets.codes import HandlerError
from sockets.database import database
from sockets.groups import groups
from sockets.testing import SocketClient

here = sync_to_async(threading.get_ident)


def run(sql):
    with connection.cursor() as cursor:
        return cursor.execute(sql).fetchall()


select = sync_to_async(lambda: run("SELECT 1"))
is_open = sync_to_async(lambda: connection.connection is not None)
pytestmark = pytest.mark.usefixtures("tables")


@pytest.fixture
def new_threads(monkeypatch):
    """Threads of this test's own, which know its settings."""
    monkeypatch.setattr("sockets.database._threads", own := [])
    yield
    for thread in own:
        thread.submit(connections.close_all)
        thread.shutdown()


@pytest.fixture
def threads(new_threads):
    """Two, which keep no connection."""
    with override_settings(SOCKETS={"DATABASE_THREADS": 2, "DATABASE_SECONDS": 0}):
        yield 2


async def test_all_calls_of_a_unit_share_a_thread_and_a_connection():
    async with database():
        assert await select() == [(1,)]
        first = await here()
        await asyncio.sleep(0)
        assert await here() == first
        assert await is_open()
    assert first != threading.get_ident()


async def test_a_connection_is_kept_for_the_next_unit_of_its_thread(new_threads):
    async with database():
        await select()
        thread = await here()
    async with database():
        assert await here() == thread
        assert await is_open()


async def test_with_0_database_seconds_a_unit_leaves_no_connection_open(new_threads):
    with override_settings(SOCKETS={"DATABASE_SECONDS": 0}):
        async with database():
            await select()
            thread = await here()
        async with database():
            assert await here() == thread  # it is used again, with a new connection
            assert not await is_open()


async def test_a_connection_that_is_too_old_is_closed_at_the_end_of_a_unit(new_threads):
    def age(seconds):
        connection.close_at -= seconds

    for seconds, kept in ((50, True), (11, False)):
        async with database():
            await select()
            await sync_to_async(age)(seconds)
        async with database():
            assert await is_open() is kept


async def test_a_connection_that_no_longer_works_is_replaced_before_its_next_use(
    new_threads, monkeypatch
):
    async with database():
        await select()
        await sync_to_async(lambda: setattr(connection, "is_usable", lambda: False))()
        broken = await sync_to_async(lambda: connection.connection)()
    async with database():
        assert await select() == [(1,)]
        assert await sync_to_async(lambda: connection.connection)() is not broken


async def test_other_threads_connections_stay_as_the_settings_of_django_say():
    def own():
        return connection.settings_dict["CONN_MAX_AGE"]

    async with database():
        assert await sync_to_async(own)() == 60
    assert await asyncio.to_thread(own) == own() == 0


async def test_what_the_debugger_notes_of_queries_ends_with_its_unit(new_threads):
    with override_settings(DEBUG=True):
        for _ in range(2):
            async with database():
                await select()
                assert await sync_to_async(lambda: len(connection.queries_log))() == 1


async def test_a_unit_inside_another_is_part_of_it(threads):
    async with database():
        thread = await here()
        async with database():
            assert await here() == thread
            await select()
        assert await is_open()


async def test_no_more_units_run_at_once_than_there_are_threads(threads):
    running, most, seen = 0, 0, set()

    async def unit():
        nonlocal running, most
        async with database():
            running += 1
            most = max(most, running)
            await select()
            seen.add(await here())
            running -= 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(10):
            tasks.create_task(unit())
    assert most == threads and len(seen) == threads


async def test_an_error_inside_a_unit_gives_its_thread_back(threads):
    for _ in range(5):
        with pytest.raises(DatabaseError):
            async with database():
                await sync_to_async(run)("SELECT nothing FROM nowhere")
    async with database():
        assert await select() == [(1,)]


async def test_a_unit_that_is_cancelled_while_it_waits_gives_nothing_away(threads):
    async def unit(go_on):
        async with database():
            await go_on.wait()

    async with asyncio.timeout(30):
        go_on = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(threads):
                tasks.create_task(unit(go_on))
            await asyncio.sleep(0)
            late = tasks.create_task(unit(go_on))  # there is no thread for it
            await asyncio.sleep(0)
            late.cancel()
            go_on.set()
        async with database(), asyncio.TaskGroup() as tasks:
            tasks.create_task(unit(go_on))


async def test_a_thread_that_still_works_for_a_cancelled_unit_serves_no_other(threads):
    begun, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work():
        run("SELECT 1")
        loop.call_soon_threadsafe(begun.set)
        goes_on.wait(30)

    async def unit():
        async with database():
            await sync_to_async(work)()

    async def one_of(both):
        async with database():
            await both.wait()
            assert not await is_open()

    async with asyncio.timeout(30):
        task = asyncio.create_task(unit())
        await begun.wait()
        task.cancel()  # it waits for the thread
        await asyncio.wait([task], timeout=0.01)
        assert not task.done()
        task.cancel()  # now it does not
        await asyncio.wait([task])
        assert task.cancelled()
        async with database():
            assert await select() == [(1,)]
        goes_on.set()
        both = asyncio.Barrier(threads)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(threads):
                tasks.create_task(one_of(both))


async def test_a_peer_that_leaves_ends_a_handler_that_waits_for_the_database(talk):
    begun, held = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work():
        loop.call_soon_threadsafe(begun.set)
        held.wait(30)

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket), database():
            await sync_to_async(work, thread_sensitive=False)()

    async with talk(handler, sockets={"LEAVE_SECONDS": 0.01}):
        await begun.wait()
    held.set()
    assert not groups.members


async def test_what_a_unit_writes_in_a_transaction_is_there_at_once_or_not_at_all(
    tables,
):
    from django.contrib.auth.models import User

    def write(fail):
        with transaction.atomic():
            User.objects.create(username="anna")
            if fail:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with database():
            await sync_to_async(write)(fail=True)
    async with database():
        assert await User.objects.acount() == 0
        await sync_to_async(write)(fail=False)
    async with database():
        assert await User.objects.acount() == 1
        await User.objects.all().adelete()


async def greet(socket):
    from django.contrib.auth.models import User

    await socket.accept()
    async for name in socket:
        async with database():
            await User.objects.acreate(username=name)
        await socket.send(f"{socket.user} brings {name}")


@override_settings(
    SOCKETS={"URLCONF": (path("greet/", greet),)}, ALLOWED_HOSTS=["testserver"]
)
class InATestCaseOfDjango(TestCase):
    """Django's own test case: each test in a transaction, undone at its end."""

    @classmethod
    def setUpTestData(cls):
        from django.contrib.auth.models import User

        cls.anna = User.objects.create(username="anna")

    async def talk(self):
        from django.contrib.auth.models import User
        from sockets.dispatch import Dispatch

        application = Dispatch(None)
        async with SocketClient(application, "/greet/", user=self.anna) as client:
            await client.send("ben")
            assert await client.receive() == "anna brings ben"
        return [user.username async for user in User.objects.order_by("username")]

    async def test_a_handler_sees_the_test_s_rows_and_the_test_the_handler_s(self):
        assert await self.talk() == ["anna", "ben"]

    async def test_and_each_test_begins_anew(self):
        assert await self.talk() == ["anna", "ben"]


async def test_nothing_of_those_tests_is_left_in_the_database():
    from django.contrib.auth.models import User

    assert await User.objects.acount() == 0


async def test_a_unit_that_is_not_an_async_with_says_how_it_is_written(application):
    with pytest.raises(HandlerError, match=r"'await' alone: write  async with databa"):
        await database()
    with pytest.raises(HandlerError, match="'with' alone"):
        with database():
            pass
    with pytest.warns(RuntimeWarning, match="never entered: write  async with databa"):
        database()
