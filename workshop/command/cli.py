"""The commands: what the user typed, checked; then the set-up; then the tool itself."""

import argparse
import difflib
import importlib
import io
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from workshop.command import doctor, environment, ports
from workshop.command.environment import ROOT
from workshop.command.errors import COMMAND, UserError

COMMANDS = ("lab", "serve", "test", "exercise", "bench", "doctor")
BENCHMARKS = ("echo", "fanout", "idle", "switch", "all")
ACTIVATE = r".venv\Scripts\activate" if os.name == "nt" else "source .venv/bin/activate"


def main(arguments: list[str]) -> int:
    """Run one command.

    Args:
        arguments: what the user typed after ``python3 -m workshop``.

    Returns:
        The exit code: the tool's own, or 2 for a mistake of the user.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a path in a script that it lacks
    try:
        return run(arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def run(arguments: list[str]) -> int:
    """Check the arguments, enter ``.venv`` if need be, and run the command there.

    Raises:
        UserError: something that the user can mend.
    """
    options = parse(arguments)
    os.chdir(ROOT)
    enterable = environment.ready() and not environment.inside()
    if environment.missing():
        if options.command == "doctor" and not enterable:
            return doctor.report()
        if options.command in ("lab", "serve") and not enterable:
            ports.require_free(options.port)  # before a minute of set-up, not after
        return environment.enter(arguments)
    if options.command == "doctor":
        return doctor.report()
    if options.command == "test":
        # The whole suite mostly waits for others: three files at a time wait together.
        return run_tool("pytest", *options.arguments or ["-n3", "--dist=loadfile"])
    if options.command == "exercise":
        command = importlib.import_module("workshop.exercises.command")
        return int(command.main(options.arguments))
    if options.command == "bench":
        return bench(options)
    ports.require_free(options.port)
    if options.command == "serve":
        return serve(options.stage, options.port)
    return lab(options.port, options.browser)


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong argument is a ``UserError``, not a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[0].upper()}{message[1:]}. See: {self.prog} --help")


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command and its options.

    Raises:
        UserError: there is no such command, stage, port or option.
    """
    if arguments[:1] in (["test"], ["exercise"]):
        # All that follows is pytest's or the exercises' own, also --help.
        return argparse.Namespace(command=arguments[0], arguments=arguments[1:])
    if not arguments or arguments[0] not in (*COMMANDS, "-h", "--help"):
        if arguments and not arguments[0].startswith("-"):
            raise UserError(unknown_command(arguments[0]))
        arguments = ["lab", *arguments]
    parser = Parser(
        prog=COMMAND,
        description="Learn WebSockets in Django without Channels. "
        "The first run installs the packages into .venv.",
        epilog="Without a command: lab.",
    )
    commands = parser.add_subparsers(dest="command", title="commands")
    lab = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    lab.add_argument(
        "--no-browser",
        dest="browser",
        action="store_false",
        help="print the address only",
    )
    serve = commands.add_parser("serve", help="run a stage: serve 1, ... serve 4")
    serve.add_argument("stage", nargs="?", default="", help="1, 2, 3 or 4")
    for command, port in ((lab, 8888), (serve, 8000)):
        command.add_argument(
            "--port", type=ports.parse_port, default=port, help=f"instead of {port}"
        )
    commands.add_parser(
        "test", help="run the tests; further arguments go to pytest (-k, --lf, -x)"
    )
    commands.add_parser(
        "exercise", help="check the exercises as you save them; exercise list, ..."
    )
    add_bench(commands.add_parser("bench", help="measure what each layer costs"))
    commands.add_parser("doctor", help="say what is right and wrong with this machine")
    options = parser.parse_args(arguments)
    if options.command == "serve":
        options.stage = find_stage(options.stage)
    return options


def add_bench(bench: argparse.ArgumentParser) -> None:
    """The options of ``bench``."""
    bench.add_argument(
        "what",
        nargs="?",
        default="all",
        choices=BENCHMARKS,
        help="which benchmark; without a word: all of them",
    )
    bench.add_argument(
        "--rounds", type=parse_rounds, help="how often each is measured; else 5"
    )
    bench.add_argument(
        "--quick", action="store_true", help="one short round, and no curves"
    )
    files = {
        "json": "write all figures to this file",
        "compare": "compare the ratios with this file of an earlier run",
        "report": "measure nothing: write the READMEs and pictures from this file",
    }
    for name, words in files.items():
        bench.add_argument(f"--{name}", type=Path, metavar="FILE", help=words)


def parse_rounds(text: str) -> int:
    """The number of rounds that ``text`` writes.

    Raises:
        UserError: it is no number from 1 to 1000.
    """
    if text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= 1000:
        return int(text)
    raise UserError(f"Rounds are a number from 1 to 1000, not {text!r}: --rounds 5")


def unknown_command(word: str) -> str:
    """What to say of a command that there is not."""
    close = difflib.get_close_matches(word.lower(), COMMANDS, 1, cutoff=0.5)
    if close:
        return f"There is no command {word!r}. Did you mean: {COMMAND} {close[0]}"
    return f"There is no command {word!r}. The commands: {', '.join(COMMANDS)}."


def find_stage(text: str) -> Path:
    """The folder of the stage whose number ``text`` writes: ``3`` and ``03``.

    Raises:
        UserError: it is no stage's number.
    """
    stages = sorted(path for path in ROOT.glob("[0-9][0-9]_*") if path.is_dir())
    for stage in stages:
        if text.zfill(2) == stage.name[:2]:
            return stage
    said = f"There is no stage {text!r}." if text else "Which stage?"
    names = ", ".join(f"{int(stage.name[:2])} ({stage.name})" for stage in stages)
    raise UserError(f"{said} The stages: {names}. For example: {COMMAND} serve 1")


def serve(stage: Path, port: int) -> int:
    """Run a stage under uvicorn, and show how to do so by hand."""
    django = (stage / "manage.py").is_file()
    application = "websocket_app.asgi:application" if django else "app:application"
    migrate = [f"{stage.name}/manage.py", "migrate", "--verbosity", "0"]
    uvicorn = ["--app-dir", stage.name, application, "--port", str(port)]
    print(f"Stage {stage.name[:2]} at http://127.0.0.1:{port}/  (Ctrl-C stops it)")
    print(
        f"The same by hand, in this folder, with the environment active ({ACTIVATE}):"
    )
    if django:
        print("    python", *migrate)
    print("    uvicorn", *uvicorn, flush=True)
    if django:
        done = subprocess.run(
            [sys.executable, *migrate], capture_output=True, text=True
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise UserError(f"The database could not be migrated: {last[0]}")
    return run_tool("uvicorn", *uvicorn)


def lab(port: int, browser: bool) -> int:
    """Run JupyterLab on the notebooks, with no question about news or updates."""
    paths = [
        str(ROOT / "workshop" / "command" / "jupyter"),
        os.environ.get("JUPYTER_CONFIG_PATH"),
    ]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    arguments = [
        "--ServerApp.root_dir=notebooks",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.answer_yes=True",  # Ctrl-C asks nothing
        "--log-level=WARN",  # the address, and what goes wrong
    ]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    print("JupyterLab starts; Ctrl-C stops it.", flush=True)
    return run_tool("jupyterlab", *arguments)


def bench(options: argparse.Namespace) -> int:
    """Run the benchmarks, or report on an earlier run."""
    lacking = ""
    if not options.report and options.what != "switch":
        lacking = environment.add_peers()
    command = importlib.import_module("benchmarks.command")  # once it can be imported
    return int(command.main(options, [lacking] if lacking else []))


def run_tool(module: str, *arguments: str) -> int:
    """``python -m module arguments`` in this process: Ctrl-C and the exit code are its.

    Returns:
        0; a tool that ends otherwise raises ``SystemExit`` with its own code.
    """
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0
