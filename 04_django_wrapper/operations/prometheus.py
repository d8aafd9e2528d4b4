"""``sockets/steps/stats.py`` in Prometheus' text format.

Each process tells of itself only: every number has the label ``pid``. Names of groups
are no labels: there may be as many groups as users, and a name may tell who is here.

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
    """The page's text, as UTF-8; to be called in the event loop."""
    registry = CollectorRegistry()
    registry.register(Process())
    return generate_latest(registry)


class Process:
    """This process; in the words of prometheus-client a collector."""

    def collect(self) -> Iterator[Metric]:
        yield from now()
        yield from since_the_start()
        yield publishing()


def now() -> Iterator[Metric]:
    """Numbers that go up and down."""
    behind = [socket for socket in opened if socket.outbox.behind]
    sizes = []
    for group in groups.members.values():
        # Not all members are websockets: the chat's feeds listen, too.
        size = sum(isinstance(member, Socket) for member in group)
        if size > 0:
            sizes.append(size)
    yield gauge("websockets_open", "Websockets that are open.", len(opened))
    yield gauge("websockets_behind", "Those whose peers read too slowly.", len(behind))
    yield gauge("websockets_groups", "Groups with members here.", len(sizes))
    yield gauge("websockets_group_members", "Members of all groups.", sum(sizes))
    most = max(sizes, default=0)
    yield gauge("websockets_group_members_max", "Members of the largest group.", most)


def since_the_start() -> Iterator[Metric]:
    """Numbers that only grow until the process ends."""
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
    """A number of this process, by Prometheus' name for it."""
    family = GaugeMetricFamily(name, text, labels=["pid"])
    family.add_metric([str(os.getpid())], value)
    return family


def counter(name: str, text: str, values: Mapping[Any, int], *labels: str) -> Metric:
    """Counts of this process.

    Args:
        name: ends with ``_total``.
        text: what is counted.
        values: each count, by the value of its label, or by a tuple of the values of
            all labels.
        labels: their names.
    """
    family = CounterMetricFamily(name, text, labels=[*labels, "pid"])
    pid = str(os.getpid())
    for key, value in values.items():
        of_labels = key if isinstance(key, tuple) else (key,)
        family.add_metric([*map(str, of_labels), pid], value)
    return family


def publishing() -> Metric:
    """How long Redis took. Without Redis nothing is counted."""
    name = "websockets_publish_seconds"
    text = "Time until Redis has taken a message."
    limits = [*map(str, PUBLISH_SECONDS), "+Inf"]
    # A bucket of Prometheus means "at most": it counts all of the smaller ones, too.
    counts = accumulate(stats.published_in)
    buckets = list(zip(limits, counts, strict=True))
    family = HistogramMetricFamily(name, text, labels=["pid"])
    family.add_metric([str(os.getpid())], buckets, stats.published_seconds)
    return family
