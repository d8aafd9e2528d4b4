"""The test of watched.py: copy it, too. Nothing leaves this process."""

import json
from typing import Any

import sentry_sdk
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.test import TestCase
from mysite.asgi import application
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.transport import Transport
from sockets.testing import SocketClient

told: list[Any] = []
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)


class Memory(Transport):
    """In place of the way to Sentry."""

    def capture_envelope(self, envelope: Any) -> None:
        told.append(envelope.get_event())


class WatchedTest(TestCase):
    def setUp(self) -> None:
        told.clear()
        spans.clear()
        given = sentry_sdk.get_client().options["include_local_variables"]
        sentry_sdk.init(
            dsn="https://key@sentry.invalid/1",
            transport=Memory,
            include_local_variables=given,
        )

    async def divide_by_zero(self, user: Any) -> None:
        async with SocketClient(application, "/ws/divide/", user=user) as client:
            await client.send_json([424242, 0])
            self.assertEqual((await client.closed())[0], 1011)

    async def test_sentry_is_told_of_an_error_with_its_place_and_person(self) -> None:
        # As any line of a log before the first connection does: all share a scope now.
        sentry_sdk.add_breadcrumb(message="the site starts")
        anna = await User.objects.acreate(username="anna")
        await self.divide_by_zero(anna)
        await self.divide_by_zero(None)
        [hers, a_guest_s] = told
        self.assertEqual(hers["exception"]["values"][-1]["type"], "ZeroDivisionError")
        self.assertEqual(hers["transaction"], "ws/divide/")
        self.assertEqual(hers["user"], {"id": anna.pk})
        # Another connection has another scope: nothing of Anna is left in it.
        self.assertNotIn("user", a_guest_s)

    async def test_what_a_peer_has_sent_is_not_told_to_sentry(self) -> None:
        await self.divide_by_zero(None)
        self.assertNotIn("424242", json.dumps(told, default=str))

    async def test_the_peer_s_own_mistake_is_no_error_of_the_site(self) -> None:
        async with SocketClient(application, "/ws/divide/") as client:
            await client.send_json("nothing")
            self.assertEqual((await client.closed())[0], 1008)
        self.assertEqual(told, [])

    async def test_each_message_has_a_span_and_the_websocket_has_none(self) -> None:
        async with SocketClient(application, "/ws/divide/") as client:
            for numbers, result in (([6, 3], 2.0), ([9, 3], 3.0)):
                await client.send_json(numbers)
                self.assertEqual(await client.receive_json(), result)
        finished = spans.get_finished_spans()
        self.assertEqual([span.name for span in finished], ["divide", "divide"])
        self.assertEqual(finished[0].attributes["numbers"], (6, 3))

    async def test_a_page_has_a_span_of_its_own(self) -> None:
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": "/admin/",
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
        }
        talk = ApplicationCommunicator(application, scope)
        await talk.send_input({"type": "http.request", "body": b""})
        self.assertEqual((await talk.receive_output(30))["status"], 302)
        await talk.wait(30)
        kinds = [span.kind for span in spans.get_finished_spans()]
        self.assertIn(trace.SpanKind.SERVER, kinds)
