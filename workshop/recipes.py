"""``python3 -m workshop recipes``: registered in ``pyproject.toml``."""

from workshop.command import environment
from workshop.command.errors import COMMAND, UserError
from workshop.command.parser import Parser


def main(arguments: list[str]) -> int:
    """Install the packages of stage 04's recipes, unless they are there.

    Args:
        arguments: what the user typed after ``recipes``: nothing, or ``--help``.

    Returns:
        The exit code: 0.

    Raises:
        UserError: a wrong argument, or the packages cannot be installed.
    """
    parser = Parser(
        prog=f"{COMMAND} recipes",
        description="Install the packages that only the recipes of stage 04 use.",
    )
    parser.parse_args(arguments)
    lacking = environment.add_recipes()
    if lacking:
        raise UserError(f"The recipes cannot be tried. {lacking}")
    print("The packages of the recipes are installed.")
    return 0
