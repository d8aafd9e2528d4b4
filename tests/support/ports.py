"""Ports for servers that cannot choose one themselves."""

import random
import socket

# Not random's own numbers: a test that seeds them would choose the same ports again.
_chance = random.SystemRandom()
_claims: list[socket.socket] = []  # open until this process ends


def free_port() -> int:
    """A TCP port of 127.0.0.1 that stays ours until this process ends.

    A port that is only looked up can be taken before the server listens there: by a
    connection (systems number those from 32768 on), or by a test in another process.
    So this is a lower one, and this process holds the UDP port of the same number:
    there the other test processes see that the TCP port is given away.
    """
    while True:
        port = _chance.randrange(10_000, 32_000)
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
        else:
            _claims.append(claim)
            return port
