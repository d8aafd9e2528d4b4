"""One program, two loops: the tiny loop does what asyncio does, in the same order."""

import asyncio
import contextlib
import gc
import itertools
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import pytest
import tiny_loop
import tiny_tools
from fake_clock import FakeClock, FakeTimeLoop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stepping_loop import SteppingLoop

Log = Callable[..., None]
Program = Callable[[Any, Log], Coroutine[Any, Any, Any]]
STUCK = "nobody can ever go on"


class StuckError(Exception):
    """asyncio would wait for ever here."""


class Clock(FakeClock):
    """Tells of asyncio's deadlocks, too, instead of waiting for ever."""

    stuck = False

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(0 if timeout is None else timeout)
        if not events and timeout is None:
            sockets = len(self.get_map()) - 1  # one is asyncio's own
            if sockets < 1:
                self.stuck = True
                raise StuckError
            return super().select(None)
        return events


class FairLoop(asyncio.SelectorEventLoop):
    """asyncio's loop with a fake clock, and with an order of timers that tie.

    asyncio's heap compares nothing but times, so that any of several timers of the
    same time may be first. Here it is the oldest, as it is in the tiny loop.
    """

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.time = clock.monotonic  # type: ignore[method-assign]
        self.set_exception_handler(lambda loop, context: None)

    def call_at(self, when: float, *args: Any, **options: Any) -> asyncio.TimerHandle:
        return super().call_at(Due(when), *args, **options)


class Due(float):
    """A time that is less than an equal one that was made later."""

    numbers = itertools.count()

    def __init__(self, _: float) -> None:
        self.number = next(self.numbers)

    def __lt__(self, other: float) -> bool:
        if isinstance(other, Due) and float(self) == float(other):
            return self.number < other.number
        return float(self) < float(other)


class OnAsyncio:
    """What the programs below use of a loop, as asyncio has it."""

    CancelledError = asyncio.CancelledError
    create_task = staticmethod(asyncio.create_task)
    gather = staticmethod(asyncio.gather)
    sleep = staticmethod(asyncio.sleep)

    def __init__(self) -> None:
        self.clock = Clock()

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        loop = FairLoop(self.clock)
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                return runner.run(main)
        finally:
            # A task that others start while they clean up may never begin: asyncio
            # cancels once, and Python would say that it was never awaited.
            for task in asyncio.all_tasks(loop):
                coro = task.get_coro()
                assert coro is not None  # it is None only for eager tasks
                coro.close()

    def future(self) -> Any:
        return asyncio.get_running_loop().create_future()

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        asyncio.get_running_loop().call_soon(function, *args)

    def when_done(self, future: Any, function: Callable[[], object]) -> None:
        future.add_done_callback(lambda _: function())

    def set_error(self, future: Any, error: Exception) -> None:
        future.set_exception(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio.get_running_loop(), name)  # sock_recv and so on


class Noting(FakeTimeLoop):
    """Notes a deadlock in the clock: what the program logs after it is left out."""

    clock: Clock

    def wait_for_something(self) -> None:
        try:
            super().wait_for_something()
        except tiny_loop.Deadlock:
            self.clock.stuck = True
            raise


class Stepped(Noting, SteppingLoop):
    pass


class OnTinyLoop:
    """The same of the tiny loop."""

    CancelledError = tiny_loop.CancelledError
    create_task = staticmethod(tiny_loop.create_task)
    gather = staticmethod(tiny_tools.gather)
    sleep = staticmethod(tiny_loop.sleep)
    future = tiny_loop.Future
    sock_accept = staticmethod(tiny_tools.sock_accept)
    sock_recv = staticmethod(tiny_tools.sock_recv)
    sock_sendall = staticmethod(tiny_tools.sock_sendall)

    def __init__(self) -> None:
        self.clock = Clock()

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        return Noting(self.clock).run(main)

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        tiny_loop.get_loop().call_soon(partial(function, *args))

    def when_done(self, future: Any, function: Callable[[], object]) -> None:
        loop = tiny_loop.get_loop()
        future.when_done(lambda: loop.call_soon(function))

    def set_error(self, future: Any, error: Exception) -> None:
        future.set_exception(error)


class OnSteps(OnTinyLoop):
    """The tiny loop, one step at a time, as the stepper runs it."""

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        loop = Stepped(main, self.clock)
        try:
            while loop.step():
                pass
            return loop.main.result()
        finally:
            for task in loop.tasks:
                task.coro.close()
            loop.selector.close()


def events(on: type, program: Program) -> list[Any]:
    """What a program logs on a loop, with the times, and how it ends.

    What happens after main's end is left out: there asyncio cancels the tasks that
    are left in any order.
    """
    api = on()
    log: list[Any] = []
    end: list[Any] = []  # how main ended

    def note(*what: object) -> None:
        if not end and not api.clock.stuck:
            log.append((round(api.clock.monotonic(), 6), *what))

    def ends(*how: object) -> None:
        if not end and not api.clock.stuck:
            end.append(how)

    async def main() -> Any:
        try:
            result = await program(api, note)
        except BaseException as error:
            ends("raised", type(error).__name__, str(error))
            raise
        ends("returned", result)
        return result

    try:
        returned = api.run(main())
        assert end == [("returned", returned)]
    except (StuckError, tiny_loop.Deadlock):  # main waits, or one that outlives it
        end = end or [STUCK]
    except (Exception, api.CancelledError) as error:
        assert end == [("raised", type(error).__name__, str(error))]
    return [*log, *end]


async def fetch_and_receive(api: Any, log: Log) -> None:
    async def fetch() -> None:
        await api.sleep(2)
        log("fetched")

    async def receive() -> None:
        for n in range(10):
            await api.sleep(0.225)
            log("received", n)

    task1 = api.create_task(fetch())
    task2 = api.create_task(receive())
    await task1
    log("task one awaited")
    await task2


async def equal_times(api: Any, log: Log) -> None:
    async def wait(name: str, delays: list[float]) -> None:
        for delay in delays:
            await api.sleep(delay)
        log(name)
        await api.sleep(0)  # whoever is due at the same time comes first
        log(name, "again")

    await api.gather(
        wait("ten times", [0.2] * 10),
        wait("once", [2]),
        wait("twice", [1, 1]),
        wait("late", [2.1]),
    )


async def taking_turns(api: Any, log: Log) -> None:
    async def count(name: str, turns: int) -> str:
        for n in range(turns):
            log(name, n)
            await api.sleep(0)
        return name

    tasks = [
        api.create_task(count(name, n))
        for name, n in zip("abc", (3, 1, 2), strict=True)
    ]
    for task in tasks:
        log("awaited", await task, task.done())
        await task  # is done: does not give control back
        log("again")


async def nested(api: Any, log: Log) -> int:
    async def grow(depth: int) -> int:
        log("in", depth)
        if depth == 0:
            await api.sleep(0.5)
            return 1
        children = [api.create_task(grow(depth - 1)) for _ in range(2)]
        total = sum([await child for child in children])
        log("out", depth, total)
        return total

    return await grow(4)


async def cancellation(api: Any, log: Log) -> None:
    async def stubborn() -> str:
        try:
            await api.sleep(1)
        except api.CancelledError:
            log("not me")
            await api.sleep(1)
        return "stayed"

    async def tidy() -> None:
        try:
            await api.sleep(9)
        finally:
            log("tidies up")
            await api.sleep(0.25)
            log("tidy")

    async def never_begun() -> None:
        log("this is not logged")

    async def wrapper(inner: Any) -> None:
        await inner

    async def itself() -> None:
        me[0].cancel()
        log("still here")
        await api.sleep(0)
        log("this is not logged")

    me: list[Any] = []
    inner = api.create_task(tidy())
    tasks = [
        api.create_task(stubborn()),
        inner,
        api.create_task(wrapper(inner)),
        api.create_task(itself()),
    ]
    me.append(tasks[3])
    await api.sleep(0.5)
    late = api.create_task(never_begun())
    log([task.cancel() for task in (tasks[0], tasks[2], tasks[3], late)])
    for task in [*tasks, late]:
        try:
            log(await task)
        except api.CancelledError:
            log("was cancelled", task.cancel())


async def cancelled_while_ready(api: Any, log: Log) -> None:
    future = api.future()

    async def wait() -> None:
        try:
            log(await future)
        except api.CancelledError:
            log("cancelled, although the result was there")

    task = api.create_task(wait())
    await api.sleep(0)
    future.set_result("result")
    log(task.cancel())
    await task


async def ends_although_cancelled(api: Any, log: Log) -> None:
    async def end() -> str:
        me[0].cancel()
        return "the result is lost"

    me = [api.create_task(end())]
    await me[0]


async def exceptions(api: Any, log: Log) -> None:
    async def fail(delay: float) -> None:
        await api.sleep(delay)
        raise ValueError(delay)

    tasks = [api.create_task(fail(delay)) for delay in (0.5, 0, 1)]
    for task in tasks:
        try:
            await task
        except ValueError as error:
            log(repr(error))
    for task in tasks:
        with contextlib.suppress(ValueError):
            task.result()
            log("no error?")
    await fail(0.5)


async def lost_tasks(api: Any, log: Log) -> str:
    async def lost(turns: int) -> None:
        for _ in range(turns):
            await api.sleep(0)
        log("lost", turns)

    for turns in range(3):
        api.create_task(lost(turns))
    return "main does not wait"


async def gathering(api: Any, log: Log) -> None:
    async def work(name: str, delay: float, error: bool = False) -> str:
        try:
            await api.sleep(delay)
            log(name, "slept")
            if error:
                raise ValueError(name)
        except api.CancelledError:
            log(name, "cancelled")
            raise
        return name

    log(await api.gather())
    log(await api.gather(work("a", 2), work("b", 1), work("c", 0)))
    try:
        await api.gather(work("d", 2), work("e", 1, error=True), work("f", 0))
    except ValueError as error:
        log(repr(error))
    both = api.create_task(outer(api, work("g", 5), work("h", 4)))
    await api.sleep(2)
    both.cancel()
    try:
        await both
    except api.CancelledError:
        log("all cancelled")
    task = api.create_task(work("i", 1))
    pair = api.gather(task, work("j", 2))
    await api.sleep(0)
    task.cancel()
    try:
        await pair
    except api.CancelledError:
        log("one was cancelled")
    await api.sleep(3)


async def gathering_what_is_done(api: Any, log: Log) -> None:
    async def end() -> str:
        return "done before"

    task = api.create_task(end())
    await task
    log(await api.gather(task, api.sleep(1)))


async def outer(api: Any, *coros: Coroutine[Any, Any, Any]) -> Any:
    return await api.gather(*coros)


async def gather_of_the_stubborn(api: Any, log: Log) -> None:
    async def stubborn(name: str) -> str:
        with contextlib.suppress(api.CancelledError):
            await api.sleep(5)
        log(name, "goes on")
        await api.sleep(1)
        return name

    both = api.create_task(outer(api, stubborn("a"), stubborn("b")))
    await api.sleep(1)
    both.cancel()
    try:
        log(await both)
    except api.CancelledError:
        log("cancelled once they had ended")


async def gather_cancelled_after_an_error(api: Any, log: Log) -> None:
    async def fail() -> None:
        raise ValueError

    async def work() -> None:
        try:
            await api.sleep(1)
            log("works on: a gather that has failed cancels nobody")
        except api.CancelledError:
            log("cancelled")

    both = api.create_task(outer(api, fail(), work()))
    for _ in range(3):  # the error is on its way from the child to the gather
        await api.sleep(0)
    log(both.done())
    both.cancel()
    try:
        await both
    except (ValueError, api.CancelledError) as error:
        log(type(error).__name__)
    await api.sleep(2)


async def handing_over(api: Any, log: Log) -> None:
    """A queue made of futures: each ``get`` waits for the next ``put``."""
    items: list[int] = []
    getters: list[Any] = []

    def put(item: int) -> None:
        if getters:
            getters.pop(0).set_result(item)
        else:
            items.append(item)

    async def get() -> int:
        if items:
            return items.pop(0)
        future = api.future()
        getters.append(future)
        return int(await future)

    async def consume(name: str) -> None:
        while (item := await get()) >= 0:
            log(name, item)

    async def produce() -> None:
        for item in range(10):
            put(item)
            if item % 3 == 0:
                await api.sleep(0.25)
        for _ in range(2):
            put(-1)

    await api.gather(consume("a"), consume("b"), produce())


async def callbacks(api: Any, log: Log) -> None:
    async def one() -> None:
        log("one runs")

    future = api.future()
    api.when_done(future, lambda: log("done, first"))
    api.when_done(future, lambda: log("done, second"))
    task = api.create_task(one())
    api.call_soon(log, "called soon")
    api.call_soon(future.set_result, 1)
    await future
    log("awaited")
    await task
    failing = api.future()
    api.call_soon(api.set_error, failing, KeyError("k"))
    await failing


async def deadlock(api: Any, log: Log) -> None:
    log("waits")
    await api.future()


async def sockets(api: Any, log: Log) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)

        async def read() -> None:
            log("reads")
            while data := await api.sock_recv(far, 100):
                log("read", data)
            log("end")

        async def write() -> None:
            for text in (b"one", b"two", b"three"):
                await api.sleep(0.5)
                await api.sock_sendall(near, text)
                log("sent", text)
            near.shutdown(socket.SHUT_WR)

        await api.gather(read(), write())


async def large_transfer(api: Any, log: Log) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)

        async def read() -> int:
            total = 0
            while data := await api.sock_recv(far, 4096):
                total += len(data)
            return total

        task = api.create_task(read())
        await api.sock_sendall(near, b"x" * 3_000_000)
        log("sent")
        near.shutdown(socket.SHUT_WR)
        log(await task)


async def cancelled_read(api: Any, log: Log) -> None:
    near, far = socket.socketpair()
    with near, far:
        far.setblocking(False)
        task = api.create_task(api_recv(api, far))
        await api.sleep(0.5)
        task.cancel()
        try:
            await task
        except api.CancelledError:
            log("cancelled")
        near.send(b"for the next one")
        log(await api.sock_recv(far, 100))


async def api_recv(api: Any, sock: socket.socket) -> Any:
    return await api.sock_recv(sock, 100)


async def connections(api: Any, log: Log) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        with socket.create_connection(server.getsockname()) as client:
            peer, _ = await api.sock_accept(server)
            with peer:
                client.sendall(b"ping")
                log(await api.sock_recv(peer, 100), peer.getblocking())


PROGRAMS: list[Program] = [
    fetch_and_receive,
    equal_times,
    taking_turns,
    nested,
    cancellation,
    cancelled_while_ready,
    ends_although_cancelled,
    exceptions,
    lost_tasks,
    gathering,
    gathering_what_is_done,
    gather_of_the_stubborn,
    gather_cancelled_after_an_error,
    handing_over,
    callbacks,
    deadlock,
    sockets,
    large_transfer,
    cancelled_read,
    connections,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_does_the_same_on_both_loops(program: Program) -> None:
    on_asyncio = events(OnAsyncio, program)
    assert on_asyncio
    assert events(OnTinyLoop, program) == on_asyncio
    assert events(OnSteps, program) == on_asyncio


def test_a_task_that_main_leaves_behind_gets_one_more_turn_on_both_loops() -> None:
    def leave(api: Any) -> list[str]:
        happened: list[str] = []

        async def left(name: str) -> None:
            happened.append(f"{name} began")
            await api.sleep(0)
            happened.append(f"{name} went on")

        async def main() -> None:
            api.create_task(left("a"))
            api.create_task(left("b"))

        api.run(main())
        return happened

    for api in (OnAsyncio(), OnTinyLoop(), OnSteps()):
        assert leave(api) == ["a began", "b began"]


# Generated programs: a task is a list of things that it does one after the other.
Step = tuple[Any, ...]


def steps(inner: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    return st.lists(inner, max_size=5)


SMALL = st.integers(0, 5)
SIMPLE: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("sleep"), st.sampled_from([0, 0, 0.25, 0.5, 0.75])),
    st.tuples(st.just("await"), SMALL),
    st.tuples(st.just("cancel"), SMALL),
    st.tuples(st.just("set"), SMALL),
    st.tuples(st.just("wait"), SMALL),
    st.tuples(st.just("raise")),
)
STEP = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.tuples(st.just("spawn"), steps(inner)),
        st.tuples(st.just("spawn"), steps(inner)),
        st.tuples(st.just("gather"), st.lists(steps(inner), max_size=3)),
        st.tuples(st.just("finally"), steps(inner), steps(inner)),
        st.tuples(st.just("swallow"), steps(inner)),
    ),
    max_leaves=25,
)


class Generated:
    """Runs a list of steps on a loop; each task may cancel every other one."""

    def __init__(self, plan: list[Step], api: Any, log: Log) -> None:
        self.plan, self.api, self.log = plan, api, log
        self.tasks: list[Any] = []
        self.futures = [api.future() for _ in range(3)]
        self.names: Iterator[int] = iter(range(1, 10_000))

    async def main(self) -> object:
        return await self.task(self.plan)

    async def task(self, plan: list[Step]) -> int:
        name, children = next(self.names), list[Any]()
        self.log(name, "begins")
        try:
            await self.do(name, children, plan)
        except BaseException as error:
            self.log(name, type(error).__name__)
            raise
        self.log(name, "ends")
        return name

    async def do(self, name: int, children: list[Any], plan: list[Step]) -> None:
        for number, (kind, *args) in enumerate(plan):
            try:
                result = await getattr(self, "do_" + kind)(name, children, *args)
                self.log(name, number, kind, result)
            except ValueError as error:
                self.log(name, number, kind, repr(error))
                if kind == "raise":
                    raise

    async def do_sleep(self, name: int, children: list[Any], delay: float) -> None:
        await self.api.sleep(delay)

    async def do_spawn(self, name: int, children: list[Any], plan: list[Step]) -> None:
        children.append(self.api.create_task(self.task(plan)))
        self.tasks.append(children[-1])

    async def do_await(self, name: int, children: list[Any], number: int) -> Any:
        return await children[number % len(children)] if children else None

    async def do_cancel(self, name: int, children: list[Any], number: int) -> Any:
        if not self.tasks:
            return None
        return self.tasks[number % len(self.tasks)].cancel()

    async def do_set(self, name: int, children: list[Any], number: int) -> None:
        future = self.futures[number % 3]
        if not future.done():
            future.set_result(name)

    async def do_wait(self, name: int, children: list[Any], number: int) -> Any:
        return await self.futures[number % 3]

    async def do_raise(self, name: int, children: list[Any]) -> None:
        raise ValueError(name)

    async def do_gather(
        self, name: int, children: list[Any], plans: list[list[Step]]
    ) -> Any:
        return await self.api.gather(*(self.task(plan) for plan in plans))

    async def do_finally(
        self, name: int, children: list[Any], plan: list[Step], cleanup: list[Step]
    ) -> None:
        try:
            await self.do(name, children, plan)
        except GeneratorExit:  # thrown away by a loop that is stuck: no time to wait
            raise
        except BaseException:
            await self.do(name, children, cleanup)
            raise
        await self.do(name, children, cleanup)

    async def do_swallow(
        self, name: int, children: list[Any], plan: list[Step]
    ) -> str | None:
        try:
            await self.do(name, children, plan)
        except self.api.CancelledError:
            return "swallowed"
        return None


def generated(plan: list[Step]) -> Program:
    def program(api: Any, log: Log) -> Awaitable[object]:
        return Generated(plan, api, log).main()

    async def begin(api: Any, log: Log) -> object:
        return await program(api, log)  # futures are made once the loop runs

    return begin


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, min_size=1, max_size=8))
def test_a_generated_program_does_the_same_on_both_loops(plan: list[Step]) -> None:
    on_asyncio = events(OnAsyncio, generated(plan))
    assert events(OnTinyLoop, generated(plan)) == on_asyncio
    assert events(OnSteps, generated(plan)) == on_asyncio


def test_a_task_that_never_begins_is_closed_without_a_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    # Each of many tasks starts the next one, in the clean-up after main's end.
    started: list[Step] = []
    for _ in range(20):
        started = [("spawn", started)]
    left: Step = ("spawn", [("finally", [("wait", 0)], started)])
    for on in (OnAsyncio, OnTinyLoop, OnSteps):
        events(on, generated([left, ("sleep", 0)]))
    gc.collect()
    assert not recwarn.list
