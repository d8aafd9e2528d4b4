"""TCP ports of this machine: free or taken, and by whom."""

import socket

from workshop.command.errors import UserError

LAST = 65535


def parse_port(text: str) -> int:
    """The port number that ``text`` writes.

    Raises:
        UserError: it is no number from 1 to 65535.
    """
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LAST:
        return int(text)
    raise UserError(f"A port is a number from 1 to {LAST}, not {text!r}: --port 8001")


def is_free(port: int) -> bool:
    """Whether a server can listen on ``port`` of 127.0.0.1 now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def holder(port: int) -> str:
    """The program that listens on ``port``: ``"uvicorn (process 4711)"``.

    Returns:
        ``""`` if it is unknown.

    Unknown is the rule before the set-up, which brings psutil, for processes of other
    users, and on macOS, where only root may list connections.
    """
    try:
        import psutil
    except ImportError:
        return ""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr.port == port and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f"{name} (process {connection.pid})"
    except psutil.Error:
        pass
    return ""


def free_port_after(port: int) -> int:
    """The next free port above ``port``; any free one if the next hundred are taken."""
    for candidate in range(port + 1, min(port + 100, LAST) + 1):
        if is_free(candidate):
            return candidate
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def require_free(port: int) -> None:
    """Do nothing if ``port`` is free.

    Raises:
        UserError: it is taken, or the system keeps it for itself.
    """
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except PermissionError:
        trouble = f"The system does not let this user listen on port {port}."
    except OSError:
        trouble = f"Port {port} is in use."
        by = holder(port)
        if by:
            trouble = f"Port {port} is in use by {by}."
        trouble += " Stop that program, or choose another port:"
        raise UserError(f"{trouble} --port {free_port_after(port)}") from None
    else:
        return
    raise UserError(
        f"{trouble} Choose another port: --port {free_port_after(max(port, 7999))}"
    )
