"""The first step by hand, the rest in a task: as if a task had run all of it."""

import asyncio

import pytest
from sockets.eager import first_step


class WithoutThrow:
    """An awaitable whose iterator is no generator, as granian's ``send()`` gives it."""

    def __init__(self, future):
        self.future = future

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self.future.done():
            raise StopIteration
        self.future._asyncio_future_blocking = True
        return self.future


async def waits_for(future):
    await future


EACH = pytest.mark.parametrize("kind", [waits_for, WithoutThrow])


async def begun(kind):
    """A future, and a task that waits for it."""
    future = asyncio.get_running_loop().create_future()
    rest = first_step(kind(future))

    async def finish():
        await rest

    task = asyncio.create_task(finish())
    await asyncio.sleep(0)
    return future, task


@EACH
async def test_a_sending_that_waits_goes_on_when_its_future_is_done(kind):
    future, task = await begun(kind)
    assert not task.done()
    future.set_result(None)
    assert await task is None


@EACH
async def test_a_sending_that_waits_can_be_cancelled(kind):
    _, task = await begun(kind)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@EACH
async def test_a_sending_that_waits_for_a_failure_raises_it(kind):
    future, task = await begun(kind)
    future.set_exception(ConnectionResetError("the peer is gone"))
    with pytest.raises(ConnectionResetError, match="the peer is gone"):
        await task


async def test_a_sending_may_catch_its_cancellation_and_wait_again():
    loop = asyncio.get_running_loop()
    again = loop.create_future()

    async def stubborn(future):
        try:
            await future
        except asyncio.CancelledError:
            await again

    _, task = await begun(stubborn)
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not task.done()
    again.set_result(None)
    assert await task is None
