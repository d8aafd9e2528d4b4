"""What can be wrong with a typed command, each said in one sentence."""

import importlib
import socket
import sys
from pathlib import Path
from typing import cast

from asgiref.typing import ASGI3Application


class CommandError(Exception):
    """A mistake in what was typed: said in one sentence, with exit code 2."""


def load(name: str) -> ASGI3Application:
    """The application called ``module:attribute``, looked for in this folder first."""
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise CommandError(
            f"expected MODULE:ATTRIBUTE, as app:application; got {name!r}"
        )
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # it exists, and imports something that does not
        raise CommandError(
            f"there is no module {error.name!r} in {Path.cwd()}"
        ) from None
    application = getattr(module, attribute, None)
    if not callable(application):
        raise CommandError(f"{module_name} has no application called {attribute!r}")
    return cast(ASGI3Application, application)


def listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        raise CommandError(f"cannot listen on port {port}: {error}") from None
