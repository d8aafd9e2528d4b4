"""Who loses the session or the rights while connected, at whichever worker that is."""

import http.client
import sqlite3
import sys
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.cluster import cluster
from tests.support.peers import websocket
from tests.support.redis_server import running_redis

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no redis-server"
)


@pytest.fixture(scope="module")
def workers(database, tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as redis:
        settings = {"REDIS_URL": redis.url, "RECHECK_SECONDS": 1}
        with cluster(2, database, **settings) as workers:
            yield workers
            assert all("Traceback" not in worker.log for worker in workers)


def log_out(worker, cookie):
    """Press the button, at this worker."""
    token = "a" * 32
    headers = {"Cookie": f"{cookie}; csrftoken={token}", "X-CSRFToken": token}
    server = http.client.HTTPConnection(urlsplit(worker.url).netloc, timeout=60)
    with closing(server):
        server.request("POST", "/accounts/logout/", headers=headers)
        assert server.getresponse().status == 302


@pytest.mark.parametrize("loss", ["log-out", "password", "deactivation"])
def test_who_loses_the_right_is_closed_with_4401_by_every_worker(
    workers, database, sessions, loss
):
    """``sessions``: for each loss, of a person of that name. Anna stays."""

    def enter(worker, session):
        headers = {"Cookie": f"sessionid={sessions[session]}"}
        return websocket(worker, "/who/", origin=worker.url, additional_headers=headers)

    one, other = workers
    with enter(one, loss) as here, enter(other, loss) as there:
        with enter(other, "good") as anna:
            assert here.recv(timeout=60) == there.recv(timeout=60) == loss
            if loss == "log-out":
                log_out(one, f"sessionid={sessions[loss]}")
            else:  # by somebody who knows nothing of websockets
                change = {"password": "password = 'x'", "deactivation": "is_active = 0"}
                with closing(sqlite3.connect(database, timeout=60)) as people, people:
                    people.execute(
                        f"UPDATE auth_user SET {change[loss]} WHERE username = ?",
                        [loss],
                    )
            for client in (here, there):
                with pytest.raises(ConnectionClosed) as end:
                    client.recv(timeout=60)
                assert end.value.rcvd.code == 4401
            assert anna.recv(timeout=60) == "anna"
            with pytest.raises(TimeoutError):
                anna.recv(timeout=0)
