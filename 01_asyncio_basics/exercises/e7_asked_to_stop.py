"""Exercise 1.7 · Asked to stop

10 minutes, after section 7 of the notebook.
Check it: python3 -m workshop exercise 1.7

``write_down`` logs what a thermometer says, until it is cancelled. Somebody wanted the
log to be closed then. Now ``write_down`` cannot be stopped as others expect: its caller
cancels it, and never hears that it was cancelled. Change it. The log is closed however
``write_down`` ends, also when the thermometer fails, and the caller gets the error.
"""

import asyncio


class Thermometer:
    """Gives a value each second; a broken one fails after its last."""

    def __init__(self, values: int = 1_000_000) -> None:
        self.values = values

    async def read(self) -> float:
        await asyncio.sleep(1)
        self.values -= 1
        if self.values < 0:
            raise OSError("the thermometer does not answer")
        return 21.5


class Log:
    """A file far away: closing it takes 0.2 s."""

    def __init__(self) -> None:
        self.lines: list[float] = []
        self.closed = False

    def write(self, value: float) -> None:
        self.lines.append(value)

    async def close(self) -> None:
        await asyncio.sleep(0.2)
        self.closed = True


# ↓ Your turn begins here.
async def write_down(thermometer: Thermometer, log: Log) -> None:
    """Write down each value, without end; leave the log closed."""
    try:
        while True:
            log.write(await thermometer.read())
    except asyncio.CancelledError:
        await log.close()


# ↑ Your turn ends here.


async def main() -> None:
    log = Log()
    try:
        async with asyncio.timeout(3.5):
            await write_down(Thermometer(), log)
        print("it has ended, and nobody knows why")
    except TimeoutError:
        print("stopped after 3.5 s")
    print(log.lines, "closed:", log.closed)


if __name__ == "__main__":
    asyncio.run(main())
