"""The subjects: one row in this table, and one small file for the application.

Every application answers the same three paths:

* ``/echo``: each message comes back;
* ``/room/NAME``: says ``joined`` once it is in the room; from then on each message
  goes to all who are in it, the sender too;
* ``/rooms/FIRST/COUNT``: joins the groups number FIRST, FIRST + 1, …, says
  ``joined``, and is silent.
"""

from dataclasses import dataclass, field

ECHO = "echo"
FANOUT = "fanout"
IDLE = "idle"
GROWTH = "growth"
BARE = "bare ASGI"  # what all others are compared to


@dataclass(frozen=True)
class Subject:
    """One row of the tables.

    Attributes:
        name: the row's heading.
        server: the function of ``server.py`` that serves the application.
        application: ``module:attribute``, in this folder.
        benchmarks: those in which it is measured.
        variables: of its environment.
        redis: whether it needs a Redis, whose address is in ``BENCH_REDIS``.
    """

    name: str
    server: str
    application: str
    benchmarks: tuple[str, ...] = (ECHO, FANOUT, IDLE)
    variables: dict[str, str] = field(default_factory=dict)
    redis: bool = False


SUBJECTS = [
    Subject(
        BARE, "uvicorn", "bare:application", benchmarks=(ECHO, FANOUT, IDLE, GROWTH)
    ),
    Subject(
        "the layer (no steps)",
        "uvicorn",
        "layer:application",
        benchmarks=(ECHO, IDLE),
        variables={"BENCH_STEPS": "none"},
    ),
    Subject(
        "the layer",
        "uvicorn",
        "layer:application",
        benchmarks=(ECHO, FANOUT, IDLE, GROWTH),
    ),
    Subject(
        "the layer (Redis)",
        "uvicorn",
        "layer:application",
        benchmarks=(FANOUT,),
        variables={"BENCH_GROUPS": "redis"},
        redis=True,
    ),
    Subject("stage 03's server", "stage_03", "bare:application"),
    Subject(
        "Starlette", "uvicorn", "starlette_app:application", benchmarks=(ECHO, IDLE)
    ),
    Subject(
        "Channels (no auth)", "uvicorn", "channels_app:plain", benchmarks=(ECHO, IDLE)
    ),
    Subject(
        "Channels",
        "uvicorn",
        "channels_app:application",
        benchmarks=(ECHO, FANOUT, IDLE, GROWTH),
    ),
    Subject(
        "Channels (Redis pub/sub)",
        "uvicorn",
        "channels_app:application",
        benchmarks=(FANOUT,),
        variables={"BENCH_LAYER": "channels_redis.pubsub.RedisPubSubChannelLayer"},
        redis=True,
    ),
    Subject(
        "Channels (Redis core)",
        "uvicorn",
        "channels_app:application",
        benchmarks=(FANOUT,),
        variables={"BENCH_LAYER": "channels_redis.core.RedisChannelLayer"},
        redis=True,
    ),
    Subject("Channels (daphne)", "daphne", "channels_app:application"),
    Subject("websockets", "own", "websockets_server:serve"),
    Subject("picows", "own", "picows_server:serve"),
]
