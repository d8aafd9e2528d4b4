"""The command line: what the user typed, checked; then the set-up; then the command."""

import argparse
import difflib
import io
import os
import sys

from workshop.command import doctor, environment, installed, ports
from workshop.command.errors import COMMAND, UserError
from workshop.command.lab import lab
from workshop.command.parser import Parser
from workshop.command.places import ROOT
from workshop.command.registered import registered
from workshop.command.stages import find_stage, serve
from workshop.command.tool import run_tool

OWN = ("lab", "serve", "test", "doctor")
# Tests mostly wait for others: several files at a time wait together, one by one in the
# order of tests/conftest.py.
TOGETHER = ("--dist=loadfile", "--no-loadscope-reorder")
MOST_FILES = 6  # at a time: more have not been tried
READER_GONE = 141  # what a shell says of a program that SIGPIPE ended: 128 + SIGPIPE


def main(arguments: list[str]) -> int:
    """Run one command.

    Args:
        arguments: what the user typed after ``python3 -m workshop``.

    Returns:
        The exit code: the tool's own, or 2 for a mistake of the user.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path may be in a script that the terminal's encoding lacks.
        sys.stdout.reconfigure(errors="replace")
    try:
        code = run(arguments)
        sys.stdout.flush()  # now, where the reader's end is no traceback
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has seen enough, as in "… | head". Python writes what is left once
        # more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    return code


def run(arguments: list[str]) -> int:
    """Check the arguments, enter ``.venv`` if need be, and run the command there.

    Raises:
        UserError: something that the user can fix.
    """
    options = parse(arguments)
    os.chdir(ROOT)
    if installed.missing():
        enterable = environment.ready() and not environment.inside()
        if options.command == "doctor" and not enterable:
            return doctor.report()
        if options.command in ("lab", "serve") and not enterable:
            # Said before a minute of set-up, not after it.
            ports.require_free(options.port)
        return environment.enter(arguments)

    if options.command == "doctor":
        return doctor.report()
    if options.command == "test":
        return test(options.arguments)
    if options.command in registered():
        return registered()[options.command].run(options.arguments)
    ports.require_free(options.port)
    if options.command == "serve":
        return serve(options.stage, options.port)
    return lab(options.port, options.browser)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command and its options.

    Returns:
        ``command``; and for ``test`` and registered commands ``arguments``, which their
        own tools check.

    Raises:
        UserError: there is no such command, stage, port or option.
    """
    others = registered()
    if not arguments:
        arguments = ["lab"]
    first = arguments[0]
    if first == "test" or first in others:
        return argparse.Namespace(command=first, arguments=arguments[1:])
    if first not in (*OWN, "-h", "--help"):
        if not first.startswith("-"):
            raise UserError(unknown_command(first, [*OWN, *others]))
        # Options without a command are those of lab.
        arguments = ["lab", *arguments]

    parser = Parser(
        prog=COMMAND,
        description="Learn WebSockets in Django without Channels. "
        "The first run installs the packages into .venv.",
        epilog="Without a command: lab.",
    )
    commands = parser.add_subparsers(dest="command", title="commands")
    lab_options = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    lab_options.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="print the address only",
    )
    serve_options = commands.add_parser(
        "serve", help="run a stage: serve 1, ... serve 4"
    )
    serve_options.add_argument("stage", nargs="?", default="", help="1, 2, 3 or 4")
    _add_port(lab_options, 8888)
    _add_port(serve_options, 8000)
    commands.add_parser(
        "test",
        help="run the tests: test 1 those of stage 1; other arguments are pytest's",
    )
    for other in others.values():
        commands.add_parser(other.name, help=other.help)
    commands.add_parser("doctor", help="say what is right and wrong with this machine")

    options = parser.parse_args(arguments)
    if options.command == "serve":
        options.stage = find_stage(options.stage, "serve")
    return options


def _add_port(command: argparse.ArgumentParser, port: int) -> None:
    command.add_argument(
        "--port", type=ports.parse_port, default=port, help=f"instead of {port}"
    )


def unknown_command(word: str, known: list[str]) -> str:
    """The message about a command that does not exist."""
    close = difflib.get_close_matches(word.lower(), known, 1, cutoff=0.5)
    if close:
        return f"There is no command {word!r}. Did you mean: {COMMAND} {close[0]}"
    return f"There is no command {word!r}. The commands: {', '.join(known)}."


def test(arguments: list[str]) -> int:
    """Run the tests: all of them, a stage's, or what pytest is told.

    Args:
        arguments: pytest's; a stage's number in the first place is its folder.

    Raises:
        UserError: there is no such stage.
    """
    if not arguments:
        return run_tool("pytest", f"-n{files_at_a_time(os.cpu_count())}", *TOGETHER)
    first, *others = arguments
    if first.isascii() and first.isdigit():
        folder = f"tests/{find_stage(first, 'test').name}"
        # Whoever adds an option may want to look into one test: `--pdb`, `-s`.
        together = [] if others else ["-n4", *TOGETHER]
        return run_tool("pytest", folder, *together, *others)
    return run_tool("pytest", *arguments)


def files_at_a_time(cores: int | None) -> int:
    """How many files of tests run beside each other in the whole suite.

    One more than there are cores, since tests wait for a server or a browser, too.

    Args:
        cores: of the machine; ``None`` where Python cannot tell.
    """
    return min((cores or 1) + 1, MOST_FILES)
