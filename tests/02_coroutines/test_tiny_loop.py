"""The tiny loop itself: its steps, its queues, and how it tells what went wrong."""

import re
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import tiny_loop
from fake_clock import FakeClock, FakeTimeLoop, run_in_fake_time
from stepping_loop import SteppingLoop
from tiny_loop import CancelledError, Deadlock, Future, Loop, State, Task, sleep
from tiny_tools import gather, sock_recv, sock_sendall

STAGE = Path(tiny_loop.__file__).parent


class Counting(FakeClock):
    """Counts how often the loop waited or asked for sockets."""

    asked = 0

    def sleep(self, seconds: float) -> None:
        self.asked += 1
        super().sleep(seconds)


async def nothing() -> None:
    pass


async def turns(count: int, log: list[str] | None = None, name: str = "") -> None:
    for _ in range(count):
        if log is not None:
            log.append(name)
        await sleep(0)


def test_the_loop_is_made_of_the_standard_library_without_asyncio() -> None:
    text = (STAGE / "tiny_loop.py").read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE))
    assert imported <= sys.stdlib_module_names - {"asyncio", "threading"}


def test_a_step_makes_exactly_one_call() -> None:
    log: list[str] = []

    async def main() -> None:
        Task(turns(2, log, "other"))
        await turns(2, log, "main")

    loop = SteppingLoop(main(), FakeClock())
    resumed = []
    while call := loop.step():
        resumed.append((call.__self__.name, [*log]))  # type: ignore[attr-defined]
    assert resumed == [
        ("main", ["main"]),
        ("turns", ["main", "other"]),
        ("main", ["main", "other", "main"]),
        ("turns", ["main", "other", "main", "other"]),
        ("main", ["main", "other", "main", "other"]),
        ("turns", ["main", "other", "main", "other"]),
    ]


def test_a_step_with_nothing_ready_goes_to_the_next_timer() -> None:
    clock = FakeClock()
    loop = SteppingLoop(sleep_for(3), clock)
    assert loop.step() == loop.main.resume
    assert loop.main.state is State.WAITING
    assert [due for due, *_ in loop.timers] == [3]
    assert loop.step() == loop.wait_for_something
    assert (clock.now, len(loop.ready)) == (3, 1)
    assert loop.step() is not None  # the timer's future is done now
    assert loop.main.state is State.READY
    assert loop.step() == loop.main.resume
    assert loop.main.state is State.DONE
    assert loop.step() is None
    assert loop.step() is None


async def sleep_for(delay: float) -> str:
    await sleep(delay)
    return "slept"


def test_a_task_is_running_only_while_its_coroutine_runs() -> None:
    seen = []

    async def look() -> None:
        seen.append(loop.main.state)

    loop = SteppingLoop(look(), FakeClock())
    assert loop.main.state is State.READY
    loop.step()
    assert seen == [State.RUNNING]
    assert [task.name for task in loop.ended] == ["look"]
    assert not loop.tasks


def test_a_newcomer_waits_for_the_next_turn() -> None:
    log: list[str] = []

    def again() -> None:
        log.append("again")
        tiny_loop.get_loop().call_soon(again)  # every turn, for ever

    async def main() -> None:
        tiny_loop.get_loop().call_soon(again)
        await sleep(0.001)  # real time: it passes although there is always one ready

    tiny_loop.run(main())
    assert log


def test_a_waiting_loop_does_not_spin() -> None:
    clock = Counting()
    assert FakeTimeLoop(clock).run(sleep_for(1000)) == "slept"
    assert clock.asked == 1


def test_a_switch_asks_nobody_where_there_are_no_timers_and_no_sockets() -> None:
    clock = Counting()
    FakeTimeLoop(clock).run(turns(100))
    assert clock.asked == 0


def test_equal_times_wake_the_older_sleeper_first() -> None:
    log: list[int] = []

    async def wait(n: int) -> None:
        await sleep(1)
        log.append(n)

    async def main() -> None:
        await gather(*(wait(n) for n in range(50)))

    run_in_fake_time(main())
    assert log == list(range(50))


def test_real_time_passes_as_asked() -> None:
    start = perf_counter()
    tiny_loop.run(sleep_for(0.05))
    assert 0.049 < perf_counter() - start < 2


def test_a_cancelled_sleep_is_not_waited_for() -> None:
    clock = Counting()

    async def main() -> None:
        task = Task(sleep_for(1))
        await sleep(0)
        task.cancel()
        await sleep(2)

    FakeTimeLoop(clock).run(main())
    assert clock.now == 2
    assert clock.asked == 1  # not at 1 s, where the cancelled timer is


def test_cancelling_throws_into_the_coroutine_where_it_waits() -> None:
    log = []

    async def tidy() -> None:
        try:
            await sleep(100)
        except CancelledError:
            log.append("thrown")
            raise
        finally:
            log.append("tidied up")

    async def main() -> None:
        task = Task(tidy())
        await sleep(0)
        assert task.cancel() is True
        with pytest.raises(CancelledError):
            await task
        assert task.cancel() is False

    run_in_fake_time(main())
    assert log == ["thrown", "tidied up"]


def test_an_error_reaches_whoever_awaits_the_task() -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def main() -> str:
        try:
            await Task(fail())
        except ValueError as error:
            return str(error)
        return "nothing was raised"

    assert tiny_loop.run(main()) == "no"


def test_an_error_of_main_is_raised_by_run(capfd: pytest.CaptureFixture[str]) -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        tiny_loop.run(fail())
    assert capfd.readouterr().err == ""  # told once


@pytest.mark.parametrize("where", [Task, gather])
def test_an_error_that_nobody_awaits_is_printed_with_its_traceback(
    where: Callable[[Any], Future], capfd: pytest.CaptureFixture[str]
) -> None:
    async def fail() -> None:
        raise ValueError("nobody hears this")

    async def main() -> None:
        where(fail())
        await sleep(0.01)

    tiny_loop.run(main())
    told = capfd.readouterr().err
    assert "in fail" in told
    assert told.count("ValueError: nobody hears this") == 1


def test_an_error_that_is_awaited_late_is_not_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def fail() -> None:
        raise ValueError

    async def main() -> None:
        task = Task(fail())
        await sleep(0.01)
        with pytest.raises(ValueError):
            await task

    tiny_loop.run(main())
    assert capfd.readouterr().err == ""


def test_a_callback_that_fails_ends_the_run() -> None:
    async def main() -> None:
        tiny_loop.get_loop().call_soon(lambda: 1 / 0)
        await sleep(1000)

    with pytest.raises(ZeroDivisionError):
        tiny_loop.run(main())


def test_a_deadlock_names_who_waits_where() -> None:
    async def stuck(future: Future) -> None:
        await future

    async def main() -> None:
        await Task(stuck(Future()), "the stuck one")

    with pytest.raises(Deadlock) as caught:
        tiny_loop.run(main())
    first = main.__code__.co_firstlineno
    assert str(caught.value) == (
        f"main, {__file__}:{first + 1} waits; "
        f"the stuck one, {__file__}:{first - 2} waits"
    )


def test_a_deadlock_lets_the_tasks_clean_up() -> None:
    log = []

    async def main() -> None:
        try:
            await Future()
        finally:
            await sleep(0.01)
            log.append("cleaned up")

    with pytest.raises(Deadlock):
        tiny_loop.run(main())
    assert log == ["cleaned up"]


def test_a_task_that_is_cut_off_gets_to_clean_up() -> None:
    log = []

    async def left() -> None:
        try:
            await sleep(1000)
        finally:
            await sleep(0.01)
            log.append("cleaned up")

    async def main() -> None:
        Task(left())
        await sleep(0)

    tiny_loop.run(main())
    assert log == ["cleaned up"]


def test_ctrl_c_ends_all_tasks_and_is_passed_on() -> None:
    log = []

    async def other() -> None:
        try:
            await sleep(1000)
        finally:
            log.append("cleaned up")

    async def interrupted() -> None:
        raise KeyboardInterrupt  # as Python does wherever it is when Ctrl-C is pressed

    async def main() -> None:
        Task(other())
        Task(interrupted())
        await sleep(1000)

    with pytest.raises(KeyboardInterrupt):
        run_in_fake_time(main())
    assert log == ["cleaned up"]


def test_the_first_result_of_a_future_counts() -> None:
    async def main() -> object:
        future = Future()
        assert future.set_result(1) is True
        assert future.set_result(2) is False
        assert future.cancel() is False
        return await future

    assert tiny_loop.run(main()) == 1


def test_a_result_that_is_not_there_yet_is_an_error() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="no result yet: await it first"):
            Future().result()

    tiny_loop.run(main())


def test_something_that_is_no_future_fails_the_task_that_awaits_it() -> None:
    class Wrong:
        def __await__(self) -> Any:
            yield "a wish that nobody knows"

    async def main() -> None:
        await Wrong()

    with pytest.raises(
        RuntimeError, match="not for 'a wish that nobody knows'"
    ) as told:
        tiny_loop.run(main())
    assert "in main" in "".join(traceback.format_exception(told.value))


def test_a_task_of_something_that_is_no_coroutine_is_an_error() -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="a coroutine was expected, got <function"):
            tiny_loop.create_task(main)  # type: ignore[arg-type]

    tiny_loop.run(main())


def test_a_run_that_cannot_begin_leaves_no_loop_behind() -> None:
    with pytest.raises(TypeError, match="a coroutine was expected"):
        tiny_loop.run(turns)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="no tiny loop runs"):
        tiny_loop.get_loop()


def test_a_future_outside_a_loop_is_an_error_that_says_how_to_start_one() -> None:
    with pytest.raises(RuntimeError, match=r"start it with tiny_loop\.run\(main\(\)\)"):
        Future()


def test_a_loop_in_a_task_of_another_loop_leaves_that_one_alone() -> None:
    async def main() -> str:
        inner = tiny_loop.run(sleep_for(0.001))
        return f"{inner} twice: {await Task(sleep_for(0.001))}"

    assert tiny_loop.run(main()) == "slept twice: slept"


def test_loops_in_two_threads_do_not_meet() -> None:
    results: list[object] = []

    def run() -> None:
        results.append(tiny_loop.run(sleep_for(0.01)))

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert results == ["slept"] * 5


def test_ended_tasks_are_let_go() -> None:
    async def main() -> None:
        for _ in range(200):
            await Task(nothing())

    loop = Loop()
    loop.run(main())
    assert not loop.tasks
    assert not loop.unseen


def test_a_cancelled_read_leaves_no_socket_in_the_selector() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)

        async def main() -> int:
            task = Task(sock_recv(far, 10))
            await sleep(0)
            watched = len(tiny_loop.get_loop().selector.get_map())
            task.cancel()
            with pytest.raises(CancelledError):
                await task
            return watched - len(tiny_loop.get_loop().selector.get_map())

        assert tiny_loop.run(main()) == 1


def test_a_socket_is_looked_at_while_others_are_always_ready() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)

        async def busy() -> None:
            while True:
                await sleep(0)

        async def main() -> bytes:
            Task(busy())
            reader = Task(sock_recv(far, 10))
            await sleep(0)
            near.send(b"hello")
            return bytes(await reader)

        assert tiny_loop.run(main()) == b"hello"


def test_a_blocking_socket_is_refused() -> None:
    near, far = socket.socketpair()
    with near, far, pytest.raises(ValueError, match=r"sock\.setblocking\(False\)"):
        tiny_loop.run(sock_sendall(near, b"x"))


def test_a_fake_clock_lets_sockets_go_first() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        clock = FakeClock()

        async def main() -> tuple[bytes, float]:
            reader = Task(sock_recv(far, 10))
            Task(sleep_for(1000))
            await sleep(0)
            await sock_sendall(near, b"at once")
            return await reader, clock.now

        assert FakeTimeLoop(clock).run(main()) == (b"at once", 0.0)


def test_a_loop_closes_its_selector() -> None:
    loop = Loop()
    loop.run(nothing())
    assert loop.selector.get_map() is None


def test_the_articles_program_takes_as_long_as_the_longer_wait(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import tiny_fetch_receive

    _, seconds = run_in_fake_time(tiny_fetch_receive.main())
    assert seconds == pytest.approx(2.25)
    assert capsys.readouterr().out == "task one awaited\n"
