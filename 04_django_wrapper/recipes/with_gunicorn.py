"""gunicorn's configuration, and a worker with the limits that websockets need."""

from uvicorn_worker import UvicornWorker


class SocketsWorker(UvicornWorker):
    """uvicorn, with options for which gunicorn has no words."""

    CONFIG_KWARGS = UvicornWorker.CONFIG_KWARGS | {
        "ws_max_size": 65_536,  # bytes of one message, as SOCKETS["MESSAGE_BYTES"]
        "ws_ping_interval": 20.0,  # seconds; a dead connection is found within 40
        "ws_ping_timeout": 20.0,
        # Seconds for handlers to end, after those of SOCKETS["DRAIN_SECONDS"].
        "timeout_graceful_shutdown": 5,
    }


# gunicorn reads the names in small letters.
worker_class = SocketsWorker
workers = 1  # more of them need SOCKETS["REDIS_URL"]
bind = "127.0.0.1:8000"
graceful_timeout = 20  # seconds from SIGTERM to SIGKILL: more than all of the above
max_requests = 0  # a worker that ends after so many would end its websockets, too
