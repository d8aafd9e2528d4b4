"""A Celery worker that tells a websocket how far its work is."""

import asyncio
from uuid import uuid4

from celery import Celery, shared_task
from django.conf import settings
from sockets.codes import Refused
from sockets.connection import Socket
from sockets.groups import groups
from sockets.routing import path

app = Celery("mysite", broker=settings.SOCKETS["REDIS_URL"])


@shared_task(ignore_result=True)
def make_report(job: str, pages: int) -> None:
    """Hours of work, in a process without websockets."""
    for page in range(1, pages + 1):
        # Here is the work.
        groups.publish_json_sync(f"job-{job}", {"page": page, "of": pages})


async def report(socket: Socket) -> None:
    """Start the work, and show how far it is until the peer leaves."""
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    job = uuid4().hex
    # First join, then start: a quick worker would be done before somebody listens.
    async with groups.join(f"job-{job}", socket):
        # delay() talks to Redis and waits for it: not in the event loop.
        await asyncio.to_thread(make_report.delay, job, pages=3)
        async for _ in socket:
            pass


websockets = [path("ws/report/", report)]
