"""``sockets/steps/stats.py`` in Prometheus' text format.

Each process tells of itself only: every number has the label ``pid``. Names of groups
are no labels: there may be as many as users, and they tell who is here.
Source: https://prometheus.io/docs/practices/naming/
"""

import os
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from sockets.connection import Socket
from sockets.groups import groups
from sockets.steps.live import opened
from sockets.steps.stats import PUBLISH_SECONDS, stats

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """The page's text; to be called in the event loop."""
    registry = CollectorRegistry()
    registry.register(Process())
    return generate_latest(registry)


class Process:
    """What the registry asks, by prometheus-client's name for it: a collector."""

    def collect(self) -> Iterator[Metric]:
        yield from now()
        yield from since_the_start()
        yield publishing()


def now() -> Iterator[Metric]:
    """What goes up and down."""
    behind = [socket for socket in opened if socket.outbox.writer is not None]
    members = [*groups.members.values()]  # not all are websockets: the layer listens
    sizes = [sum(isinstance(m, Socket) for m in group) for group in members]
    sizes = [size for size in sizes if size]
    yield gauge("websockets_open", "Websockets that are open.", len(opened))
    yield gauge("websockets_behind", "Those whose peers read too slowly.", len(behind))
    yield gauge("websockets_groups", "Groups with members here.", len(sizes))
    yield gauge("websockets_group_members", "Members of all groups.", sum(sizes))
    most = max(sizes, default=0)
    yield gauge("websockets_group_members_max", "Members of the largest group.", most)


def since_the_start() -> Iterator[Metric]:
    """What only grows, until the process ends."""
    text = "The most messages that have waited for one peer."
    yield gauge("websockets_outbox_messages_max", text, stats.outbox_most)
    text = "Websockets that have been accepted."
    yield counter("websockets_opened_total", text, {(): stats.opened})
    text = "Websockets that have ended, by close code."
    yield counter("websockets_closed_total", text, stats.closed, "code")
    text = "Handshakes that were answered with an HTTP status."
    yield counter("websockets_refused_total", text, stats.refused, "status", "reason")
    text = "Websockets that we have ended with 1013, try again later."
    yield counter("websockets_evicted_total", text, stats.evicted, "reason")
    text = "Messages that came from peers."
    yield counter("websockets_messages_received_total", text, {(): stats.received})
    text = "Messages to peers that the server has taken."
    yield counter("websockets_messages_sent_total", text, {(): stats.sent})
    text = "Handlers that failed, or did not end when told to."
    yield counter("websockets_handler_errors_total", text, {(): stats.failed})
    text = "Messages that other processes have not got."
    yield counter("websockets_publish_failures_total", text, {(): stats.unpublished})


def gauge(name: str, text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["pid"])
    family.add_metric([str(os.getpid())], value)
    return family


def counter(name: str, text: str, values: Mapping[Any, int], *labels: str) -> Metric:
    """``values`` by the value of the label, or by a tuple of them."""
    family = CounterMetricFamily(name, text, labels=[*labels, "pid"])
    for key, value in values.items():
        of_labels = key if isinstance(key, tuple) else (key,)
        family.add_metric([*map(str, of_labels), str(os.getpid())], value)
    return family


def publishing() -> Metric:
    """How long Redis took, with several processes; in one, nothing is counted."""
    name, text = "websockets_publish_seconds", "Time until Redis has taken a message."
    limits = [*map(str, PUBLISH_SECONDS), "+Inf"]
    counts = accumulate(stats.published_in)  # "at most": each class has the ones before
    family = HistogramMetricFamily(name, text, labels=["pid"])
    buckets = list(zip(limits, counts, strict=True))
    family.add_metric([str(os.getpid())], buckets, stats.published_seconds)
    return family
