"""Import what a setting names, and tell a wrong name from an error in a module.

A wrong name is a mistake in the settings, and a check says so in a sentence. An error
in the module itself must come out as it is: Django's reloader watches the file in which
the traceback of a failed start ends. If a check caught that error, the reloader would
not see that somebody corrects it.
"""

from importlib import import_module
from types import ModuleType
from typing import Any


class NotThere(ImportError):
    """There is no such module, or the module has no such attribute."""


def module_of(name: str) -> ModuleType:
    """A module, by its dotted name.

    Raises:
        NotThere: there is none of this name.
        Exception: whatever the module raises while it is imported.
    """
    if not isinstance(name, str) or not name:
        raise NotThere("that is not the name of a module")
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(missing + "."):
            raise NotThere(str(error)) from None
        raise  # another one, which this module imports


def attribute_of(name: str) -> Any:
    """``"mysite.asgi.application"``: the attribute of a module.

    Raises:
        NotThere: there is no such module, or it has no such attribute.
        Exception: whatever the module raises while it is imported.
    """
    module_name, _, attribute = name.rpartition(".")
    module = module_of(module_name)
    if not hasattr(module, attribute):
        raise NotThere(f"the module {module_name} has no {attribute!r}")
    return getattr(module, attribute)
