"""Hints, check and solution of exercise 1.7, and what must not pass."""

import asyncio
from collections.abc import Awaitable, Callable

from exercises.e7_asked_to_stop import Log, Thermometer

from workshop.exercises import Wrong

Work = Callable[[Thermometer, Log], Awaitable[None]]

HINTS = (
    "`cancel` throws a `CancelledError` in. Your `except` takes it, and `write_down` "
    "returns as if nothing had happened. How could the error go on, after the "
    "clean-up?",
    "Two things may end `write_down`: it is cancelled, or the thermometer fails. Which "
    "clause of a `try` is run in both cases, and lets the error go on by itself?",
    "`try: …` as it is, and `finally: await log.close()` in place of the `except`.",
)


async def check(write_down: Work) -> str:
    await _check_cancelled(write_down)
    await _check_failed(write_down)
    await _check_timeout(write_down)
    return "it can be cancelled, and leaves its log closed."


async def _check_cancelled(write_down: Work) -> None:
    loop = asyncio.get_running_loop()
    log = Log()
    task = asyncio.ensure_future(write_down(Thermometer(), log))
    await asyncio.sleep(3.5)
    if task.done() and not task.cancelled() and task.exception():
        task.result()  # the learner's own error, with its line
    if task.done():
        raise Wrong(
            "write_down has ended by itself before it was cancelled.",
            ask="What ends your loop?",
        )
    if len(log.lines) != 3:
        raise Wrong(f"After 3.5 s the log has {len(log.lines)} lines; 3 were wanted.")
    task.cancel()
    asked = loop.time()
    await asyncio.wait([task], timeout=10)
    seconds = round(loop.time() - asked, 6)
    if not task.done():
        raise Wrong(
            "write_down was cancelled, and goes on for ever: it took the "
            "CancelledError and did not end.",
            ask="Where does your code go on after the `except`?",
        )
    if not log.closed:
        if await _closes_when_it_fails(write_down):
            raise Wrong(
                "write_down was cancelled, and the log is not closed. When the "
                "thermometer fails it is closed.",
                ask="CancelledError is no Exception, so `except Exception` does not "
                "take it. Which clause of a `try` is run in both cases?",
            )
        raise Wrong(
            "write_down was cancelled, and the log is not closed.",
            ask="Is close called in this case, and awaited?",
        )
    if not task.cancelled() and task.exception() is None:
        raise Wrong(
            "write_down was cancelled, and ended as if it had not been: it returned. "
            "Its caller takes it for finished.",
            ask="Where does the CancelledError end, and who should hear of it?",
        )
    if not task.cancelled():
        raise Wrong(
            f"write_down was cancelled, and raised {task.exception()!r}; the "
            "CancelledError itself should go on.",
            ask="What raises the other error?",
        )
    if seconds != 0.2:
        raise Wrong(
            f"After the cancelling write_down took {seconds:g} s; closing takes 0.2 s.",
            ask="Is the log closed twice, or something else awaited?",
        )


async def _closes_when_it_fails(write_down: Work) -> bool:
    log = Log()
    task = asyncio.ensure_future(write_down(Thermometer(values=0), log))
    await asyncio.wait([task], timeout=10)
    task.cancel()
    if task.done() and not task.cancelled():
        task.exception()  # asked for: asyncio has nothing to complain of
    return log.closed


async def _check_failed(
    write_down: Work,
) -> None:
    log = Log()
    try:
        async with asyncio.timeout(60):
            await write_down(Thermometer(values=2), log)
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise Wrong(
                "The thermometer failed after two values, and write_down goes on for "
                "ever.",
                ask="Who should hear of the OSError?",
            ) from None
    else:
        raise Wrong(
            "The thermometer failed with an OSError, and write_down returned; the "
            "caller should get the error.",
            ask="Which clause takes errors that are not yours?",
        )
    if not log.closed:
        raise Wrong(
            "The thermometer failed, and the log is not closed: it is closed only when "
            "write_down is cancelled.",
            ask="Which clause of a `try` is run however its block ends?",
        )


async def _check_timeout(
    write_down: Work,
) -> None:
    thermometer = Thermometer()
    try:
        async with asyncio.timeout(2.5):
            await write_down(thermometer, Log())
    except TimeoutError:
        left = thermometer.values
        await asyncio.sleep(5)
        if thermometer.values == left:
            return
        raise Wrong(
            "write_down has ended, and somebody still reads the thermometer.",
            ask="What has the shield kept alive?",
        ) from None
    raise Wrong("A time-out around write_down was not raised.")


async def write_down(thermometer: Thermometer, log: Log) -> None:
    """Write down each value, without end; leave the log closed."""
    try:
        while True:
            log.write(await thermometer.read())
    finally:
        await log.close()


async def any_error_taken(thermometer, log):
    try:
        while True:
            log.write(await thermometer.read())
    except BaseException:
        await log.close()


async def closed_only_when_cancelled(thermometer, log):
    try:
        while True:
            log.write(await thermometer.read())
    except asyncio.CancelledError:
        await log.close()
        raise


async def except_exception(thermometer, log):
    try:
        while True:
            log.write(await thermometer.read())
    except Exception:
        await log.close()
        raise


async def shielded(thermometer, log):
    async def forever():
        while True:
            log.write(await thermometer.read())

    try:
        await asyncio.shield(forever())
    finally:
        await log.close()


async def close_not_awaited(thermometer, log):
    try:
        while True:
            log.write(await thermometer.read())
    finally:
        log.close()


async def raised_first(thermometer, log):
    try:
        while True:
            log.write(await thermometer.read())
    except BaseException:
        raise
        await log.close()


async def closed_behind(thermometer, log):
    while True:
        log.write(await thermometer.read())
    await log.close()


async def taken_in_the_loop(thermometer, log):
    while True:
        try:
            log.write(await thermometer.read())
        except asyncio.CancelledError:
            await log.close()


async def returned_from_finally(thermometer, log):
    try:
        while True:
            log.write(await thermometer.read())
    finally:
        await log.close()
        return


async def another_error(thermometer, log):
    try:
        while True:
            log.write(await thermometer.read())
    except asyncio.CancelledError:
        await log.close()
        raise RuntimeError("stopped")


WRONG = (
    (any_error_taken, "ended as if it had not been: it returned"),
    (closed_only_when_cancelled, "it is closed only when write_down is cancelled"),
    (except_exception, "CancelledError is no Exception"),
    (shielded, "somebody still reads the thermometer"),
    (close_not_awaited, "Is close called in this case, and awaited?"),
    (raised_first, "write_down was cancelled, and the log is not closed"),
    (closed_behind, "write_down was cancelled, and the log is not closed"),
    (taken_in_the_loop, "goes on for ever"),
    (returned_from_finally, "ended as if it had not been: it returned"),
    (another_error, "the CancelledError itself should go on"),
)
