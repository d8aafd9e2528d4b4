"""The article's claims 1 to 6, each held by running it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from time import perf_counter

import fetch_receive
import parallelism
import pytest
import three_ways
import what_blocks

from tests.support.fake_clock import block, run, story


def test_claim_1_one_statement_finishes_before_the_next_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the first one takes: it has nothing to do with a clock."""
    for seconds in (0.001, 1000):
        monkeypatch.setattr(three_ways, "FETCH", seconds)
        monkeypatch.setattr(time, "sleep", block)
        told = story(three_ways.one_after_the_other())
        assert told.lines == ["fetched", "received"]
        assert told.at("fetched") == seconds


def test_claim_2_coroutines_ran_on_generators_before_async_and_await() -> None:
    """A generator that yields to whoever resumes it takes turns with another."""
    turns = []

    def generator(name: str, times: int) -> Iterator[None]:
        for _ in range(times):
            turns.append(name)
            yield

    waiting = [generator("fetch", 1), generator("receive", 2)]
    while waiting:
        first = waiting.pop(0)
        try:
            next(first)
            waiting.append(first)
        except StopIteration:
            pass
    assert turns == ["fetch", "receive", "receive"]


def test_claim_2_callbacks_take_turns_without_async_and_await() -> None:
    """``call_later`` and a callback do the article's two waits together."""
    loop = asyncio.new_event_loop()
    heard: list[str] = []

    def receive(pieces: int) -> None:
        if pieces:
            loop.call_later(0.001, receive, pieces - 1)
        else:
            heard.append("received")
            loop.stop()

    loop.call_later(0.0005, heard.append, "fetched")
    receive(10)
    loop.run_forever()
    loop.close()
    assert heard == ["fetched", "received"]


def test_claim_3_create_task_returns_a_task_that_has_not_begun() -> None:
    """It is a kind of Future; it begins when the current task gives control back."""

    async def main() -> None:
        begun = []

        async def fetch() -> None:
            begun.append(True)

        task = asyncio.create_task(fetch())
        assert type(task) is asyncio.Task
        assert isinstance(task, asyncio.Future)
        assert not begun
        await asyncio.sleep(0)
        assert begun

    run(main())


def test_claim_3_a_task_is_scheduled_at_once() -> None:
    """It runs without ever being awaited, in the order of creation."""

    async def main() -> list[str]:
        begun: list[str] = []

        async def begin(name: str) -> None:
            begun.append(name)

        tasks = [asyncio.create_task(begin(name)) for name in ("first", "second")]
        await asyncio.sleep(0)
        assert all(task.done() for task in tasks)
        return begun

    assert run(main()) == ["first", "second"]


def test_claim_4_the_loop_begins_at_asyncio_run_and_not_at_an_await() -> None:
    """Every await is on a loop that already runs."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()

    async def main() -> bool:
        return asyncio.get_running_loop().is_running()  # before any await

    assert run(main())


def test_claim_4_awaiting_a_done_task_does_not_give_way() -> None:
    """What is ready meanwhile stays so until the next await that has to wait."""

    async def main() -> None:
        done = asyncio.create_task(asyncio.sleep(0))
        await done
        begun: list[bool] = []
        asyncio.get_running_loop().call_soon(begun.append, True)
        await done
        assert not begun
        await asyncio.sleep(0)
        assert begun

    run(main())


def test_claim_5_together_the_two_waits_take_2_25_s() -> None:
    """'task one awaited' appears at 2.0 s."""
    told = story(fetch_receive.main())
    assert told.printed == [(2.0, "task one awaited")]
    assert told.seconds == pytest.approx(2.25)


def test_claim_5_one_after_the_other_the_two_waits_take_4_25_s() -> None:
    """The same coroutines, awaited directly."""
    told = story(fetch_receive.one_after_the_other())
    assert told.printed == [(2.0, "task one awaited")]
    assert told.seconds == pytest.approx(4.25)


def test_claim_5_holds_in_real_time() -> None:
    """The article's program takes 2.25 s on the real clock, too.

    And not 4.25 s: a machine that stands still for a second changes nothing of that.
    """
    start = perf_counter()
    asyncio.run(fetch_receive.main())
    assert 2.2 < perf_counter() - start < 4.2


def test_claim_6_a_coroutine_that_never_gives_way_starves_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Coroutines cooperate: not one tick happens while another one blocks."""
    monkeypatch.setattr(time, "sleep", block)
    assert story(what_blocks.blocks()).lines == ["ticks meanwhile: 0"]
    assert story(what_blocks.waits()).lines == ["ticks meanwhile: 8"]


def test_claim_6_a_thread_is_preempted_in_the_middle_of_a_computation() -> None:
    """Another thread gets its turn though the first one never offers it."""
    heard = threading.Event()
    other = threading.Thread(target=heard.set)
    other.start()
    deadline = perf_counter() + 10
    while not heard.is_set() and perf_counter() < deadline:
        pass  # never waits, never gives control back
    other.join()
    assert heard.is_set()


def test_claim_6_computations_as_coroutines_run_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Concurrency is not parallelism: they are never in the middle at once."""
    most = now = 0

    def heavy() -> int:
        nonlocal most, now
        now += 1
        most = max(most, now)
        block(0.2)
        now -= 1
        return 0

    monkeypatch.setattr(parallelism, "heavy", heavy)
    told = story(parallelism.as_coroutines())
    assert most == 1
    assert told.seconds == pytest.approx(0.8)
