"""Small programs for the tiny loop, to be stepped through."""

from socket import socketpair

from tiny_loop import CancelledError, Future, Task, sleep
from tiny_tools import gather, sock_recv, sock_sendall


async def count(name: str) -> None:
    for n in (1, 2, 3):
        print(name, n)
        await sleep(0)  # the others first


async def takes_turns() -> None:
    await gather(Task(count("one"), "one"), Task(count("two"), "two"))


async def tidy() -> None:
    try:
        await sleep(10)
    except CancelledError:
        print("cancelled, and cleaning up")
        await sleep(0.5)
        raise


async def is_cancelled() -> None:
    task = Task(tidy())
    await sleep(1)
    task.cancel()
    print("asked it to end; it has not")
    try:
        await task
    except CancelledError:
        print("now it has")


async def fails() -> None:
    await sleep(0.3)
    raise ConnectionError("no answer")


async def one_fails() -> None:
    task = Task(fails())
    await sleep(1)
    print("main hears of it only when it asks")
    await task


async def talks_over_a_socket() -> None:
    here, there = socketpair()
    with here, there:
        here.setblocking(False)
        there.setblocking(False)
        answer = Task(sock_recv(there, 100), "listener")
        await sleep(0.5)
        await sock_sendall(here, b"ping")
        print("received", await answer)


async def waits_for(other: Future) -> None:
    await other


async def deadlocks() -> None:
    nobody_sets_this = Future()
    one = Task(waits_for(nobody_sets_this), "one")
    await gather(one, Task(waits_for(one), "two"))


async def starves() -> None:
    Task(count("one"), "one")
    n = 0
    while True:  # no await that waits: nobody else will ever run
        n += 1
