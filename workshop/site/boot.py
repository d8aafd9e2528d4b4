"""Prepare a page in a browser, before a notebook's first cell runs.

Pyodide is CPython, compiled for browsers. It has one thread, no processes and no
sockets. This module makes it behave as a machine does, or say that it cannot:

1. Servers and clients of the page talk over `workshop.site.loopback`.
2. ``time.sleep`` blocks. Pyodide's own sleep lets other tasks run meanwhile, so that a
   lesson about blocking would show the opposite of the truth.
3. ``asyncio.to_thread`` and ``loop.run_in_executor`` let the loop run while they sleep,
   as a thread does. (Only sleeping: two computations still share the one processor.)
4. ``asyncio.run`` in a cell raises, as it does where a loop is running already.
5. A raw socket fails with a sentence.

Sources: pyodide.org/en/stable/usage/wasm-constraints.html; the JavaScript Promise
Integration (JSPI), which lets WebAssembly wait for a promise.
"""

import asyncio
import contextlib
import contextvars
import functools
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from workshop.site.loopback import installed

NO_JSPI = (
    "This browser is too old to run the course: it lacks JSPI, so that Python cannot "
    "wait here. Chromium, Chrome and Edge have it since version 137, Firefox since 153."
)
NO_SOCKETS = (
    "A page has no sockets of the operating system. Use asyncio's streams "
    "(asyncio.open_connection), or run this notebook on your own machine."
)

_for_ever = contextlib.ExitStack()

# True while a function runs that would be in a thread on a machine.
_in_thread: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "in a thread", default=False
)


def start() -> None:
    """Prepare this page.

    Raises:
        RuntimeError: the browser is too old; the message is for the learner.
    """
    from pyodide.ffi import can_run_sync

    if not can_run_sync():
        raise RuntimeError(NO_JSPI)
    loop = asyncio.get_running_loop()
    _name_tasks()
    _late_timers(loop)
    _sleep_as_on_a_machine()
    _threads_in_one_thread(loop)
    _one_loop_only()
    _no_raw_sockets()
    # Entered and never left. The stack keeps it: a generator that nobody keeps is
    # closed, and the loop would have no network again.
    _for_ever.enter_context(installed(loop))


def _name_tasks() -> None:
    """Pyodide's loop calls a function of asyncio that Python 3.13 has taken away."""

    def set_name(task: asyncio.Task[Any], name: str | None) -> None:
        if name is not None:
            task.set_name(name)

    asyncio.tasks._set_task_name = set_name  # type: ignore[attr-defined]


def _late_timers(loop: asyncio.AbstractEventLoop) -> None:
    """Pyodide's loop refuses a moment that has passed; asyncio's calls at once."""
    call_later = type(loop).call_later

    def call_soon_or_later(
        self: asyncio.AbstractEventLoop, delay: float, *arguments: Any, **options: Any
    ) -> Any:
        return call_later(self, max(delay, 0), *arguments, **options)

    type(loop).call_later = call_soon_or_later  # type: ignore[method-assign, assignment]


def _sleep_as_on_a_machine() -> None:
    pause = time.sleep

    def sleep(seconds: float) -> None:
        if _in_thread.get():
            # It waits in a task, which is no business of the caller's recording.
            contextvars.Context().run(pause, seconds)
            return
        # In the event loop's own code, nothing else may run meanwhile.
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    time.sleep = sleep  # type: ignore[assignment]


def _threads_in_one_thread(loop: asyncio.AbstractEventLoop) -> None:
    on_its_loop = asyncio.to_thread

    def begun(function: Callable[[], Any]) -> asyncio.Future[Any]:
        # In a turn of the loop that is its own: who has called it waits meanwhile.
        future = loop.create_future()
        context = contextvars.copy_context()

        def work() -> None:
            try:
                result = context.run(function)
            except BaseException as error:
                if not future.cancelled():
                    future.set_exception(error)
            else:
                if not future.cancelled():
                    future.set_result(result)

        loop.call_soon(work)
        return future

    def run_in_executor(
        self: asyncio.AbstractEventLoop,
        executor: Any,
        function: Callable[..., Any],
        *arguments: Any,
    ) -> Any:
        def there() -> Any:
            _in_thread.set(True)
            # A thread has no running loop; asgiref asks for that.
            asyncio._set_running_loop(None)
            try:
                return function(*arguments)
            finally:
                asyncio._set_running_loop(self)

        return begun(there)

    async def to_thread(
        function: Callable[..., Any], /, *arguments: Any, **options: Any
    ) -> Any:
        @functools.wraps(function)
        def there() -> Any:
            _in_thread.set(True)
            return function(*arguments, **options)

        running = asyncio.get_running_loop()
        if type(running) is not type(loop):
            # The check of an exercise has a loop of its own, with its own threads.
            return await on_its_loop(function, *arguments, **options)
        work = functools.partial(contextvars.copy_context().run, there)
        return await running.run_in_executor(None, work)

    type(loop).run_in_executor = run_in_executor  # type: ignore[method-assign, assignment]
    asyncio.to_thread = to_thread
    asyncio.threads.to_thread = to_thread


def _one_loop_only() -> None:
    def run(main: Any, **_: Any) -> NoReturn:
        # The coroutine will never run, and its own warning would only confuse.
        if asyncio.iscoroutine(main):
            main.close()
        raise RuntimeError("asyncio.run() cannot be called from a running event loop")

    asyncio.run = run
    asyncio.runners.run = run


def _no_raw_sockets() -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError(NO_SOCKETS)

    socket.create_connection = refuse
    socket.socket.connect = refuse  # type: ignore[method-assign]


def is_browser() -> bool:
    """Does this Python run in a page?"""
    return sys.platform == "emscripten"
