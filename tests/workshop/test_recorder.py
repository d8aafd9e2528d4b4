"""The recorder notes what a program does, and changes nothing of it."""

import asyncio
import contextlib
import contextvars
import gc
import io
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import lifetimes
import pytest
import waiting
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_clock import block, run, story
from workshop.pictures import recorder
from workshop.pictures.recorder import Driven, Outcome, Recording, doors
from workshop.pictures.timeline import Timeline, record

Program = Callable[[], Coroutine[Any, Any, Any]]
MACHINERY = str(Path(recorder.__file__).parent)
who = contextvars.ContextVar("who", default="nobody")


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder reads the fake clock of the loop that runs the program."""

    def now() -> float:
        return asyncio.get_running_loop().time()

    for module in ("record", "driver", "doors"):
        path = f"workshop.pictures.recorder.{module}.perf_counter"
        monkeypatch.setattr(path, now)


def recorded(program: Program, title: str = "") -> Timeline:
    """The timeline of a program, run in fake time."""
    timeline: Timeline = run(record(program(), title))
    return timeline


# --- What a program does is the same with and without a recorder ------------------


Event = tuple[float, str]


class Log:
    """What happened when, and in which context."""

    def __init__(self) -> None:
        self.events: list[tuple[float, str, str]] = []

    def __call__(self, *words: object) -> None:
        now = round(asyncio.get_running_loop().time(), 6)
        self.events.append((now, who.get(), " ".join(map(str, words))))


def told(program: Callable[[Log], Coroutine[Any, Any, Any]]) -> tuple[Any, ...]:
    """Events and result (or exception) under plain asyncio."""
    log = Log()

    async def alone() -> Any:  # as a task of its own, as a recorded program is
        return await asyncio.create_task(program(log))

    try:
        return log.events, "result", run(alone())
    except (Exception, asyncio.CancelledError) as error:
        return log.events, type(error), described(error)


def told_recorded(
    program: Callable[[Log], Coroutine[Any, Any, Any]], times: int = 1
) -> tuple[Any, ...]:
    """The same under so many nested recorders."""
    log = Log()

    async def nested(depth: int) -> Any:
        if not depth:
            return await program(log)
        timeline = await record(nested(depth - 1))
        return timeline.result()

    try:
        return log.events, "result", run(nested(times))
    except (Exception, asyncio.CancelledError) as error:
        return log.events, type(error), described(error)


def described(error: BaseException) -> Any:
    if isinstance(error, BaseExceptionGroup):
        return error.message, [described(inner) for inner in error.exceptions]
    return repr(error), repr(error.__context__), repr(error.__cause__)


async def sleeper(log: Log, name: str, seconds: float, fails: bool = False) -> str:
    who.set(name)
    log(name, "begins")
    try:
        await asyncio.sleep(seconds)
        if fails:
            raise LookupError(name)
        log(name, "ends")
        return name
    except asyncio.CancelledError:
        log(name, "cancelled")
        raise
    finally:
        log(name, "finally")


async def gathering(log: Log) -> tuple[str, str]:
    return await asyncio.gather(sleeper(log, "a", 0.2), sleeper(log, "b", 0.1))


async def gathering_a_failure(log: Log) -> None:
    try:
        await asyncio.gather(sleeper(log, "a", 0.1, True), sleeper(log, "b", 0.2))
    finally:
        log("main goes on")
        await asyncio.sleep(0.3)


async def group_with_a_failure(log: Log) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper(log, "a", 0.1, True))
        group.create_task(sleeper(log, "b", 0.2))


async def timing_out(log: Log) -> None:
    async with asyncio.timeout(0.1):
        await sleeper(log, "a", 1)


async def cancelling(log: Log) -> None:
    task = asyncio.create_task(sleeper(log, "a", 1), name="the task")
    await asyncio.sleep(0.1)
    log(task.get_name(), task.cancel("enough"), task.cancelling())
    await task


async def cancelled_before_it_began(log: Log) -> None:
    task = asyncio.create_task(sleeper(log, "a", 1))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    log(task.cancelled())


async def shielding(log: Log) -> str:
    inner = asyncio.create_task(sleeper(log, "a", 0.3))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(inner), 0.1)
    log("gave up")
    return await inner


async def queueing(log: Log) -> int:
    queue: asyncio.Queue[int] = asyncio.Queue(2)

    async def produce() -> None:
        for n in range(6):
            await queue.put(n)
            log("put", n)

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        total = 0
        for _ in range(6):
            total += await queue.get()
            log("got", total)
    return total


async def other_awaitables(log: Log) -> list[object]:
    """Futures, generators with ``__await__``, asynchronous generators, callbacks."""

    class Custom:
        def __await__(self) -> Generator[None, None, None]:
            yield
            yield
            log("custom")

    async def numbers() -> Any:
        for n in range(3):
            await asyncio.sleep(0.1)
            yield n

    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.1, future.set_result, "set")
    await Custom()
    task = asyncio.create_task(sleeper(log, "a", 0.1))
    task.add_done_callback(lambda done: log("callback", done.result()))
    return [await future, [n async for n in numbers()], await task, await task]


async def contexts(log: Log) -> str:
    who.set("main")
    context = contextvars.copy_context()
    context.run(who.set, "given")
    await asyncio.gather(
        asyncio.create_task(sleeper(log, "a", 0.1)),
        asyncio.create_task(asyncio.sleep(0.1), context=context),
        asyncio.to_thread(lambda: log.events.append((0, who.get(), "in a thread"))),
    )
    return who.get() + context[who]


async def swallowing(log: Log) -> str:
    """A task that does not let itself be cancelled."""
    task = asyncio.create_task(stubborn(log))
    await asyncio.sleep(0)
    task.cancel()
    return await task


async def stubborn(log: Log) -> str:
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        log("swallowed")
    return "done all the same"


async def raising_base_exceptions(log: Log) -> None:
    raise asyncio.CancelledError("by itself")


async def introspecting(log: Log) -> None:
    task = asyncio.create_task(sleeper(log, "a", 0.1))
    await asyncio.sleep(0)
    coro: Any = task.get_coro()
    log(asyncio.iscoroutine(coro), coro.__qualname__, coro.cr_frame.f_code.co_name)
    log(len(task.get_stack()), "sleeper" in repr(task), coro.cr_running)
    await task


PROGRAMS = [
    gathering,
    gathering_a_failure,
    group_with_a_failure,
    timing_out,
    cancelling,
    cancelled_before_it_began,
    shielding,
    queueing,
    other_awaitables,
    contexts,
    swallowing,
    raising_base_exceptions,
    introspecting,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("times", [1, 2])
def test_a_recorded_program_does_what_it_does_under_plain_asyncio(
    program: Callable[[Log], Coroutine[Any, Any, Any]], times: int
) -> None:
    """Order of events, moments, context variables, result and exception."""
    assert told_recorded(program, times) == told(program)


# A tree of tasks: what each does, in order. Times are multiples of 0.1 s.
LEAVES = st.one_of(
    st.tuples(st.just("sleep"), st.integers(0, 3)),
    st.tuples(st.just("fail"), st.just(0)),
    st.tuples(st.just("log"), st.just(0)),
)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.lists(LEAVES, max_size=3),
    lambda trees: st.lists(
        st.one_of(
            LEAVES,
            st.tuples(
                st.sampled_from(["gather", "group", "await", "timeout", "cancel"]),
                st.lists(trees, min_size=1, max_size=3),
            ),
        ),
        max_size=4,
    ),
    max_leaves=12,
)


class OrderedGroup(asyncio.TaskGroup):
    """Cancels in order of creation, and not in that of a set."""

    class Ordered(dict[Any, None]):
        def add(self, task: Any) -> None:
            self[task] = None

        def discard(self, task: Any) -> None:
            self.pop(task, None)

        def __iter__(self) -> Iterator[Any]:
            return iter(tuple(self.keys()))

    def __init__(self) -> None:
        super().__init__()
        self._tasks: Any = self.Ordered()


async def grown(log: Log, tree: list[tuple[str, Any]], name: str = "0") -> str:
    """Do what a generated tree says, and log every turn."""
    who.set(name)
    log("begins")
    try:
        for n, (what, how) in enumerate(tree):
            if what == "sleep":
                await asyncio.sleep(how / 10)
            elif what == "fail":
                raise LookupError(name)
            elif what != "log":
                await branch(log, what, how, f"{name}.{n}")
            log(what)
    except asyncio.CancelledError:
        log("cancelled")
        raise
    finally:
        log("ends")
    return name


async def branch(log: Log, what: str, trees: list[Any], name: str) -> None:
    coros = [grown(log, tree, f"{name}.{n}") for n, tree in enumerate(trees)]
    if what == "gather":
        log(await asyncio.gather(*coros, return_exceptions=len(trees) == 2))
    elif what == "group":
        async with OrderedGroup() as group:
            for coro in coros:
                group.create_task(coro)
    else:
        tasks = [asyncio.create_task(coro) for coro in coros]
        try:
            if what == "cancel":
                await asyncio.sleep(0.1)
                tasks[-1].cancel()
            async with asyncio.timeout(0.2 if what == "timeout" else None):
                for task in tasks:
                    log(await task)
        except (LookupError, TimeoutError, ExceptionGroup) as error:
            log(type(error).__name__)
        finally:
            for task in tasks:
                task.cancel()
            log(await asyncio.gather(*tasks, return_exceptions=True))


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_a_recorded_tree_of_tasks_does_what_it_does_under_plain_asyncio(
    tree: Any,
) -> None:
    """Whatever they start, wait for, cancel or raise."""

    async def program(log: Log) -> str:
        try:
            return await grown(log, tree)
        finally:
            await asyncio.sleep(100)  # asyncio.run cancels survivors in no fixed order

    assert told_recorded(program) == told(program)


@pytest.mark.parametrize(
    "program",
    [*lifetimes.PROGRAMS, waiting.which_gives_way, waiting.one_task_or_two],
    ids=lambda program: program.__name__,
)
def test_a_program_of_stage_01_tells_the_same_story_when_recorded(
    program: Program,
) -> None:
    """The same lines at the same moments, lost tasks included."""
    assert story(record(program())).printed == story(program()).printed


def test_a_task_that_nobody_keeps_vanishes_also_when_recorded() -> None:
    """The recorder does not hold what the program has let go."""

    async def waits_for_nothing() -> None:
        await asyncio.get_running_loop().create_future()

    async def program() -> list[bool]:
        loop = asyncio.get_running_loop()
        complaints: list[str] = []
        loop.set_exception_handler(lambda _, c: complaints.append(c["message"]))
        task = weakref.ref(asyncio.create_task(waits_for_nothing(), name="lost"))
        await asyncio.sleep(0.1)
        before = task() is not None
        gc.collect()
        assert complaints == ["Task was destroyed but it is pending!"]
        return [before, task() is not None]

    timeline = recorded(program)
    assert timeline.result() == [True, False]
    assert "lost" in timeline.names().values()


def test_an_exception_that_nobody_retrieves_is_complained_of_when_recorded() -> None:
    """At the moment at which plain asyncio complains."""

    async def fails() -> None:
        raise LookupError

    async def program() -> list[str]:
        complaints: list[str] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, c: complaints.append(c["message"])
        )
        task = asyncio.create_task(fails())
        await asyncio.sleep(0.1)
        assert not complaints
        del task
        gc.collect()
        return complaints

    assert recorded(program).result() == ["Task exception was never retrieved"]


def test_work_for_an_executor_that_pickles_it_is_left_alone() -> None:
    """Only plain threads are timed; what others have to pickle stays as it is."""

    class Picky(ThreadPoolExecutor):  # stands for processes and interpreters
        def submit(self, work: Any, /, *args: Any, **options: Any) -> Any:
            assert work is len
            return super().submit(work, *args, **options)

    async def program() -> int:
        loop = asyncio.get_running_loop()
        with Picky() as pool:
            return await loop.run_in_executor(pool, len, "four")

    timeline = asyncio.run(record(program()))
    assert timeline.result() == 4
    assert list(timeline.names().values()) == ["program"]


# --- What is recorded ------------------------------------------------------------


def outcomes(timeline: Timeline) -> dict[str, tuple[Outcome, str]]:
    return {name: (t.outcome, t.error) for t, name in timeline.names().items()}


def kinds(timeline: Timeline, name: str) -> list[tuple[str, float, float]]:
    return [
        (span.kind, round(span.start, 3), round(span.end, 3))
        for span in timeline.spans()[name]
        if span.end > span.start
    ]


def test_every_task_has_its_own_track_and_outcome(fake_time: None) -> None:
    """Returned, raised and cancelled are told apart."""
    log = Log()

    async def program() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeper(log, "a", 0.1), name="quick")
            group.create_task(sleeper(log, "b", 0.2, True), name="fails")
            group.create_task(sleeper(log, "c", 0.3))

    timeline = recorded(program)
    assert outcomes(timeline) == {
        "program": (Outcome.RAISED, "ExceptionGroup"),
        "quick": (Outcome.RETURNED, ""),
        "fails": (Outcome.RAISED, "LookupError"),
        "sleeper": (Outcome.CANCELLED, ""),
    }
    assert kinds(timeline, "quick") == [("wait", 0, 0.1)]
    assert kinds(timeline, "fails") == [("wait", 0, 0.2)]
    assert kinds(timeline, "sleeper") == [("wait", 0, 0.2)]


def test_tasks_of_gather_and_tasks_of_tasks_are_recorded() -> None:
    """However deep they are started."""

    async def leaf() -> None:
        await asyncio.sleep(0.1)

    async def middle() -> None:
        await asyncio.gather(leaf(), leaf())

    async def program() -> None:
        await asyncio.gather(middle(), leaf())

    names = list(recorded(program).names().values())
    assert names == ["program", "middle", "leaf", "leaf 2", "leaf 3"]


async def test_a_call_in_a_worker_thread_is_a_track_of_its_own() -> None:
    """Beside the task that waits for it; an exception is its outcome."""

    def works() -> int:
        print("from the thread")
        return 1

    def fails() -> None:
        raise LookupError

    async def program() -> int:
        with contextlib.suppress(LookupError):
            await asyncio.to_thread(fails)
        return await asyncio.to_thread(works)

    timeline = await record(program())
    assert timeline.result() == 1
    assert outcomes(timeline) == {
        "program": (Outcome.RETURNED, ""),
        "thread: fails": (Outcome.RAISED, "LookupError"),
        "thread: works": (Outcome.RETURNED, ""),
    }
    assert [span.kind for span in timeline.spans()["thread: works"]][-1] == "thread"
    (note,) = timeline.notes
    assert note.track and timeline.names()[note.track] == "thread: works"


def test_a_task_waits_at_the_innermost_line_of_the_learner_s() -> None:
    """Not at asyncio's own line, and not at the outermost one."""

    async def inner() -> None:
        await asyncio.sleep(0.1)  # here

    async def program() -> None:
        await inner()

    timeline = recorded(program)
    place = timeline.tracks[0].steps[0].place
    assert place and place.text == "await asyncio.sleep(0.1)"
    assert place.code is inner.__code__
    assert timeline.tracks[0].steps[-1].place is None


def test_a_task_that_could_run_while_another_blocks_is_ready(fake_time: None) -> None:
    """From the moment at which its timer was due."""

    async def ticks() -> None:
        await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)

    async def program() -> None:
        task = asyncio.create_task(ticks())
        await asyncio.sleep(0)
        block(0.5)
        await task

    timeline = recorded(program)
    assert kinds(timeline, "program") == [("run", 0, 0.5), ("wait", 0.5, 0.6)]
    assert kinds(timeline, "ticks") == [
        ("wait", 0, 0.1),
        ("ready", 0.1, 0.5),
        ("wait", 0.5, 0.6),
    ]
    assert timeline.ran == pytest.approx(0.5)


def test_a_task_whose_future_is_done_while_another_blocks_is_ready(
    fake_time: None,
) -> None:
    """From the moment at which somebody set its result."""
    future: asyncio.Future[int]

    async def waits() -> int:
        return await future

    async def program() -> None:
        nonlocal future
        future = asyncio.get_running_loop().create_future()
        tasks = [asyncio.create_task(waits()) for _ in range(2)]
        await asyncio.sleep(0.1)
        future.set_result(1)
        block(0.2)
        await asyncio.gather(*tasks)

    timeline = recorded(program)
    for name in ("waits", "waits 2"):
        assert kinds(timeline, name) == [("wait", 0, 0.1), ("ready", 0.1, 0.3)]


def test_a_cancelled_task_is_ready_from_its_cancellation_on(fake_time: None) -> None:
    """Its timer, due later, does not count any more."""

    async def sleeps() -> None:
        await asyncio.sleep(1)

    async def program() -> None:
        task = asyncio.create_task(sleeps())
        await asyncio.sleep(0.1)
        task.cancel()
        block(0.2)
        await asyncio.wait([task])

    timeline = recorded(program)
    assert kinds(timeline, "sleeps") == [("wait", 0, 0.1), ("ready", 0.1, 0.3)]
    assert outcomes(timeline)["sleeps"] == (Outcome.CANCELLED, "")


def test_a_future_that_is_done_wakes_nobody_again(fake_time: None) -> None:
    """A callback that comes late does not make its former waiter ready."""

    async def waits(future: asyncio.Future[None]) -> None:
        await future
        await asyncio.sleep(1)

    async def program() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(waits(future))
        await asyncio.sleep(0.1)
        future.set_result(None)
        await asyncio.sleep(0.2)
        future.add_done_callback(lambda _: None)
        block(0.5)
        await task

    assert kinds(recorded(program), "waits") == [("wait", 0, 0.1), ("wait", 0.1, 1.1)]


def test_what_a_callback_prints_belongs_to_no_task() -> None:
    """It runs between the tasks' steps."""

    async def program() -> None:
        asyncio.get_running_loop().call_soon(print, "from a callback")
        await asyncio.sleep(0.1)

    (note,) = recorded(program).notes
    assert (note.text, note.track) == ("from a callback", None)


def test_a_printed_line_belongs_to_the_task_that_printed_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also the last one, without an end of line; and it is still printed."""

    async def says(what: str) -> None:
        print(what, "one")
        await asyncio.sleep(0.1)
        print(what, "two")

    async def program() -> None:
        await asyncio.gather(says("a"), says("b"))
        print("the end", end="")

    timeline = recorded(program)
    names = timeline.names()
    assert [(n.text, n.track and names[n.track]) for n in timeline.notes][:-1] == [
        ("a one", "says"),
        ("b one", "says 2"),
        ("a two", "says"),
        ("b two", "says 2"),
    ]
    assert timeline.notes[-1].text == "the end"
    assert capsys.readouterr().out == "a one\nb one\na two\nb two\nthe end"


def test_a_recorded_exception_is_shown_from_the_learner_s_first_line_on() -> None:
    """Neither asyncio's lines nor the recorder's are in the traceback."""

    async def fails() -> None:
        await asyncio.sleep(0.1)
        raise LookupError("no such line")

    async def program() -> None:
        await asyncio.create_task(fails())

    timeline = recorded(program)
    lines = timeline.error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "in program" in lines[1]
    assert MACHINERY not in timeline.error
    assert lines[-1] == "LookupError: no such line"
    with pytest.raises(LookupError):
        timeline.result()


def test_every_error_of_a_group_is_shown_from_the_learner_s_first_line_on() -> None:
    """And so are causes and contexts."""

    async def fails() -> None:
        try:
            raise LookupError
        except LookupError as error:
            raise ValueError from error

    async def program() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())

    error = recorded(program).error
    assert MACHINERY not in error
    assert "LookupError" in error and "ValueError" in error


# --- Several recordings, and what is left afterwards ------------------------------


async def test_recordings_nest() -> None:
    """The outer one has every track, the inner one those of its program."""

    async def leaf() -> None:
        print("leaf")
        await asyncio.sleep(0)

    async def program() -> Timeline:
        await asyncio.create_task(leaf())
        return await record(leaf(), "inner")

    outer = await record(program())
    inner = outer.result()
    assert list(inner.names().values()) == ["leaf"]
    assert list(outer.names().values()) == ["program", "leaf", "leaf 2"]
    assert [note.text for note in inner.notes] == ["leaf"]
    assert [note.text for note in outer.notes] == ["leaf", "leaf"]


async def test_two_recordings_at_once_keep_to_their_own_tasks() -> None:
    """On one loop, and though one ends before the other."""

    async def says(name: str, times: int) -> str:
        for _ in range(times):
            print(name)
            await asyncio.create_task(asyncio.sleep(0, name))
        return name

    one, two = await asyncio.gather(record(says("one", 2)), record(says("two", 5)))
    assert (one.result(), two.result()) == ("one", "two")
    assert [len(one.tracks), len(two.tracks)] == [3, 6]
    assert {note.text for note in one.notes} == {"one"}
    assert len(two.notes) == 5


async def test_other_tasks_of_the_loop_are_left_alone() -> None:
    """They are neither driven nor noted, even if they start while somebody records."""
    beside: list[asyncio.Task[None]] = []

    async def other() -> None:
        print("not yours")
        await asyncio.sleep(0)

    async def starts_another() -> None:
        await asyncio.sleep(0)
        beside.append(asyncio.create_task(other()))

    async def program() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(starts_another())
        timeline = await record(program())
    await beside[0]
    assert not isinstance(beside[0].get_coro(), Driven)
    assert list(timeline.names().values()) == ["program"]
    assert timeline.notes == []


@pytest.mark.parametrize("end", ["returns", "raises", "is cancelled"])
async def test_all_doors_are_closed_when_the_program(end: str) -> None:
    """Task factory, the loop's methods, standard output: as they were before."""
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory(), dict(vars(loop)), sys.stdout

    async def program() -> None:
        assert "call_soon" in vars(loop) and sys.stdout is not before[2]
        await asyncio.sleep(0)
        if end == "raises":
            raise LookupError
        if end == "is cancelled":
            recording.cancel()
            await asyncio.sleep(1)

    recording = asyncio.create_task(record(program()))
    await asyncio.wait([recording])
    assert recording.cancelled() is (end == "is cancelled")
    after = loop.get_task_factory(), dict(vars(loop)), sys.stdout
    assert after[0] is before[0] and after[2] is before[2]
    for door in ("call_soon", "call_at", "run_in_executor"):
        assert (door in after[1]) is (door in before[1])
    assert doors._doors == {}


async def test_the_learner_s_own_task_factory_is_used_and_put_back() -> None:
    """It gets the driven coroutines."""
    made = []

    def factory(loop: Any, coro: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    await record(asyncio.sleep(0))
    assert [type(coro) for coro in made] == [Driven]
    assert loop.get_task_factory() is factory


def test_a_program_that_is_cancelled_with_its_recording_runs_its_finally() -> None:
    """``run`` waits until it has ended."""
    log = Log()

    async def program() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            await asyncio.sleep(0.2)
            log("cleaned up")

    async def main() -> None:
        recording = asyncio.create_task(record(program()))
        await asyncio.sleep(0.1)
        recording.cancel()
        with pytest.raises(asyncio.CancelledError):
            await recording
        assert log.events == [(0.3, "nobody", "cleaned up")]

    run(main())


def test_asking_for_a_result_before_there_is_one_says_what_to_do() -> None:
    """The error names the call that is missing."""
    with pytest.raises(RuntimeError, match=r"await run\(program\) first"):
        Recording().result()


async def test_a_printer_that_outlives_its_recording_notes_nothing_twice() -> None:
    """A redirection that began inside a recording may bring the old one back."""
    redirected = contextlib.ExitStack()

    async def program() -> None:
        redirected.enter_context(contextlib.redirect_stdout(io.StringIO()))

    async def says() -> None:
        print("once")

    before = sys.stdout
    try:
        await record(program())
        redirected.close()
        timeline = await record(says())
        assert [note.text for note in timeline.notes] == ["once"]
    finally:
        sys.stdout = before


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_eager_tasks_are_recorded() -> None:
    """They run before ``create_task`` has returned; the order stays theirs."""

    async def says(log: Log) -> None:
        log("begins")
        await asyncio.sleep(0.1)
        log("ends")

    async def program(log: Log) -> None:
        if sys.version_info >= (3, 12):
            loop = asyncio.get_running_loop()
            if loop.get_task_factory() is None:
                loop.set_task_factory(asyncio.eager_task_factory)
        async with asyncio.TaskGroup() as group:
            group.create_task(says(log), name="eager")
            log("created")
            print("created")

    async def eager(log: Log) -> Timeline:
        if sys.version_info >= (3, 12):
            factory = asyncio.eager_task_factory
            asyncio.get_running_loop().set_task_factory(factory)
        return await record(program(log))

    log, plain = Log(), Log()
    timeline: Timeline = run(eager(log))
    run(program(plain))
    assert [e[2] for e in log.events] == ["begins", "created", "ends"]
    assert log.events == plain.events
    assert list(timeline.names().values()) == ["program", "eager"]
    assert timeline.notes[0].track is timeline.tracks[0]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop for Windows")
def test_tasks_are_recorded_under_uvloop() -> None:
    """Its methods cannot be watched, its tasks can."""
    uvloop = pytest.importorskip("uvloop")
    log = Log()

    async def program() -> tuple[str, str]:
        return await asyncio.gather(sleeper(log, "a", 0.002), sleeper(log, "b", 0.001))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        timeline = runner.run(record(program()))
        assert runner.get_loop().get_task_factory() is None
    assert timeline.result() == ["a", "b"]
    assert list(timeline.names().values()) == ["program", "sleeper", "sleeper 2"]
    assert {outcome for outcome, _ in outcomes(timeline).values()} == {Outcome.RETURNED}


def test_two_loops_in_two_threads_record_at_once() -> None:
    """As two open pages do; each has its own tracks and notes."""
    both = threading.Barrier(2, timeout=30)
    timelines: dict[str, Timeline] = {}

    async def says(name: str) -> None:
        both.wait()
        for _ in range(5):
            print(name)
            await asyncio.sleep(0)

    def work(name: str) -> None:
        recording = Timeline(name, echo=False)
        timelines[name] = asyncio.run(recording.run(says(name)))

    before = sys.stdout
    threads = [threading.Thread(target=work, args=[name]) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stdout is before
    for name, timeline in timelines.items():
        assert [note.text for note in timeline.notes] == [name] * 5


# --- What it costs ---------------------------------------------------------------


def lines_of_the_recorder(steps: int) -> int:
    """How many of its lines run for so many steps; each of its calls counts as one."""
    counted = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal counted
        if not frame.f_code.co_filename.startswith(MACHINERY):
            return None
        counted += event in ("call", "line")
        return trace

    async def program() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(record(program()))
    finally:
        sys.settrace(before)
    return counted


def test_a_recorded_step_runs_at_most_65_lines_of_the_recorder() -> None:
    """Lines are counted, not time: a busy machine changes nothing of them."""
    few, many = lines_of_the_recorder(100), lines_of_the_recorder(300)
    lines = (many - few) / 200
    assert 10 < lines <= 65
