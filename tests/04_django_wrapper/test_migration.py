"""MIGRATION.md: it has every name of Channels, and what it shows runs."""

import importlib
import inspect
import pkgutil
import re
import sys
from types import ModuleType

import pytest
from django.urls import path

from tests.support.processes import ROOT
from tests.support.readmes import python_of

PAGE = (ROOT / "04_django_wrapper" / "MIGRATION.md").read_text("utf-8")
WORD = re.compile(r"[A-Za-z_]\w+")


def sections() -> list[set[str]]:
    """For each part of "Every name": the words of code in its tables' left column."""
    _, below = PAGE.split("\n## Every name\n")
    found = []
    for section in below.split("\n### ")[1:]:
        cells = re.findall(r"^\| (.+?) \| ", section, re.M)
        code = re.findall(r"`[^`]+`", " ".join(cells))
        found.append(set(WORD.findall(" ".join(code))))
    return found


def names_of_channels() -> dict[str, set[str]]:
    """Each public class and function of the package, with its public methods."""
    channels = importlib.import_module("channels")
    found: dict[str, set[str]] = {}
    for module in pkgutil.walk_packages(channels.__path__, "channels."):
        members = vars(importlib.import_module(module.name))
        for name, member in members.items():
            is_own = getattr(member, "__module__", None) == module.name
            if name.startswith("_") or not is_own:
                continue
            if inspect.isclass(member):
                found[name] = found.get(name, set()) | methods_of(member)
            elif callable(member):
                found.setdefault(name, set())
    return found


def methods_of(kind: type) -> set[str]:
    methods = set()
    for name, member in vars(kind).items():
        is_method = inspect.isroutine(member) or isinstance(member, property)
        if is_method and not name.startswith("_"):
            methods.add(name)
    return methods


def test_the_table_has_every_class_function_and_method_of_channels(application):
    """A method stands in the same part of the table as its class."""
    names = names_of_channels()
    assert names["AsyncWebsocketConsumer"] >= {"accept", "close"}  # we have looked
    missing = []
    for name, methods in names.items():
        places = [words for words in sections() if name in words]
        if not places:
            missing.append(name)
        for method in methods:
            if not any(method in words for words in places):
                missing.append(f"{name}.{method}")
    assert missing == []


# Settings, attributes and commands, which no module of the package defines.
DOCUMENTED = """
    CHANNEL_LAYERS ASGI_APPLICATION ASGI_THREADS runworker runserver daphne
    channel_name channel_layer channel_layer_alias groups capacity expiry group_expiry
    scope url_route user session cookies receive_nothing wait serve_static
    channels_redis
"""


@pytest.mark.parametrize("name", DOCUMENTED.split())
def test_the_table_has_what_the_documentation_of_channels_names(name):
    assert any(name in words for words in sections())


def test_each_row_of_the_table_says_something():
    _, below = PAGE.split("\n## Every name\n")
    rows = re.findall(r"^\| (.+) \|$", below, re.M)
    for row in rows:
        cells = row.split(" | ")
        assert len(cells) == 2 and all(cell.strip() for cell in cells), row


def test_the_shim_has_what_its_table_says_and_each_name_is_channels_own():
    from sockets import channels as shim

    rows = re.findall(
        r"^\| `(channels\.\S+)` → `sockets\.channels` \| (.+) \|$", PAGE, re.M
    )
    assert len(rows) == 5
    for module, names in rows:
        for name in re.findall(r"`(\w+)`", names):
            assert hasattr(importlib.import_module(module), name)
            assert hasattr(shim, name)


def test_each_name_of_the_layer_on_the_page_is_there(application):
    names = set(re.findall(r"\bsockets(?:\.\w+)+", PAGE))
    assert "sockets.testing" in names
    for name in sorted(names):
        module, _, attribute = name.rpartition(".")
        found = importlib.import_module(module)
        if not hasattr(found, attribute):
            importlib.import_module(name)


async def test_the_step_of_the_page_refuses_and_hands_over(talk, tables, monkeypatch):
    from django.contrib.auth.models import User
    from sockets.testing import SocketRefused

    step, settings = python_of("04_django_wrapper", "Steps in place of middleware")
    module = ModuleType("mysite.steps")
    exec(step, vars(module))
    monkeypatch.setitem(sys.modules, "mysite", ModuleType("mysite"))
    monkeypatch.setitem(sys.modules, "mysite.steps", module)
    changed = {"SOCKETS": {}}
    exec(settings, changed)

    async def handler(socket):
        await socket.accept()
        await socket.send(socket.data["owner"].username)

    await User.objects.acreate(username="anna")
    options = {"URLCONF": (path("", handler),), **changed["SOCKETS"]}
    async with talk(handler, "/", options, headers={"X-Key": "anna"}) as client:
        assert await client.receive() == "anna"
    with pytest.raises(SocketRefused) as refused:
        async with talk(handler, "/", options, headers={"X-Key": "ben"}):
            pass
    assert refused.value.status == 401
    assert refused.value.body == "This key is nobody's.\n"
    await User.objects.all().adelete()
