"""``async with`` blocks that say so when they are used in another way.

`contextlib.asynccontextmanager` is enough to write such a block. A block of that kind
answers ``with block():`` and ``await block()`` with an error about an
``_AsyncGeneratorContextManager``, and ``block()`` alone with nothing at all. People who
are new to asyncio write all three.
"""

import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import wraps
from types import TracebackType
from typing import Any, NoReturn, ParamSpec, TypeVar

from .codes import HandlerError

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


class Block(AbstractAsyncContextManager[Value]):
    """One call of a function that `block` has decorated.

    Args:
        inner: what `contextlib.asynccontextmanager` has made of the function's call.
        usage: how it is written: ``async with database():``.
    """

    def __init__(self, inner: AbstractAsyncContextManager[Value], usage: str) -> None:
        self._inner = inner
        self._usage = usage
        self._used = False  # rightly or wrongly: then an error has said so

    async def __aenter__(self) -> Value:
        self._used = True
        return await self._inner.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, traceback)

    def __await__(self) -> NoReturn:
        raise self._misused("await")

    def __enter__(self) -> NoReturn:
        raise self._misused("with")

    def __exit__(self, *_: object) -> None:
        """Python looks for this method before it calls ``__enter__``."""

    def __del__(self) -> None:
        if not self._used:
            # The call was a statement of its own. Nothing refers to this object after
            # that line, so CPython ends it there: the warning shows the line.
            what = f"this block was never entered: write  {self._usage}"
            warnings.warn(what, RuntimeWarning, stacklevel=2)

    def _misused(self, word: str) -> HandlerError:
        self._used = True
        return HandlerError(f"not with {word!r} alone: write  {self._usage}")


def block(
    usage: str,
) -> Callable[
    [Callable[Parameters, AsyncIterator[Value]]],
    Callable[Parameters, AbstractAsyncContextManager[Value]],
]:
    """`contextlib.asynccontextmanager`, with a sentence for each wrong use.

    Args:
        usage: how the block is written, for that sentence.
    """

    def decorate(
        function: Callable[Parameters, AsyncIterator[Value]],
    ) -> Callable[Parameters, AbstractAsyncContextManager[Value]]:
        make: Any = asynccontextmanager(function)

        @wraps(function)
        def call(
            *args: Parameters.args, **kwargs: Parameters.kwargs
        ) -> AbstractAsyncContextManager[Value]:
            return Block(make(*args, **kwargs), usage)

        return call

    return decorate
