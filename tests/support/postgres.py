"""A PostgreSQL server of the test's own, where there is one on this machine."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.ports import free_port


def missing() -> str:
    """What is not there; "" if a server can be started."""
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'psycopg[binary]'"
    if _programs() is None:
        return "no PostgreSQL server found: no initdb on the path"
    return ""


def _programs() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # not on its path
    return debian[-1] if debian else None


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server on a free port, with a new cluster; yields its ``DATABASE_URL``."""
    programs, port = _programs(), free_port()
    assert programs is not None
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # it refuses to be run by root
    user = {"user": "postgres"} if root else {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if root:
            shutil.chown(folder, "postgres")

        def run(program: str, *arguments: str) -> None:
            command = [programs / program, "-D", f"{folder}/data", *arguments]
            with Path(folder, "log").open("a") as log:  # the server would hold a pipe
                done = subprocess.run(
                    command, stdout=log, stderr=log, cwd=folder, timeout=300, **user
                )
            assert done.returncode == 0, Path(folder, "log").read_text("utf-8")

        run("initdb", "--auth=trust", "--username=chat", "--encoding=UTF8", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "-o", options)
        try:
            yield f"postgres://chat@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate")
