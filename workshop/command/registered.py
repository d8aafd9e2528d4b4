"""The commands that other parts of the repository register in ``pyproject.toml``.

``[tool.workshop.commands]`` names each with its module and a line of help. So this
package imports nothing of theirs, and no import runs in a circle.

Standard library only: the names are needed before anything is installed.
"""

import importlib
import tomllib
from dataclasses import dataclass

from workshop.command.places import ROOT


@dataclass(frozen=True)
class Registered:
    """One command.

    Attributes:
        name: what the user types after ``python3 -m workshop``.
        module: has ``main(arguments: list[str]) -> int``, which gives the exit code.
        help: one line for ``--help``.
    """

    name: str
    module: str
    help: str

    def run(self, arguments: list[str]) -> int:
        """Run the command. Its module may need packages, so it is imported now."""
        module = importlib.import_module(self.module)
        return int(module.main(arguments))


def registered() -> dict[str, Registered]:
    """The commands by their names, in the order of ``pyproject.toml``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    table = project.get("tool", {}).get("workshop", {}).get("commands", {})
    return {
        name: Registered(name, entry["module"], entry["help"])
        for name, entry in table.items()
    }
