"""The page /metrics: who may see it, and what Prometheus reads there."""

import asyncio
import http.client
import os
import sys
from urllib.parse import urlsplit

import pytest
from django.test import AsyncClient, override_settings
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from tests.support.clients import reads_after
from tests.support.processes import ROOT, server_process
from tests.support.readmes import table_of

TOKEN = "a token of these tests only"


@pytest.fixture(autouse=True)
def settings(application):
    with override_settings(ALLOWED_HOSTS=["testserver"], METRICS_TOKEN=TOKEN):
        yield


@pytest.fixture
def stats(application):
    """The counters, as in a process that has just begun."""
    from sockets.steps.stats import stats

    stats.__init__()
    return stats


def bearer(token):
    return {"headers": {"Authorization": f"Bearer {token}"}}


@pytest.fixture
def read(application):
    """``await read()``: the metrics on the page, by name, as Prometheus sees them."""

    async def read():
        answer = await AsyncClient().get("/metrics", **bearer(TOKEN))
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return values_of(answer.content.decode())

    return read


def values_of(text):
    """Each sample's value, by its name and labels, without the process's number."""
    values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("pid").isdecimal()
            values[" ".join([sample.name, *labels.values()])] = sample.value
    return values


async def test_a_guest_is_asked_to_log_in(chat):
    answer = await (await chat.browser()).get("/metrics")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/accounts/login/?next=/metrics"


async def test_a_user_may_not_see_it(chat):
    answer = await (await chat.browser(await chat.user())).get("/metrics")
    assert answer.status_code == 403


async def test_staff_see_it(chat):
    browser = await chat.browser(await chat.user(is_staff=True))
    answer = await browser.get("/metrics")
    assert answer.status_code == 200
    assert f'websockets_open{{pid="{os.getpid()}"}} 0.0' in answer.content.decode()


@pytest.mark.parametrize(
    ("ours", "given"),
    [(TOKEN, TOKEN[:-1]), (TOKEN, TOKEN + "x"), (TOKEN, ""), (TOKEN, "é"), ("", "")],
)
async def test_a_wrong_token_is_no_token(application, ours, given):
    with override_settings(METRICS_TOKEN=ours):
        answer = await AsyncClient().get("/metrics", **bearer(given))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert b"websockets_" not in answer.content


async def test_staff_behind_another_kind_of_log_in_still_see_it(chat):
    browser = await chat.browser(await chat.user(is_staff=True))
    basic = {"headers": {"Authorization": "Basic YTpi"}}
    assert (await browser.get("/metrics", **basic)).status_code == 200


async def test_without_its_package_the_page_says_how_to_install_it(
    application, monkeypatch
):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "operations.prometheus", raising=False)
    answer = await AsyncClient().get("/metrics", **bearer(TOKEN))
    assert answer.status_code == 503
    assert b"pip install prometheus-client" in answer.content


async def test_a_conversation_is_on_the_page(talk, stats, read):
    from sockets.groups import groups

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            async for message in socket:
                await groups.publish("room", message)

    assert (await read())["websockets_open"] == 0
    async with talk(handler) as anna, talk(handler) as bert:
        await anna.send("hello")
        assert await bert.receive() == await anna.receive() == "hello"
        values = await read()
        assert values["websockets_open"] == values["websockets_opened_total"] == 2
        assert values["websockets_messages_received_total"] == 1
        assert values["websockets_messages_sent_total"] == 2
        assert values["websockets_groups"] == 1
        assert values["websockets_group_members"] == 2
        assert values["websockets_group_members_max"] == 2
    values = await read()
    assert (values["websockets_open"], values["websockets_groups"]) == (0, 0)
    assert values["websockets_closed_total 1001"] == 2
    assert values["websockets_messages_received_total"] == 1
    assert values["websockets_messages_sent_total"] == 2


async def test_errors_and_failures_are_on_the_page(stats, read):
    stats.refuse(409, 'The room "lobby" is\nfull.')
    stats.failed, stats._outbox_most = 3, 7
    stats.evicted["you do not read"] = 2
    for seconds, ok in [(0.001, True), (0.002, True), (30, True), (1, False)]:
        stats.published(seconds, ok)
    values = await read()
    assert values['websockets_refused_total The room "lobby" is\nfull. 409'] == 1
    assert values["websockets_handler_errors_total"] == 3
    assert values["websockets_outbox_messages_max"] == 7
    assert values["websockets_evicted_total you do not read"] == 2
    assert values["websockets_publish_failures_total"] == 1
    name = "websockets_publish_seconds"
    assert values[f"{name}_sum"] == 30.003
    limits = ("0.001", "0.005", "1.0", "+Inf")
    assert [values[f"{name}_bucket {limit}"] for limit in limits] == [1, 2, 2, 3]
    assert values[f"{name}_count"] == 3


async def test_a_peer_that_does_not_keep_up_is_counted_while_it_lasts(
    talk, stats, read
):
    reads, behind = asyncio.Event(), asyncio.Event()

    async def handler(socket):
        await socket.accept()
        for _ in range(3):
            socket.outbox.put({"type": "websocket.send", "text": "news"})
        behind.set()
        await socket.outbox.flushed()
        await socket.receive()

    client = talk(handler)
    reads_after(client, reads)
    async with client:
        await behind.wait()
        values = await read()
        assert values["websockets_behind"] == 1
        assert values["websockets_outbox_messages_max"] == 2
        reads.set()
        for _ in range(3):
            await client.receive()
        values = await read()
        assert values["websockets_behind"] == 0
        assert values["websockets_outbox_messages_max"] == 2


async def test_the_readme_s_table_is_the_page(application):
    from operations.prometheus import exposition

    families = text_string_to_metric_families(exposition().decode())
    found = {
        family.name + "_total" * (family.type == "counter"): family.type
        for family in families
    }
    rows = table_of("04_django_wrapper", "Watching it", "metric")
    assert {name.split("{")[0].strip("`"): kind for name, kind, _ in rows} == found


def test_a_server_s_page_tells_of_its_websockets(tmp_path):
    command = ["-m", "uvicorn", "websocket_app.asgi:application", "--port=0"]
    environment = {
        "METRICS_TOKEN": TOKEN,
        "LOG_CONNECTIONS": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }
    with server_process(
        command, cwd=ROOT / "04_django_wrapper", **environment
    ) as server:
        with connect(f"{server.url.replace('http', 'ws')}/ws/ping/?a=secret") as client:
            client.send("ping")
            assert client.recv(timeout=30) == "pong!"
            values = fetched(server.url)
            assert values["websockets_open"] == 1
            assert values["websockets_messages_received_total"] == 1
            assert values["websockets_messages_sent_total"] == 1
    lines = [line for line in server.lines if " INFO sockets.connections: " in line]
    assert [line.split()[4] for line in lines] == ["opened", "closed"]
    assert "path='/ws/ping/' user=None address='127.0.0.1'" in lines[1]
    assert "secret" not in "".join(lines)


def fetched(url):
    """The values on the page of a server, which a token opens."""
    client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    client.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    text = client.getresponse().read().decode()
    client.close()
    return values_of(text)
