"""``python3 -m workshop copy``: registered in ``pyproject.toml``."""

from pathlib import Path

from workshop.command.errors import COMMAND, UserError
from workshop.command.parser import Parser
from workshop.command.places import ROOT
from workshop.copying import copied, merging, shown, writing
from workshop.copying.layer import LAYER, Layer, read_layer
from workshop.copying.merging import Outcome

GUIDE = "04_django_wrapper/REFERENCE.md"


def main(arguments: list[str], layer: Path = LAYER) -> int:
    """Copy the layer, compare a copy, or bring one up to date.

    Args:
        arguments: what the user typed after ``copy``.
        layer: the folder of the layer.

    Returns:
        The exit code: 0 done, or nothing differs; 1 differences or conflicts.

    Raises:
        UserError: a wrong argument, or something that the user can fix (exit code 2).
    """
    parser = Parser(
        prog=f"{COMMAND} copy",
        description="Copy the websocket layer into a project, as its folder sockets/.",
        epilog="Exit codes: 0 fine, 1 differences or conflicts, 2 nothing was done.",
    )
    parser.add_argument(
        "directory",
        metavar="DIR",
        type=Path,
        help="the project's folder, with manage.py; afterwards also the copy itself",
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--diff",
        action="store_true",
        help="show what was changed there, and here, since it was copied",
    )
    choice.add_argument(
        "--update",
        action="store_true",
        help="bring in what has changed here, and keep what was changed there",
    )
    options = parser.parse_args(arguments)
    directory = options.directory.expanduser().resolve()
    try:
        here = read_layer(layer)
        if options.update:
            return update(directory, here)
        if options.diff:
            return diff(directory, here)
        return copy(directory, here)
    except BrokenPipeError:
        # The reader of our output has seen enough: cli.py ends the command in silence.
        raise
    except OSError as error:
        raise UserError(
            f"{error.filename or directory} cannot be read ({error.strerror}). "
            "Nothing was changed."
        ) from None


def copy(directory: Path, layer: Layer) -> int:
    """Copy the layer into a project.

    Raises:
        UserError: there is no such folder, or something is in the way.
    """
    if not directory.is_dir():
        raise UserError(f"There is no folder {directory}. Make the project first.")
    if directory.is_relative_to(ROOT):
        raise UserError(
            f"{directory} is a folder of the workshop itself. Name the folder of a "
            "project of your own."
        )
    folder = directory / layer.folder.name
    for place in (directory, folder):
        if (place / copied.NOTE).is_file():
            raise UserError(
                f"{place} is a copy already. See what has changed: {COMMAND} copy "
                f"{place} --diff"
            )
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(
            f"{folder} is there already, and is no copy that `{COMMAND} copy` has "
            "made. Nothing was changed. Rename it, then run this again."
        )
    writing.make_folder(folder, {**layer.files, **copied.notes_of(layer)})
    print(f"Copied {layer.version} to {folder}. Next: {GUIDE}.")
    return 0


def diff(directory: Path, layer: Layer) -> int:
    """Show what has changed on both sides.

    Raises:
        UserError: there is no copy that can be compared.
    """
    folder = copied.find(directory)
    if writing.interrupted(folder):
        raise UserError(
            f"An update of {folder} was cut off. To go on: {COMMAND} copy {folder} "
            "--update"
        )
    text, differs = shown.differences(copied.read_copy(folder), layer)
    print(text)
    return 1 if differs else 0


def update(directory: Path, layer: Layer) -> int:
    """Bring a copy up to date.

    Raises:
        UserError: there is no copy that can be updated; nothing was changed.
    """
    folder = copied.find(directory)
    if writing.interrupted(folder):
        writing.undo(folder)
        print("The last update was cut off. The folder is as it was before it.")
    there = copied.read_copy(folder)
    changes = merging.plan(there, layer)
    contents = {change.name: change.content for change in changes if change.writes}
    notes = copied.notes_of(layer)
    if all(change.outcome is Outcome.KEPT for change in changes):
        # The archive may be lost, and all its files are here.
        if copied.notes_in(folder) != notes:
            writing.change_files(folder, notes)
        print(f"{folder} has all that is here: {layer.version}.")
        return 0
    writing.change_files(folder, {**contents, **notes})
    print(shown.told(there, layer, changes))
    if any(change.outcome is Outcome.CONFLICT for change in changes):
        print("Look at each conflict, then run your tests.")
        code = 1
    else:
        code = 0
    if contents:
        print(f"What it means for your code: {folder / 'CHANGELOG.md'}.")
    return code
