"""A count of an event loop's calls: it notices a task that never really waits."""

from workshop.exercises import Wrong

MOST = 1_000  # calls of the loop between two moments at which it sleeps


class Turns:
    """The calls of one loop, which tells this of each of them.

    Args:
        ask: the question for a learner whose task looks again and again.

    Attributes:
        all: how many calls there were.
    """

    def __init__(self, ask: str) -> None:
        self.all = 0
        self._ask = ask
        self._since_sleep = 0

    def one_more(self) -> None:
        """The loop makes one more call.

        Raises:
            Wrong: it has made `MOST` of them, and has not slept once.
        """
        self.all += 1
        self._since_sleep += 1
        if self._since_sleep == MOST:
            raise Wrong(
                "A task looks again and again whether it may go on: it was resumed "
                f"{MOST:,} times, and the clock stood still. It keeps a processor at "
                "work for nothing.",
                ask=self._ask,
            )

    def slept(self) -> None:
        """The loop sleeps, so time goes on."""
        self._since_sleep = 0
