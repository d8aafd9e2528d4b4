"""The ports of the servers that cannot choose one: nobody else gets them."""

import socket
import subprocess
import sys

from tests.support import ports
from tests.support.processes import ROOT

ANOTHER = """
import sys
from tests.support import ports
class Chance:
    numbers = iter(map(int, sys.argv[1:]))
    def randrange(self, *_):
        return next(self.numbers)
ports._chance = Chance()
print(ports.free_port())
"""


def test_a_server_can_listen_on_a_port_that_is_given_away() -> None:
    with socket.create_server(("127.0.0.1", ports.free_port())):
        pass


def test_another_process_is_not_given_a_port_that_is_ours() -> None:
    ours, other = ports.free_port(), ports.free_port()
    ports._claims.pop().close()  # this one is not ours any more
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER, str(ours), str(other)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == other
