"""Step 6: ``async def`` and ``await`` are ``def`` and ``yield from`` by other names.

The coroutine waits for wishes; a driver of a few lines answers them. Put ``sleep`` in
place of ``Number``, and many coroutines in place of one, and the driver is called an
event loop: that is ``tiny_loop.py``.
"""

from collections.abc import Coroutine, Iterable

from step5_awaitable_class import Number


async def averager(label: str) -> float:
    first = await Number(f"{label}, one")  # as: yield from Number(…).__await__()
    second = await Number(f"{label}, two")
    return (first + second) / 2


async def two_days() -> str:
    monday = await averager("Monday")
    tuesday = await averager("Tuesday")
    return f"Monday {monday:g}, Tuesday {tuesday:g}"


def drive(coro: Coroutine[Number, float | None, str], answers: Iterable[float]) -> str:
    """Answer each wish that comes out of ``coro`` until it returns."""
    try:
        wish = coro.send(None)  # to its first wish
        for answer in answers:
            inner = coro.cr_await  # type: ignore[attr-defined]  # one level in
            line = inner.cr_frame.f_lineno - inner.cr_code.co_firstlineno
            print(f"{wish} is wanted {line} lines into {inner.__name__}: {answer}")
            wish = coro.send(answer)
    except StopIteration as stop:
        return str(stop.value)
    raise ValueError("more wishes than answers")


def main() -> None:
    print("returned:", drive(two_days(), [10, 20, 7, 8]))


if __name__ == "__main__":
    main()
