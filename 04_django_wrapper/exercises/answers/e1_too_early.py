"""Hints, check and solution of exercise 4.1, and what must not pass."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import practice

from workshop.exercises import Wrong, shown

HINTS = (
    "Which of the lines needs the settings? Which one needs models, and which one "
    "loads them?",
    "`get_asgi_application()` reads the settings and loads all apps. Before it must "
    "stand only what it needs itself.",
    "First the line with `os.environ`, then the import and the call of "
    "`get_asgi_application`, and then `from chat.handlers import room`.",
)

# The check starts Python anew, and imports Django there: on a busy machine that takes
# longer than ten seconds.
LIMIT = 60.0

# In a process of its own: in the check's process Django is ready long ago.
PROGRAM = """
import json, sys
module = {"__name__": "lesson", "__file__": sys.argv[1]}
exec(compile(sys.stdin.read(), "lesson", "exec"), module)
load = module["load"]
import django
setups = 0
setup = django.setup
def counted(*args, **more):
    global setups
    setups += 1
    setup(*args, **more)
django.setup = counted
try:
    found = load()
except BaseException as error:
    place = error.__traceback__
    line = 0
    while place is not None:
        if place.tb_frame.f_code.co_filename == "lesson":
            line = place.tb_lineno
        place = place.tb_next
    told = {"error": type(error).__name__, "text": str(error)[:200], "line": line}
else:
    pair = found if isinstance(found, tuple) else (found,)
    told = {"names": [getattr(x, "__name__", type(x).__name__) for x in pair]}
from django.conf import settings
told["urls"] = getattr(settings, "ROOT_URLCONF", "") if settings.configured else ""
print(json.dumps(told | {"setups": setups}))
"""


def check(load: Callable[[], tuple[Any, Any]]) -> str:
    told = _run(load)
    error = told.get("error")
    if error == "AppRegistryNotReady":
        raise Wrong(
            f"Line {told['line']} raised AppRegistryNotReady: a model was imported "
            "before the apps were loaded.",
            ask="Which line loads the apps?",
        )
    if error == "ImproperlyConfigured" and "DJANGO_SETTINGS_MODULE" in told["text"]:
        raise Wrong(
            f"Line {told['line']} raised ImproperlyConfigured: Django was asked for "
            "its settings, and nobody had named them yet.",
            ask="Which line names the settings?",
        )
    if error:
        raise Wrong(f"Line {told['line']} raised {error}: {told['text']}")
    if told["names"] != ["ASGIHandler", "room"]:
        raise Wrong(
            f"load gave {shown(told['names'])}; Django's application (ASGIHandler) "
            "and the handler room were wanted.",
            ask="Which of the lines has got lost?",
        )
    if told["urls"] != "websocket_app.urls":
        raise Wrong(
            "Django runs with other settings than websocket_app.settings.",
            ask="Which settings has the line with os.environ named?",
        )
    if told["setups"] != 1:
        raise Wrong(
            f"django.setup() ran {told['setups']} times; once was wanted. "
            "get_asgi_application() calls it for you.",
            ask="What is left to do for a setup() of your own?",
        )
    return "the settings are named, the apps are loaded, and only then models come in."


def _run(load: Callable[[], tuple[Any, Any]]) -> dict[str, Any]:
    text = Path(load.__code__.co_filename).read_text("utf-8")
    run = practice.run_alone(PROGRAM, text)
    lines = run.stdout.splitlines()
    if not lines or not lines[-1].startswith("{"):
        raise Wrong(
            f"The process has ended before load was done: {run.stderr[-300:]}",
            ask="Which line ends the whole process?",
        )
    told: dict[str, Any] = json.loads(lines[-1])
    return told


def load() -> tuple[Any, Any]:
    """Django's application, and the handler of the chat's rooms."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    from django.core.asgi import get_asgi_application

    django_application = get_asgi_application()
    from chat.handlers import room

    return django_application, room


def settings_first_only():
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    from chat.handlers import room
    from django.core.asgi import get_asgi_application

    return get_asgi_application(), room


def imported_and_not_called():
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    from django.core.asgi import get_asgi_application

    from chat.handlers import room  # isort: skip

    return get_asgi_application(), room


def settings_too_late():
    from django.core.asgi import get_asgi_application

    django_application = get_asgi_application()
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    from chat.handlers import room

    return django_application, room


def set_up_by_hand():
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    import django

    django.setup()
    from chat.handlers import room
    from django.core.asgi import get_asgi_application

    return get_asgi_application(), room


def swallowed():
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    try:
        from chat.handlers import room
    except Exception:
        room = None
    from django.core.asgi import get_asgi_application

    return get_asgi_application(), room


def other_settings():
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "sockets",
            "chat",
        ]
    )
    from django.core.asgi import get_asgi_application

    django_application = get_asgi_application()
    from chat.handlers import room

    return django_application, room


def without_the_room():
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


WRONG = (
    (settings_first_only, "raised AppRegistryNotReady"),
    (imported_and_not_called, "a model was imported before the apps were loaded"),
    (settings_too_late, "nobody had named them yet"),
    (set_up_by_hand, "django.setup() ran 2 times"),
    (swallowed, "load gave ['ASGIHandler', 'NoneType']"),
    (other_settings, "other settings than websocket_app.settings"),
    (without_the_room, "load gave ['ASGIHandler']"),
)
